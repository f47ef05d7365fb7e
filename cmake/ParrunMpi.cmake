# MPI by its C interface alone. Boost's configuration would link MPI's C++ bindings, which nothing calls; where a
# project around this one has found Boost.MPI itself, it may. (parrun-config.cmake does the same for who uses the package.)
find_package(MPI REQUIRED COMPONENTS C)
if(NOT TARGET Boost::mpi)
  find_package(Boost 1.74 REQUIRED COMPONENTS mpi)
  set_property(TARGET Boost::mpi PROPERTY INTERFACE_LINK_LIBRARIES Boost::serialization MPI::MPI_C)
endif()
find_package(Boost 1.74 REQUIRED COMPONENTS serialization)

# ULFM lets a job go on without a rank that has failed.
include(CheckSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_C)
check_symbol_exists(MPIX_Comm_failure_ack "mpi.h;mpi-ext.h" PARRUN_HAVE_ULFM)
unset(CMAKE_REQUIRED_LIBRARIES)
