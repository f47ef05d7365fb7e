#!/usr/bin/env bash
# The include graph keeps to the layers of the design.
#   layers_test.sh [ROOT]        checks a tree: every violation on a line, exit code 1 where there is one
#   layers_test.sh --self-test   expects each of many faults to be found, by itself in a tree of its own
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Which layers a layer may include, besides itself and the public headers ("parrun").
declare -A allowed=(
  [include]='' [jobs]=''
  [base]=''
  [core]='base'
  [batch]='base'
  [wire]='base core batch'
  [exec]='base core batch'
  [record]='base core'
  [cluster]='base core'
  [run]='base core batch wire exec record'
  [report]='base core batch run'
  [doctor]='base core batch wire exec record cluster run'
  [cli]='base core batch wire exec record cluster run report doctor'
)
main_lines=40
violations=0

violation() {
  echo "$1: $2"
  violations=$((violations + 1))
}

check_include() {  # FILE LAYER HEADER
  local folder=${3%%/*}
  case $3 in
    boost/mpi/* | boost/mpi.hpp) [[ $2 == wire ]] || violation "$1" "<$3>: Boost.MPI belongs to src/wire alone" ;;
    mpi.h)
      [[ $2 == wire || $2 == run || $2 == jobs || $1 == include/parrun/mpi.hpp ]] ||
        violation "$1" "<$3>: MPI belongs to src/wire and src/run, and to the header that takes a communicator"
      return
      ;;
  esac
  if [[ $2 == include ]]; then
    [[ $3 =~ ^([a-z_]+|boost/version.hpp|(parrun|nlohmann|boost/archive|boost/serialization)/.*)$ ]] ||
      violation "$1" "<$3>: public headers stand on std, Boost.Serialization and nlohmann alone"
  elif [[ -v allowed[$folder] && $3 == */* && " parrun $2 ${allowed[$2]} " != *" $folder "* ]]; then
    violation "$1" "\"$3\": $2 does not see $folder"
  fi
}

# "layer/name.hpp" from the include folder is the only way our own headers are named.
check_quoted() {  # FILE HEADER
  [[ $2 =~ ^(parrun|base|core|batch|wire|exec|record|cluster|report|run|doctor|cli)/ ]] ||
    violation "$1" "\"$2\": write a header of ours with its layer, others in <>"
}

check_line() {  # FILE LINE
  local layer=${1#src/} header
  layer=${layer%%/*}
  [[ $2 =~ include[[:space:]]*([\"<])([^\">]+) ]] || return 0
  header=${BASH_REMATCH[2]}
  if [[ ! -v allowed[$layer] ]]; then
    violation "$1" "the folder is no layer of this script's table"
    return
  fi
  [[ ${BASH_REMATCH[1]} == '<' ]] || check_quoted "$1" "$header"
  check_include "$1" "$layer" "$header"
}

check_tree() {
  local file line main=src/cli/main.cpp
  cd "$root"
  while IFS=: read -r file line; do
    check_line "$file" "$line"
  done < <(grep -rHE --include='*.[ch]pp' '^[[:space:]]*#[[:space:]]*include' include src jobs)
  if [[ -e $main ]] && (($(wc -l <"$main") >= main_lines)); then
    violation "$main" "$main_lines lines or more: it only wires"
  fi
  ((violations == 0)) || exit 1
  echo "the include graph keeps to the layers"
}

self_test() {
  local missed=0 rule file line
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  while IFS='|' read -r rule file line; do
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{include,src,jobs} "$(dirname "$tree/$file")"
    echo "$line" >"$tree/$file"
    bash "${BASH_SOURCE[0]}" "$tree" >"$tree/report" || true
    grep -F "$file: " "$tree/report" || {
      echo "NOT FOUND: $rule"
      missed=1
    }
  done <<'RULES'
a lower layer includes a higher one|src/base/broken.hpp|#include "core/scheduler.hpp"
batch includes exec|src/batch/broken.cpp|#include "exec/registry.hpp"
record includes exec|src/record/broken.cpp|#include "exec/registry.hpp"
exec includes record|src/exec/broken.cpp|#include "record/row.hpp"
wire includes exec|src/wire/broken.cpp|  #  include <exec/registry.hpp>
exec includes wire|src/exec/broken.hpp|#include "wire/transport.hpp"
run includes report|src/run/broken.cpp|#include "report/console.hpp"
run includes doctor|src/run/broken.cpp|#include "doctor/report.hpp"
MPI in doctor|src/doctor/broken.cpp|#include <mpi.h>
report includes cli|src/report/broken.cpp|#include "cli/program.hpp"
a header without its layer|src/exec/broken.cpp|#include "registry.hpp"
a header by a relative path|src/core/broken.cpp|#include "../exec/registry.hpp"
a job sees an internal header|jobs/broken.cpp|#include "base/bytes.hpp"
a public header sees an internal one|include/parrun/broken.hpp|#include "base/bytes.hpp"
a public header brings fmt in|include/parrun/broken.hpp|#include <fmt/format.h>
Boost.MPI outside wire|src/run/broken.cpp|#include <boost/mpi/communicator.hpp>
another public header brings MPI in|include/parrun/broken.hpp|#include <mpi.h>
MPI in core|src/core/broken.cpp|#include <mpi.h>
an unknown folder|src/util/broken.cpp|#include <string>
RULES
  exit "$missed"
}

case ${1-} in
  --self-test) self_test ;;
  '') check_tree ;;
  *) root=$1 && check_tree ;;
esac
