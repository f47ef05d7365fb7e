# find_package(parrun 1): parrun::parrun to link, parrun_add_jobs() for modules of task functions.
include(CMakeFindDependencyMacro)
enable_language(C)  # FindMPI looks for mpi.h with it
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/ParrunMpi.cmake)
find_dependency(fmt)
find_dependency(nlohmann_json)
find_dependency(SQLite3)
find_dependency(zstd)

list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_dependency(xxHash)
list(POP_FRONT CMAKE_MODULE_PATH)

include(${CMAKE_CURRENT_LIST_DIR}/parrun-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ParrunJobs.cmake)
