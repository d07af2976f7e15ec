# Three components: runtime (what a program linked with the library needs), development, tools.
include(CMakePackageConfigHelpers)

set(CQUEUE_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cqueue)

install(
  TARGETS ${CQUEUE_LIBRARIES}
  EXPORT cqueue-targets
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development)

install(
  FILES include/cqueue.h include/cqueue.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development)

install(
  EXPORT cqueue-targets
  NAMESPACE cqueue::
  DESTINATION ${CQUEUE_CONFIG_DIR}
  COMPONENT development)

configure_package_config_file(cmake/cqueue-config.cmake.in ${PROJECT_BINARY_DIR}/cqueue-config.cmake
                              INSTALL_DESTINATION ${CQUEUE_CONFIG_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cqueue-config-version.cmake COMPATIBILITY SameMajorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/cqueue-config.cmake ${PROJECT_BINARY_DIR}/cqueue-config-version.cmake
  DESTINATION ${CQUEUE_CONFIG_DIR}
  COMPONENT development)

# Directories relative to where the file lies, so that the installed tree may be moved; absolute ones are left alone.
set(CQUEUE_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH CQUEUE_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
  string(REGEX REPLACE "/$" "" CQUEUE_PC_PREFIX "\${pcfiledir}/${CQUEUE_PC_PREFIX}")
endif()
foreach(directory INCLUDE LIB)
  set(CQUEUE_PC_${directory}DIR ${CMAKE_INSTALL_${directory}DIR})
  if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_${directory}DIR})
    set(CQUEUE_PC_${directory}DIR "\${prefix}/${CMAKE_INSTALL_${directory}DIR}")
  endif()
endforeach()
set(CQUEUE_PC_LIBS -lcqueue)
set(CQUEUE_PC_LIBS_PRIVATE -pthread)
if(NOT CQUEUE_BUILD_SHARED)
  set(CQUEUE_PC_LIBS "-lcqueue -pthread")
  set(CQUEUE_PC_LIBS_PRIVATE)
endif()
configure_file(cqueue.pc.in ${PROJECT_BINARY_DIR}/cqueue.pc @ONLY)
install(
  FILES ${PROJECT_BINARY_DIR}/cqueue.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

if(CQUEUE_BUILD_TOOLS)
  install(TARGETS cq RUNTIME COMPONENT tools)
  install(
    DIRECTORY tools/manual/
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT tools)
  install(
    FILES tools/completions/cq.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME cq
    COMPONENT tools)
  install(
    FILES tools/completions/_cq
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
    COMPONENT tools)
  install(
    FILES tools/completions/cq.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    COMPONENT tools)
  install(
    FILES tools/monitoring/alerts.yml tools/monitoring/grafana-dashboard.json
    DESTINATION ${CMAKE_INSTALL_DATADIR}/cqueue/monitoring
    COMPONENT tools)
  install(
    PROGRAMS tools/tracing/latency.bt tools/tracing/waits.bt tools/tracing/care.bt
    DESTINATION ${CMAKE_INSTALL_DATADIR}/cqueue/tracing
    COMPONENT tools)
endif()
