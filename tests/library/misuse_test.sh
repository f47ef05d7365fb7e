#!/usr/bin/env bash
# What cannot be a task, or be given to one, is refused by the compiler: the first error of each case is a sentence that
# says what to do. Each case is a line of one source, for the headers take longest.
#   misuse_test.sh COMPILER OPTION...
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source=$folder/cases.cpp
echo '#include "parrun/pool.hpp"' >"$source"
sentences=('' '')  # by line, from 1; empty where the case is to compile

refused() {  # SENTENCE CODE: types differ from case to case, for the compiler judges each but once
  sentences+=("$1")
  echo "namespace case_${#sentences[@]} { $2 }" >>"$source"
}
taken() { refused '' "$1"; }  # CODE

taken 'int f(int n) { return n; } PARRUN_TASK(f); auto task = parrun::task<f>(1);'
taken 'struct S { int n = 0; }; PARRUN_MEMBERS(S, n); S f(const S& s) { return s; } PARRUN_TASK(f); auto task = parrun::task<f>(S{1});'
taken 'struct F { int n = 0; int operator()(int k) const { return n + k; } }; PARRUN_MEMBERS(F, n); PARRUN_TASK(F); auto task = parrun::task(F{1}, 2);'
taken 'double f(const parrun::Shared<double>& table) { return table[0]; } PARRUN_TASK(f); auto task = parrun::task<f>(parrun::Shared<double>());'
taken 'struct S { parrun::Shared<int> table; std::vector<parrun::Shared<char>> texts; }; PARRUN_MEMBERS(S, table, texts); S f(S s) { return s; } PARRUN_TASK(f);'
taken 'struct S { int n = 0; template <class A> void serialize(A& a, unsigned) { a & n; } }; struct T { S s; std::vector<T> more; std::unique_ptr<T> next; S* other = nullptr; }; PARRUN_MEMBERS(T, s, more, next, other); void f(const T&) {} PARRUN_TASK(f);'
taken 'struct S { double x, y; }; void g(parrun::Pool& pool, const std::vector<S>& points) { pool.share(points); pool.share(points[0]); }'

members='this type cannot be serialised: name its members with PARRUN_MEMBERS'
refused "$members" 'struct S { int n = 0; }; int f(const S& s) { return s.n; } PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; S f() { return {}; } PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; void f(std::map<std::string, std::vector<std::optional<S>>>) {} PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; std::unique_ptr<S> f() { return {}; } PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; void f(S) {} auto task = parrun::task<f>(S());'
refused "$members" 'struct B {}; PARRUN_MEMBERS(B); struct D : B { int n = 0; }; void f(D) {} PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; struct T { S s; }; PARRUN_MEMBERS(T, s); T f(T t) { return t; } PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; struct T { std::map<int, std::vector<S>> s; }; PARRUN_MEMBERS(T, s); struct U { T t; }; PARRUN_MEMBERS(U, t); void f(U) {} PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; struct F { S s; int operator()(int n) const { return n; } }; PARRUN_MEMBERS(F, s); PARRUN_TASK(F);'
refused "$members" 'struct S { int n = 0; }; void f(std::multimap<int, S>) {} PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; void f(std::unordered_multimap<int, S>) {} PARRUN_TASK(f);'
refused "$members" 'struct S { int n = 0; }; void f(std::multiset<S>) {} PARRUN_TASK(f);'
refused "$members" 'union S { int n; float x; }; void f(S) {} PARRUN_TASK(f);'
refused "$members" 'void f(std::vector<std::chrono::seconds>) {} PARRUN_TASK(f);'
refused 'make it a std::array' 'struct S { int n[3]; }; PARRUN_MEMBERS(S, n);'
refused 'a constant cannot be among PARRUN_MEMBERS' 'struct S { const int n = 1; }; PARRUN_MEMBERS(S, n);'

pointer='a smart pointer travels with an object of a class'
refused "$pointer" 'std::unique_ptr<int> f() { return {}; } PARRUN_TASK(f);'
refused "$pointer" 'struct S { std::shared_ptr<std::string> text; }; PARRUN_MEMBERS(S, text); void f(S) {} PARRUN_TASK(f);'

empty='a type that travels is made empty and then filled: give it a default constructor'
refused "$empty" 'struct S { explicit S(int m) : n(m) {} int n; }; PARRUN_MEMBERS(S, n); void f(S) {} PARRUN_TASK(f);'
refused "$empty" 'struct S { explicit S(int m) : n(m) {} int n; }; PARRUN_MEMBERS(S, n); S f() { return S(1); } PARRUN_TASK(f);'
refused 'use std::unique_ptr or std::shared_ptr to it' 'struct S { virtual int area() const = 0; template <class A> void serialize(A&, unsigned) {} }; void f(const S&) {} PARRUN_TASK(f);'

refused 'take the parameter by value or const reference' 'void f(std::vector<double>& v) { v.clear(); } PARRUN_TASK(f);'
refused 'take the parameter by value or const reference' 'void f(int& n) { n = 1; } void g() { int n = 0; parrun::task<f>(n); }'
refused 'use std::string or std::vector' 'int f(std::string_view text) { return text.empty(); } PARRUN_TASK(f);'
refused 'use std::string or std::vector' 'double f(std::span<const double> v) { return v[0]; } PARRUN_TASK(f);'
refused 'use std::string or std::vector' 'std::wstring_view f() { return L"text"; } PARRUN_TASK(f);'
refused 'a pointer means nothing on another rank' 'int f(const char* text) { return *text; } PARRUN_TASK(f);'
refused 'a pointer means nothing on another rank' 'struct S { int* n = nullptr; }; PARRUN_MEMBERS(S, n); void f(S) {} PARRUN_TASK(f);'
refused 'a pointer means nothing on another rank' 'double* f() { return nullptr; } PARRUN_TASK(f);'
refused 'a pointer means nothing on another rank' 'void f(int (*callback)(int)) { callback(1); } PARRUN_TASK(f);'
refused 'return the value' 'int& f() { static int n; return n; } PARRUN_TASK(f);'
refused 'return the value' 'const std::string& f() { static std::string s; return s; } PARRUN_TASK(f);'

all="a task is given all of its function's arguments"
refused "$all" 'int f(int a, int b) { return a + b; } auto task = parrun::task<f>(1);'
refused "$all" 'int f(int a, double b = 2) { return a + int(b); } auto task = parrun::task<f>(1);'
refused "$all" 'int f() { return 1; } auto task = parrun::task<f>(1);'
refused 'does not convert to its parameter' 'int f(int a) { return a; } auto task = parrun::task<f>("1");'
refused 'does not convert to its parameter' 'int f(std::vector<int> v) { return v[0]; } auto task = parrun::task<f>(3);'
refused 'does not convert to its parameter' 'struct F { int operator()(int n) const { return n; } }; PARRUN_MEMBERS(F); PARRUN_TASK(F); auto task = parrun::task(F(), "1");'

refused 'register a static one' 'struct S { int f(int n) { return n; } }; PARRUN_TASK_NAMED("f", &S::f);'
refused 'one call operator that is no template' 'constexpr auto f = [](auto n) { return n; }; PARRUN_TASK(f);'
refused 'one call operator that is no template' 'struct F { int operator()(int n) { return n; } int operator()(long n) { return int(n); } }; PARRUN_TASK(F);'
refused "instead of a lambda's captures use arguments" 'void g(int k) { parrun::task([k](int n) { return n + k; }, 1); }'
refused 'this function object cannot travel' 'struct F { int k = 0; int operator()(int n) const { return n + k; } }; PARRUN_TASK(F);'

pool='void g(parrun::Pool& pool)'
f='int f(int a, int b) { return a + b; } PARRUN_TASK(f);'
taken "$f struct T : parrun::Task<int> { T() : Task(parrun::task<f>(1, 2)) {} }; $pool { pool.submit(T()).get(); pool.submit<f>(1, 2).get(); }"
taken "$f $pool { const std::vector tasks{parrun::task<f>(1, 2)}; const parrun::CallOptions options; pool.map(tasks, options).front(); pool.map(std::span(tasks), {.retries = 1}); for (auto&& done : pool.ordered(tasks, {})) done.value(); }"
range='a range of tasks is wanted'
refused "$range" "$pool { pool.map(std::vector{1, 2, 3}); }"
refused "$range" "$pool { pool.map(3); }"
refused "$range" "$f $pool { pool.map(f); }"
refused "$range" "$f $pool { pool.map(f, std::vector{1, 2, 3}); }"
refused "$range" "int f(float x); $pool { pool.ordered(f, std::vector{1, 2}, std::vector{3, 4}); }"
refused "$range" "$pool { pool.unordered([](int n) { return n; }, std::vector{1, 2}); }"
refused "$range" "$f $pool { std::vector<int (*)(int, int)> functions{f}; pool.unordered(functions); }"
refused 'a single task is given to submit()' "$f $pool { pool.map(parrun::task<f>(1, 2)); }"
refused 'a single task is given to submit()' "double f(float x); $pool { pool.ordered(parrun::task<f>(1.5f), parrun::task<f>(2.5f)); }"
submit='or submit<f>(1, 2) for short'
refused "$submit" "$f $pool { pool.submit(f, 1, 2); }"
refused "$submit" "$f $pool { pool.submit(&f, 1, 2); }"
refused "$submit" "$pool { int k = 0; pool.submit([k](int n) { return n + k; }, 3); }"
refused "$submit" "$f $pool { std::vector tasks{parrun::task<f>(1, 2)}; pool.submit(tasks); }"

refused "unable to deduce 'auto' from" 'int f(int n) { return n; } int f(double x) { return int(x); } PARRUN_TASK(f);'
shown='of overloads one, by PARRUN_TASK_NAMED'  # in the line of the header that the compiler shows with it

shared='of trivially copyable elements, or one such value'
refused "$shared" 'void g(parrun::Pool& pool) { pool.share(std::vector<std::string>{"text"}); }'
refused "$shared" 'void g(parrun::Pool& pool) { pool.share(std::vector<bool>{true}); }'
refused "$shared" 'void g(parrun::Pool& pool) { pool.share(std::map<int, int>()); }'
refused "$shared" 'void g(parrun::Pool& pool) { pool.share(std::vector<const char*>{"text"}); }'
refused "$shared" 'void g(parrun::Pool& pool) { int n = 0; pool.share(&n); }'

# "LINE ERROR", the first error of each line that has one. The last place in the source that the compiler names before an
# error is where its template was asked for.
LC_ALL=C "$@" -std=c++20 -fsyntax-only "$source" 2>"$folder/messages" && true
awk -v source="$source:" '
  index($0, source) == 1 { split(substr($0, length(source) + 1), place, ":"); line = place[1] }
  / error: / && !(line in seen) { seen[line]; print line, $0 }' "$folder/messages" >"$folder/first"

wrong=0
for ((line = 2; line < ${#sentences[@]}; ++line)); do
  found=$(sed -n "s/^$line //p" "$folder/first")
  if [[ -z ${sentences[line]} && -z $found ]] || [[ -n ${sentences[line]} && $found == *"${sentences[line]}"* ]]; then
    continue
  fi
  sed -n "${line}p" "$source"
  echo "  expected: ${sentences[line]:-no error}"
  echo "  found:    ${found:-no error}"
  wrong=$((wrong + 1))
done
if ! grep -q "$shown" "$folder/messages"; then
  echo "nothing shows: $shown"
  wrong=$((wrong + 1))
fi
((wrong == 0)) || exit 1
echo "each misuse is refused with its sentence"
