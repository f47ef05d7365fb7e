#!/usr/bin/env bash
# Builds parrun and passes all its tests on a fresh machine, what it needs installed first.
#   --quick   the release build and its tests only, without those that bring up a SLURM
#   --soak    then the release's mpi tests again and again: PARRUN_SOAK_ROUNDS times (10)
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/mpi-environment.sh

most_ranks=9  # that any test starts by one mpirun
mpi_report=build/release/ctest-report-mpi.xml
slurm_report=build/release/ctest-report-slurm.xml
quick=no soak=no
passed=0 failed=0 skipped=0

usage() {
  echo "usage: tests/run.sh [--quick] [--soak]" >&2
  exit 2
}

# A step that ctest does not count: it counts as one where it fails.
step() {  # NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: done in $((SECONDS - start)) s"
  else
    echo "== $name: FAILED" >&2
    failed=$((failed + 1))
    return 1
  fi
}

# The number that ctest's report gives for one of its attributes, 0 where it gives none.
reported() {  # REPORT ATTRIBUTE
  local number
  number=$(sed -nE "s/^[[:space:]]*$2=\"([0-9]+)\".*/\1/p" "$1" 2>/dev/null | head -n 1)
  echo "${number:-0}"
}

start_tests() {  # PRESET REPORT [CTEST OPTION...]
  echo "== $1: tests"
  rm -f "$2"
  ctest --preset "$1" --output-junit "$PWD/$2" "${@:3}"
}

count_passed() {  # REPORT
  local out
  out=$(($(reported "$1" disabled) + $(reported "$1" skipped)))
  passed=$((passed + $(reported "$1" tests) - $(reported "$1" failures) - out))
  skipped=$((skipped + out))
}

count_tests() {  # REPORT STATUS
  local tests failures
  tests=$(reported "$1" tests)
  failures=$(reported "$1" failures)
  count_passed "$1"
  ((tests > 0)) || echo "no test is reported in $1" >&2
  # Tests that could not even be listed are in no count, and a ctest that was killed leaves no report.
  ((failures > 0 || ($2 == 0 && tests > 0))) || failures=1
  failed=$((failed + failures))
}

run_tests() {  # PRESET [CTEST OPTION...]
  local report=build/$1/ctest-report.xml
  start_tests "$1" "$report" "${@:2}"
  count_tests "$report" $?
}

# Counts tests that ran beside much else. Those that failed there have one more try, each of them alone.
settle_tests() {  # PRESET REPORT STATUS
  local report=build/$1/ctest-report-again.xml failures again
  failures=$(reported "$2" failures)
  if ((failures == 0)); then
    count_tests "$2" "$3"
    return
  fi
  count_passed "$2"
  echo "== $1: $failures failed beside others, and are tried again alone"
  # With them may come what they need, or what could not run without them: that is counted already.
  if start_tests "$1" "$report" --rerun-failed -j 1; then
    passed=$((passed + failures))
  else
    again=$(reported "$report" failures)
    ((again > 0)) || again=$failures
    failed=$((failed + again))
    ((again > failures)) || passed=$((passed + failures - again))
  fi
}

build() { cmake --preset "$1" && cmake --build --preset "$1" "${@:2}"; }  # PRESET [OPTION...]
build_sanitizers() { build asan "$@" && build tsan "$@"; }                # [OPTION...]

# Starts what is to be done beside something else, until await(), which tells what it said, or end().
begin() {  # COMMAND...
  set -m  # a group of its own, to be ended with all that it has started
  "$@" </dev/null >build/beside.txt 2>&1 &
  beside=$!
  set +m
  trap end EXIT
}
await() {
  local status
  wait "$beside"
  status=$?
  trap - EXIT
  cat build/beside.txt
  return "$status"
}
end() {
  trap - EXIT
  kill -- "-$beside" 2>/dev/null
  wait "$beside" 2>/dev/null
  local looks
  for ((looks = 0; looks < 100; ++looks)); do  # at what it had started
    kill -0 -- "-$beside" 2>/dev/null || return
    sleep 0.1
  done
}

check_format() {
  find include src jobs tests -name '*.[ch]pp' -print0 | xargs -0 clang-format --dry-run -Werror
}

for option in "$@"; do
  case $option in
    --quick) quick=yes ;;
    --soak) soak=yes ;;
    *) usage ;;
  esac
done

mpi_environment "$most_ranks"
if step "install what is missing" bash cmake/install-dependencies.sh && step "release: build" build release; then
  # Most tests wait more than they compute, but watch the clock: they have one core for themselves. (As a process of low
  # priority, with both, this kept others from running for seconds: Linux 6.18, sched_autogroup.)
  [[ $quick == yes ]] || begin build_sanitizers -j 1
  run_tests release -L '^unit$' -j 4
  # Behind an abort of a job with a stopped rank mpirun itself stays behind now and then, until it is killed: each of
  # these tests may try again. (Those from outside compile meanwhile.)
  start_tests release "$mpi_report" -LE '^(unit|slurm)$' -j 4
  status=$?
  [[ $quick == yes ]] || end
  settle_tests release "$mpi_report" $status
  if [[ $quick == no ]]; then
    step "asan: the rest of its build" build asan && run_tests asan
    step "tsan: the rest of its build" build tsan && run_tests tsan
    # These mostly wait. Of srun's own starts over several nodes one in a thousand or so fails within MPI_Init: likewise.
    begin start_tests release "$slurm_report" -L slurm -j 16
    step "clang-format" check_format
    step "clang-tidy" build tidy
    await
    settle_tests release "$slurm_report" $?
  fi
  if [[ $soak == yes ]]; then
    run_tests release -L mpi --repeat until-fail:"${PARRUN_SOAK_ROUNDS:-10}"
  fi
fi

echo "$SECONDS s in all"
if ((skipped > 0)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
((failed == 0 && passed > 0))
