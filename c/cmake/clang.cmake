# Toolchain file: clang by whatever name it is installed, and the clang++ that belongs to it.
find_program(CQUEUE_CLANG NAMES clang clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
get_filename_component(CQUEUE_CLANG_NAME ${CQUEUE_CLANG} NAME)
get_filename_component(CQUEUE_CLANG_DIRECTORY ${CQUEUE_CLANG} DIRECTORY)
string(REPLACE clang clang++ CQUEUE_CLANGXX_NAME ${CQUEUE_CLANG_NAME})
set(CMAKE_C_COMPILER ${CQUEUE_CLANG})
set(CMAKE_CXX_COMPILER ${CQUEUE_CLANG_DIRECTORY}/${CQUEUE_CLANGXX_NAME})
