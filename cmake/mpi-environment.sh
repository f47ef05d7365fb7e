# Sourced. mpi_environment RANKS: what Open MPI wants to be told before it starts RANKS ranks here, and only
# where it would refuse otherwise: as root, and with fewer cores than ranks.

# Open MPI counts cores, not hardware threads; nproc knows of affinity, lscpu of cores.
mpi_cores() {
  local cores allowed
  allowed=$(nproc)
  cores=$(lscpu --parse=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  echo $((cores > 0 && cores < allowed ? cores : allowed))
}

mpi_environment() {
  if [[ $(id -u) == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  if (($(mpi_cores) < $1)); then
    export OMPI_MCA_rmaps_base_oversubscribe=1
  fi
}
