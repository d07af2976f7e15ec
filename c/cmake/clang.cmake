# Toolchain file: clang by whatever name it is installed, and the clang++ that belongs to it.
find_program(CQUEUE_CLANG NAMES clang clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
string(REGEX REPLACE "clang(-[0-9]+)?$" "clang++\\1" CQUEUE_CLANGXX "${CQUEUE_CLANG}")
set(CMAKE_C_COMPILER ${CQUEUE_CLANG})
set(CMAKE_CXX_COMPILER ${CQUEUE_CLANGXX})
