#!/usr/bin/env bash
# Ends what up.sh has started for the same FOLDER, its jobs first. Only FOLDER's logs stay.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
[[ -d $cluster ]] || { echo "no SLURM here"; exit 0; }

controller() { timeout 5 "$@" 2>/dev/null; }
no_jobs() { [[ -z $(controller squeue -h -o %i) ]]; }
none_runs() { [[ -z $(daemons) ]]; }

if ! none_runs && controller scontrol ping >/dev/null; then
  for job in $(controller squeue -h -o %A); do
    controller scancel --full --signal=KILL "$job" || true
    controller scancel "$job" || true
  done
  within 30 no_jobs || true
fi

kill -TERM $(daemons) 2>/dev/null || true
within 15 none_runs || kill -KILL $(daemons) 2>/dev/null || true
within 5 none_runs || { echo "SLURM does not go down: $(daemons | tr '\n' ' ')" >&2; exit 1; }
rm -rf "$cluster" "$environment"
