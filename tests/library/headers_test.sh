#!/usr/bin/env bash
# Each public header compiles alone, without a warning, and brings in nothing that its users need not have.
#   headers_test.sh INCLUDE_FOLDER COMPILER OPTION...
#   headers_test.sh --self-test INCLUDE_FOLDER COMPILER OPTION...   breaks copies of a header, and expects each to be found
set -euo pipefail

self_test=no
if [[ $1 == --self-test ]]; then
  self_test=yes
  shift
fi
include=$1
shift
compile=("$@" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Twice, so that it bears that too; -MD lists all that comes in.
check() {  # INCLUDE_FOLDER HEADER
  local banned='(^|/)(mpicxx\.h|sqlite3\.h|cli/.*|fmt/.*|src/.*)$'
  [[ $2 == parrun/mpi.hpp ]] || banned+='|(^|/)mpi\.h$|/boost/mpi(/|\.hpp$)'
  printf '#include "%s"\n#include "%s"\n' "$2" "$2" >"$folder/alone.cpp"
  if ! "${compile[@]}" -I"$1" -MD -MF "$folder/all" "$folder/alone.cpp"; then
    echo "$2: does not compile alone"
    return 1
  fi
  if tr -s '[:space:]' '\n' <"$folder/all" | grep -E "$banned"; then
    echo "$2: brings in the above"
    return 1
  fi
}

check_all() {
  local header wrong=0
  for header in "$include"/parrun/*.hpp; do
    check "$include" "parrun/${header##*/}" || wrong=1
  done
  ((wrong == 0)) || exit 1
  echo "each header compiles alone and brings in no more than it may"
}

find_each() {
  local header line missed=0
  cp -r "$include" "$folder/include"
  while IFS='|' read -r header line; do
    { echo '#pragma once' && printf '%b\n' "$line"; } >"$folder/include/parrun/$header"
    if check "$folder/include" "parrun/$header" >"$folder/report" 2>&1; then
      echo "NOT FOUND: $line"
      missed=1
    fi
  done <<'LINES'
broken.hpp|inline std::string not_included() { return {}; }
broken.hpp|inline int narrowed(double value) { return value; }
broken.hpp|inline int unused(int parameter) { return 1; }
broken.hpp|#include <mpi.h>
broken.hpp|#include <boost/mpi/communicator.hpp>
broken.hpp|#include <sqlite3.h>
broken.hpp|#include <fmt/format.h>
mpi.hpp|#include <mpi.h>
LINES
  printf '#pragma once\n#define OMPI_SKIP_MPICXX 1\n#include <mpi.h>\n' >"$folder/include/parrun/mpi.hpp"
  check "$folder/include" parrun/mpi.hpp || exit 1
  ((missed == 0)) || exit 1
  echo "each fault is found"
}

if [[ $self_test == yes ]]; then
  find_each
else
  check_all
fi
