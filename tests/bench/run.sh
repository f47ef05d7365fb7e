#!/usr/bin/env bash
# What parrun costs beside bare MPI and its peers, all in turn in the same minutes: a table of ratios. Builds release,
# and installs the peers that Debian has.
#   run.sh [--quick] [ROW...]    all rows, 7 rounds (figures: 3); --quick: 3 (1) of smaller batches, in two minutes
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/mpi-environment.sh

bash cmake/install-dependencies.sh
bash cmake/install-dependencies.sh --bench || echo "some peers cannot be installed: their rows are left out" >&2
cmake --preset release >/dev/null
cmake --build --preset release --target bench

mpi_environment 8
exec python3 tests/bench/table.py "$@"
