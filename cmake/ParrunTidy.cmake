# The target `tidy` runs clang-tidy over src and jobs. It needs the tree configured, not built.
# With PARRUN_UNITE_FOLDERS each header is read once for a folder, and it takes a third of the time.
find_program(RUN_CLANG_TIDY run-clang-tidy)
if(RUN_CLANG_TIDY)
  add_custom_target(tidy
    COMMAND ${RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR} "^${PROJECT_SOURCE_DIR}/(src|jobs)/|/Unity/"
    VERBATIM USES_TERMINAL)
endif()
