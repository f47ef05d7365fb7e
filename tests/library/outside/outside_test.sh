#!/usr/bin/env bash
# Other projects on parrun, each as its users would set it up. FOLDER/prefix holds what was installed, moved after that.
#   outside_test.sh install BUILD_FOLDER FOLDER
#   outside_test.sh package|pkg-config FOLDER COMPILER
#   outside_test.sh add_subdirectory|FetchContent FOLDER COMPILER
# The last two configure against parrun's sources and compile a part each; the library, of minutes, is not built once more.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$here/../../..
source "$source_root/cmake/mpi-environment.sh"
ranks=3
sum=275  # of sweep.cpp
mpi_environment "$ranks"

expect() {  # WHAT EXPECTED FOUND
  [[ $2 == "$3" ]] || {
    printf '%s: expected %q, found %q\n' "$1" "$2" "$3" >&2
    exit 1
  }
}

in_mpi() { timeout -k 5 60 mpirun -n "$ranks" "$@"; }  # PROGRAM ARGUMENT...

configure() {  # PROJECT BUILD_FOLDER OPTION...
  rm -rf "$2"
  cmake -S "$here/$1" -B "$2" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug "${@:3}"
}

install_parrun() {  # BUILD_FOLDER
  rm -rf "$prefix" "$prefix.first"
  cmake --install "$1" --prefix "$prefix.first"
  mv "$prefix.first" "$prefix"
  "$prefix/bin/parrun" --version
}

call_module() {  # MODULE
  local tasks=$folder/shapes.jsonl batch=$folder/shapes.bin
  cat >"$tasks" <<'JSON'
{"call": "area of a rectangle", "args": [{"width": 2, "height": 3}]}
{"call": "area of a disc", "args": [2]}
{"call": "disc", "args": []}
JSON
  "$prefix/bin/parrun" pack "$tasks" --jsonl --load "$1" -o "$batch"
  in_mpi "$prefix/bin/parrun" --load "$1" --no-record --order submission --format jsonl --timeout 30 "$batch" |
    sed -nE 's/.*"value":([0-9.]+).*/\1/p' >"$folder/values"
  expect "the module's values" "6.0 12.0" "$(xargs <"$folder/values")"
}

by_package() {
  local build=$folder/package missing
  configure package "$build" -DCMAKE_PREFIX_PATH="$prefix"
  cmake --build "$build" -j 2
  expect "the program's output" "sum $sum" "$(in_mpi "$build/sweep")"
  call_module "$build/shapes.so"
  for missing in MPI Boost fmt; do
    configure optional "$folder/optional" -DCMAKE_PREFIX_PATH="$prefix" "-DCMAKE_DISABLE_FIND_PACKAGE_$missing=ON"
  done
}

by_pkg_config() {
  local flags program=$folder/sweep
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  # Once as for a shared library, once as for a static one: with this one there is no difference to remember.
  read -ra flags < <(pkg-config --cflags --libs parrun)
  "$compiler" -c "$here/sweep.cpp" -o "$program.o" "${flags[@]}"
  "$compiler" "$program.o" -o "$program" "${flags[@]}"
  read -ra flags < <(pkg-config --libs --static parrun)
  "$compiler" "$program.o" -o "$program" "${flags[@]}"
  expect "the program's output" "sum $sum" "$(in_mpi "$program")"
  by_readme
}

readme_block() {  # the one that has these WORDS
  awk -v words="$1" '/^```cpp/ { block = ""; on = 1; next }
    /^```/ { if (on && index(block, words)) printf "%s", block; on = 0; next }
    on { block = block $0 "\n" }' "$source_root/README.md"
}

# As the README has them, by its own commands.
by_readme() {
  local flags
  readme_block "#include <parrun/parrun.hpp>" >"$folder/my_code.cpp"
  readme_block "#include <parrun/task.hpp>" >"$folder/tasks.cpp"
  read -ra flags < <(pkg-config --cflags --libs parrun)
  "$compiler" -std=c++20 "$folder/my_code.cpp" "${flags[@]}" -o "$folder/my_code"
  expect "the README program's lines" 1000 "$(in_mpi "$folder/my_code" | wc -l)"
  read -ra flags < <(pkg-config --cflags parrun)
  "$compiler" -std=c++20 -shared -fPIC "$folder/tasks.cpp" "${flags[@]}" -o "$folder/my_tasks.so"
  echo '{"call": "simulate", "args": [2, 300]}' >"$folder/tasks.jsonl"
  "$prefix/bin/parrun" pack --jsonl "$folder/tasks.jsonl" --load "$folder/my_tasks.so" -o "$folder/tasks.bin"
}

inside() {  # FETCH COMPILED
  local build=$folder/inside-$1
  configure inside "$build" -DPARRUN="$source_root" -DFETCH="$1"
  ninja -C "$build" "$(ninja -C "$build" -t targets all | sed -n "s/^\\(.*$2\\.cpp\\.o\\):.*/\\1/p")"
  [[ $(ninja -C "$build" -t query sweep) == *"/libparrun.a"* ]]  # which it would build, and link
  expect "what is installed with it" "bin/sweep" \
    "$(grep -rhoE 'DESTINATION "[^"]*" TYPE [A-Z]+ FILES "[^"]*"' "$build" --include=cmake_install.cmake |
      sed -E 's|.*/bin" TYPE EXECUTABLE FILES ".*/([a-z]+)"|bin/\1|')"
}

command=$1
case $command in
  install) folder=$3 ;;
  *) folder=$2 compiler=$3 ;;
esac
mkdir -p "$folder"
prefix=$folder/prefix
case $command in
  install) install_parrun "$2" ;;
  package) by_package ;;
  pkg-config) by_pkg_config ;;
  add_subdirectory) inside OFF sweep ;;
  FetchContent) inside ON shapes ;;
esac
