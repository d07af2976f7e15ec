# Our warnings are for our own build: in somebody else's project they would only be in the way.
function(cqueue_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion)
  endif()
  if(CQUEUE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
