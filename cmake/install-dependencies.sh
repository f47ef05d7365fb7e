#!/usr/bin/env bash
# Installs what parrun needs on Debian; touches nothing where all of it is there.
# --build-only leaves out what only tests and lint need; --slurm is for the SLURM of tests/slurm alone, --bench for what
# the benchmarks compare with.
set -euo pipefail

packages=(g++ cmake ninja-build openmpi-bin libopenmpi-dev libboost-mpi-dev libboost-serialization-dev
          libfmt-dev nlohmann-json3-dev libcli11-dev libxxhash-dev libsqlite3-dev libzstd-dev)
case ${1-} in
  --build-only) ;;
  --slurm) packages=(munge slurmctld slurmd slurm-client libpmix2 procps) ;;
  --bench) packages=(libbenchmark-dev python3-mpi4py python3-joblib parallel) ;;
  '') packages+=(libgtest-dev libgmock-dev clang libclang-rt-dev clang-format clang-tidy pkg-config procps) ;;
  *)
    echo "usage: install-dependencies.sh [--build-only|--slurm|--bench]" >&2
    exit 2
    ;;
esac

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
  echo "install-dependencies.sh: no apt-get here; install what these Debian packages hold: ${missing[*]}" >&2
  exit 1
elif ((EUID == 0)); then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo)
else
  echo "install-dependencies.sh: neither root nor sudo; have these packages installed: ${missing[*]}" >&2
  exit 1
fi

"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
