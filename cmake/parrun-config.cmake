# find_package(parrun 1): parrun::parrun to link, parrun_add_jobs() for modules of task functions.
include(CMakeFindDependencyMacro)
enable_language(C)  # FindMPI looks for mpi.h with it
find_dependency(Threads)
find_dependency(MPI COMPONENTS C)
if(NOT TARGET Boost::mpi)  # as Boost gives it, it links MPI's C++ bindings, which nothing calls
  find_dependency(Boost 1.74 COMPONENTS mpi)
  set_property(TARGET Boost::mpi PROPERTY INTERFACE_LINK_LIBRARIES Boost::serialization MPI::MPI_C)
endif()
find_dependency(Boost 1.74 COMPONENTS serialization)
find_dependency(fmt)
find_dependency(nlohmann_json)
find_dependency(SQLite3)
find_dependency(zstd)

list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_dependency(xxHash)
list(POP_FRONT CMAKE_MODULE_PATH)

include(${CMAKE_CURRENT_LIST_DIR}/parrun-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ParrunJobs.cmake)
