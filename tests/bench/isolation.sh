#!/usr/bin/env bash
# What process isolation costs: the same batch of good tasks with --isolation process and none, in turn, round
# by round in the same minutes. Prints each round's times (mpirun's start taken off, by an empty batch) and the
# median of their ratios.
#   isolation.sh [--rounds N] [--ms MILLISECONDS] [--tasks N] [--workers N]    9 rounds of 4,000 tasks of 1 ms on 1 worker
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/mpi-environment.sh

rounds=9 ms=1 tasks=4000 ranks=2
while (($#)); do
  case $1 in
    --rounds) rounds=$2 ;;
    --ms) ms=$2 ;;
    --tasks) tasks=$2 ;;
    --workers) ranks=$(($2 + 1)) ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done

mpi_environment "$ranks"
parrun=build/release/parrun
module=build/release/tests/jobs/bad.so
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for ((i = 0; i < tasks; ++i)); do echo "{\"call\": \"busy\", \"args\": [$ms]}"; done >"$folder/busy.jsonl"
: >"$folder/empty.jsonl"
for batch in busy empty; do
  "$parrun" pack "$folder/$batch.jsonl" --jsonl --load "$module" -o "$folder/$batch.bin" 2>/dev/null
done

seconds_of() {  # ISOLATION BATCH
  local start=$EPOCHREALTIME
  timeout 120 mpirun -n "$ranks" "$parrun" --isolation "$1" -q --load "$module" "$folder/$2.bin" >/dev/null
  awk "BEGIN { print $EPOCHREALTIME - $start }"
}

echo "$tasks tasks of $ms ms, workers: $((ranks - 1)), cores: $(nproc); seconds"
printf '%5s %9s %9s %7s\n' round process none ratio
for ((round = 1; round <= rounds; ++round)); do
  process=$(seconds_of process busy) none=$(seconds_of none busy)
  process_start=$(seconds_of process empty) none_start=$(seconds_of none empty)
  awk -v r="$round" -v p="$process" -v n="$none" -v ps="$process_start" -v ns="$none_start" \
    'BEGIN { printf "%5d %9.3f %9.3f %7.3f\n", r, p - ps, n - ns, (p - ps) / (n - ns) }'
done | tee "$folder/rounds"
sort -k4n "$folder/rounds" | awk '{ ratio[NR] = $4 } END { printf "median ratio %.3f\n", ratio[int((NR + 1) / 2)] }'
