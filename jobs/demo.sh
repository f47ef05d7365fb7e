#!/usr/bin/env bash
# Installs what is missing, builds parrun, and runs three batches with it on 8 ranks. Each is checked: the
# script fails where anything comes out otherwise than it says.
set -euo pipefail
export LC_ALL=C # for sort, and for the decimal point of EPOCHREALTIME

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/mpi-environment.sh

ranks=8
parrun=$PWD/build/release/parrun
modules=$PWD/build/release/jobs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

heading() { printf '\n== %s\n' "$1"; }

fail() {
  echo "demo: $1" >&2
  exit 1
}

# Runs a command, shown as one would type it, and sets `seconds` to what it took.
timed() {
  local start=$EPOCHREALTIME status=0 shown="$*"
  shown=${shown//$parrun/parrun}
  shown=${shown//$modules\//}
  echo "\$ ${shown//$work\//}" >&2
  "$@" || status=$?
  seconds=$(awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.2f", to - from }')
  return $status
}

expect_lines() { # COUNT FILE
  local lines
  lines=$(wc -l <"$2")
  ((lines == $1)) || fail "$lines lines came out where $1 were expected"
}

install_and_build() {
  heading "Install what is missing, and build"
  bash cmake/install-dependencies.sh --build-only
  # Without the tests, which need more packages; tests/run.sh switches them on again.
  cmake --preset release -DBUILD_TESTING=OFF >"$work/configure.log" || fail "$(cat "$work/configure.log")"
  cmake --build --preset release
}

# One command a file: what `sha256sum` prints for each must come out once, whole, and be right.
checksum_every_header() {
  heading "Checksums of every file under /usr/include, one command a file"
  find /usr/include -type f -print0 >"$work/files"
  sed -z "s/'/'\\\\''/g; s/.*/sha256sum '&'/" "$work/files" | tr '\0' '\n' >"$work/commands.txt"
  local count
  count=$(tr -cd '\0' <"$work/files" | wc -c)

  timed "$parrun" pack "$work/commands.txt" -o "$work/checksums.bin"
  timed mpirun -n "$ranks" "$parrun" --timeout 60 "$work/checksums.bin" >"$work/checksums.txt"
  expect_lines "$count" "$work/checksums.txt"
  xargs -0 sha256sum <"$work/files" | sort >"$work/expected"
  sort "$work/checksums.txt" | cmp - "$work/expected" || fail "a checksum is wrong"

  tail -n 3 "$work/checksums.txt"
  awk -v n="$count" -v s="$seconds" \
    'BEGIN { printf "%d files, %d right checksums, %s s: %.0f commands/s\n", n, n, s, n / s }'
}

# Function calls whose results are combined: with 4e8 points the estimate's standard deviation is 8e-5.
estimate_pi() {
  heading "Monte Carlo pi: 200 calls of a C++ function"
  local tasks=200
  for ((seed = 1; seed <= tasks; ++seed)); do
    echo "{\"call\": \"monte_carlo_pi\", \"args\": [$seed, 2000000]}"
  done >"$work/pi.jsonl"

  timed "$parrun" pack "$work/pi.jsonl" --jsonl --load "$modules/pi.so" -o "$work/pi.bin"
  timed mpirun -n "$ranks" "$parrun" --timeout 60 --format jsonl --load "$modules/pi.so" "$work/pi.bin" \
    >"$work/shares.jsonl"
  expect_lines "$tasks" "$work/shares.jsonl"

  tail -n 2 "$work/shares.jsonl"
  awk -v s="$seconds" '
    function field(name) {
      return match($0, "\"" name "\": *[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0
    }
    { hits += field("hits"); samples += field("samples") }
    END {
      if (samples == 0) { print "no samples came back"; exit 1 }
      pi = 4 * hits / samples
      printf "pi is about %.6f, from %.0f points, %s s\n", pi, samples, s
      error = pi - 3.14159265358979
      exit !(samples == 4e8 && error < 5e-4 && error > -5e-4)
    }' "$work/shares.jsonl" || fail "that is not pi"
}

# The live processes that were started with the given variable in their environment.
processes_with() { grep -lzx "$1" /proc/[0-9]*/environ 2>/dev/null || true; }

# Three tasks that never end: the limit does, and nothing stays behind.
end_the_endless() {
  heading "Three endless tasks and a limit of 3 s"
  timed "$parrun" pack jobs/endless.jsonl --jsonl --load "$modules/endless.so" -o "$work/endless.bin"
  local status=0 tag="PARRUN_DEMO=$$"
  PARRUN_DEMO=$$ \
    timed mpirun -n "$ranks" "$parrun" --timeout 3 --load "$modules/endless.so" "$work/endless.bin" || status=$?
  echo "exit code $status after $seconds s"
  ((status == 124)) || fail "exit code 124 was expected"
  # Start-up and shutdown of mpirun come on top of the limit.
  awk -v s="$seconds" 'BEGIN { exit !(s >= 3 && s < 10) }' || fail "it should have taken from 3 to 10 s"

  for ((i = 0; i < 30; ++i)); do
    [[ -n $(processes_with "$tag") ]] || break
    sleep 0.1
  done
  [[ -z $(processes_with "$tag") ]] || fail "processes are left: $(processes_with "$tag")"
  echo "no process is left"
}

install_and_build
mpi_environment "$ranks"
checksum_every_header
estimate_pi
end_the_endless
heading "All as it should be"
