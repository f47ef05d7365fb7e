# cmake --install: the program in bin, the library and its package in lib, the modules of jobs/ in lib/parrun/jobs.
include(CMakePackageConfigHelpers)

set(package_dir lib/cmake/parrun)
install(TARGETS parrun RUNTIME DESTINATION bin)
install(TARGETS libparrun parrun_headers EXPORT parrun-targets ARCHIVE DESTINATION lib)
install(DIRECTORY include/parrun DESTINATION include)
install(EXPORT parrun-targets NAMESPACE parrun:: DESTINATION ${package_dir})

set(version_file ${PROJECT_BINARY_DIR}/parrun-config-version.cmake)
write_basic_package_version_file(${version_file} COMPATIBILITY SameMajorVersion)
install(
  FILES ${version_file} cmake/parrun-config.cmake cmake/ParrunJobs.cmake cmake/ParrunMpi.cmake cmake/FindxxHash.cmake
  DESTINATION ${package_dir})
