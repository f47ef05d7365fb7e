# How our own targets are compiled. Nothing here reaches a program that links the installed library.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  add_compile_options(-Wno-sign-conversion)  # of -Wconversion in Clang, and not in GCC
elseif(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # GCC bug 105651: false alarms in std::string's operator+
endif()

set(PARRUN_SANITIZE "" CACHE STRING "Sanitizers for all targets, as in -fsanitize=: address,undefined or thread")
if(PARRUN_SANITIZE)
  add_compile_options(-fsanitize=${PARRUN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-maybe-uninitialized)  # false alarms behind the sanitizers' own branches
  endif()
  add_link_options(-fsanitize=${PARRUN_SANITIZE})
endif()
