#!/usr/bin/env bash
# Where a rank's time goes at full speed: a table of its functions, by perf. Empty functions, 64 bytes there and back.
#   profile.sh [--rank RANK] [--rows N] [process|none [TASKS [IN OUT]]]    rank 0, 20 rows, none, 4,000,000 tasks
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/mpi-environment.sh

rank=0 rows=20
while (($#)); do
  case $1 in
    --rank) rank=$2 ;;
    --rows) rows=$2 ;;
    *) break ;;
  esac
  shift 2
done
isolation=${1:-none} tasks=${2:-4000000}

if ! command -v perf >/dev/null; then
  echo "profile.sh: no perf here; Debian has it in linux-perf" >&2
  exit 1
fi
cmake --preset release >/dev/null
cmake --build --preset release --target bench >&2

mpi_environment 3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mpirun -n 3 bash -c '
  if [[ $OMPI_COMM_WORLD_RANK == "$0" ]]; then exec perf record -q -F 1999 -o "$1" "${@:2}"; else exec "${@:2}"; fi' \
  "$rank" "$folder/perf.data" build/release/tests/bench/pool_bench "$isolation" rate "$tasks" "${@:3}" >&2
perf report -i "$folder/perf.data" --sort symbol 2>/dev/null |
  sed -E "s/ +- +- *$//" | cut -c 1-140 | awk -v rows="$rows" '/%/ && shown++ < rows'
