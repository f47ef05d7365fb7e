#!/usr/bin/env bash
# What an option costs: the same batch of good tasks with two sets of options, in turn, round by round in the same
# minutes. Prints each round's times (mpirun's start taken off, by an empty batch) and the median of their ratios.
#   compare.sh [--rounds N] [--ms MILLISECONDS] [--tasks N] [--workers N] [A B]    9 rounds of 4,000 tasks of 1 ms on 1 worker
#   compare.sh '--isolation process' '--isolation none'
#   compare.sh '--record jobs.record' '--no-record'
set -euo pipefail
shopt -s inherit_errexit  # a run that fails ends all: its time is none
export LC_ALL=C           # EPOCHREALTIME and awk agree on the decimal point

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/mpi-environment.sh

rounds=9 ms=1 tasks=4000 ranks=2
while (($#)); do
  case $1 in
    --rounds) rounds=$2 ;;
    --ms) ms=$2 ;;
    --tasks) tasks=$2 ;;
    --workers) ranks=$(($2 + 1)) ;;
    *) break ;;
  esac
  shift 2
done
if (($# != 2)); then
  sed -n '2,6s/^# //p' "$0" >&2
  exit 2
fi
options=("$1" "$2")

mpi_environment "$ranks"
parrun=$PWD/build/release/parrun
module=$PWD/build/release/tests/bench/bench_jobs.so
cmake --preset release >/dev/null
cmake --build --preset release --target bench
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

call=$(awk -v ms="$ms" 'BEGIN { printf "{\"call\": \"busy\", \"args\": [%.9f]}", ms / 1000 }')
for ((i = 0; i < tasks; ++i)); do echo "$call"; done >"$folder/busy.jsonl"
: >"$folder/empty.jsonl"
for batch in busy empty; do
  "$parrun" pack "$folder/$batch.jsonl" --jsonl --load "$module" -o "$folder/$batch.bin"
done

cd "$folder"

seconds_of() {  # OPTIONS BATCH
  local start=$EPOCHREALTIME status=0 end
  # shellcheck disable=SC2086
  timeout 120 mpirun -n "$ranks" "$parrun" $1 -q --load "$module" "$2.bin" >/dev/null || status=$?
  end=$EPOCHREALTIME
  if ((status != 0)); then
    echo "a run with '$1' ended with exit code $status: nothing to compare" >&2
    return 1
  fi
  rm -f ./*.record
  awk "BEGIN { print $end - $start }"
}

echo "$tasks tasks of $ms ms, workers: $((ranks - 1)), cores: $(nproc); seconds"
echo "A: ${options[0]}   B: ${options[1]}"
printf '%5s %9s %9s %7s\n' round A B ratio
for ((round = 1; round <= rounds; ++round)); do
  # Each by itself: of several assignments in one command only the last one's failure counts.
  a=$(seconds_of "${options[0]}" busy)
  b=$(seconds_of "${options[1]}" busy)
  a_start=$(seconds_of "${options[0]}" empty)
  b_start=$(seconds_of "${options[1]}" empty)
  awk -v r="$round" -v a="$a" -v b="$b" -v as="$a_start" -v bs="$b_start" \
    'BEGIN { printf "%5d %9.3f %9.3f %7.3f\n", r, a - as, b - bs, (a - as) / (b - bs) }'
done | tee "$folder/rounds"
sort -k4n "$folder/rounds" | awk '{ ratio[NR] = $4 } END { printf "median ratio %.3f\n", ratio[int((NR + 1) / 2)] }'
