# The target `tidy` runs clang-tidy over src and jobs. It needs the tree configured, not built.
# With PARRUN_UNITE_FOLDERS each header, which takes most of the time, is read once for a folder.
find_program(RUN_CLANG_TIDY run-clang-tidy)
if(NOT RUN_CLANG_TIDY)
  return()
endif()

set(tidied jobs/)
if(PARRUN_UNITE_FOLDERS)
  # Modules are built one by one. Programs have a main() each, and are read one by one here too.
  file(GLOB modules CONFIGURE_DEPENDS jobs/*.cpp)
  list(FILTER modules EXCLUDE REGEX /example_)
  add_library(tidied_modules OBJECT EXCLUDE_FROM_ALL ${modules})
  target_link_libraries(tidied_modules PRIVATE parrun::headers)
  parrun_unite_folders(tidied_modules)
  set(tidied jobs/example_)
endif()
add_custom_target(tidy
  COMMAND ${RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR} "^${PROJECT_SOURCE_DIR}/(src/|${tidied})|/Unity/"
  VERBATIM USES_TERMINAL)
