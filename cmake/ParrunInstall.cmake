# cmake --install: the program in bin, the headers in include, the library in lib with its packages for CMake and
# pkg-config, the modules of jobs/ in lib/parrun/jobs.
include(CMakePackageConfigHelpers)

set(package_dir lib/cmake/parrun)
# The program goes on finding an MPI that is not among the system's libraries.
set_target_properties(parrun PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS parrun RUNTIME DESTINATION bin)
install(TARGETS libparrun parrun_headers EXPORT parrun-targets ARCHIVE DESTINATION lib)
install(DIRECTORY include/parrun DESTINATION include)
install(EXPORT parrun-targets NAMESPACE parrun:: DESTINATION ${package_dir})

set(version_file ${PROJECT_BINARY_DIR}/parrun-config-version.cmake)
write_basic_package_version_file(${version_file} COMPATIBILITY SameMajorVersion)
install(
  FILES ${version_file} cmake/parrun-config.cmake cmake/ParrunJobs.cmake cmake/FindxxHash.cmake
  DESTINATION ${package_dir})

# The libraries that CMake found, by their files: not all of them have a package of their own for pkg-config.
set(linked Boost::mpi Boost::serialization fmt::fmt xxHash::xxHash SQLite::SQLite3 zstd::libzstd_shared)
list(TRANSFORM linked REPLACE "(.+)" "$<TARGET_FILE:\\1>")
list(JOIN linked " " linked_files)
set(include_dirs
  $<TARGET_PROPERTY:MPI::MPI_C,INTERFACE_INCLUDE_DIRECTORIES>
  $<TARGET_PROPERTY:Boost::serialization,INTERFACE_INCLUDE_DIRECTORIES>
  $<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>)
# The system's own folder is searched anyway, and must not be searched earlier.
set(include_dirs $<REMOVE_DUPLICATES:$<FILTER:${include_dirs},EXCLUDE,^/usr/include$>>)
list(JOIN MPI_C_LIBRARIES " " mpi_libraries)
configure_file(cmake/parrun.pc.in ${PROJECT_BINARY_DIR}/parrun.pc.in @ONLY)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/parrun.pc INPUT ${PROJECT_BINARY_DIR}/parrun.pc.in)
install(FILES ${PROJECT_BINARY_DIR}/parrun.pc DESTINATION lib/pkgconfig)
