#pragma once
// What the programs on the library have in common: `PROGRAM CASE [process|none] [FILE]` runs one behaviour.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "../jobs/marks.cpp"
#include "parrun/parrun.hpp"

inline int square(int n) { return n * n; }
PARRUN_TASK(square);

inline int sleeps_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  return ms;
}
PARRUN_TASK(sleeps_ms);

namespace cases {

using Tasks = std::vector<parrun::Task<int>>;

template <auto F>
Tasks tasks_of(std::initializer_list<int> arguments) {
  Tasks tasks;
  for (const int argument : arguments) tasks.push_back(parrun::task<F>(argument));
  return tasks;
}

/// Results of a pool that must have nothing left of an earlier call: 1 4 9.
inline void print_squares(parrun::Pool& pool) {
  for (const int value : pool.map(tasks_of<square>({1, 2, 3}))) std::cout << value << '\n';
}

/// How many tasks have marked their start (or end) in the file.
inline int marks_in(const std::string& file) {
  int lines = 0;
  if (std::FILE* marks = std::fopen(file.c_str(), "r")) {
    for (int c = std::fgetc(marks); c != EOF; c = std::fgetc(marks)) lines += c == '\n' ? 1 : 0;
    std::fclose(marks);
  }
  return lines;
}

/// Waits, at most 20 s, until so many have.
inline void await_marks(const std::string& file, int count) {
  for (int tries = 0; marks_in(file) < count && tries < 4000; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

struct Arguments {
  std::string name;
  parrun::Isolation isolation;
  std::string file;
};

inline Arguments arguments_of(int argc, char** argv) {
  const auto argument = [&](int i) { return std::string(argc > i ? argv[i] : ""); };
  return {argument(1), argument(2) == "none" ? parrun::Isolation::none : parrun::Isolation::process,
          argument(3)};
}

using Case = std::function<void(parrun::Pool&, const std::string& file)>;

inline int run(int argc, char** argv, const std::map<std::string, Case>& all) {
  const Arguments arguments = arguments_of(argc, argv);
  const char* const lost_after_ms = std::getenv("PARRUN_TEST_LOST_AFTER_MS");
  const std::chrono::milliseconds lost_after(lost_after_ms != nullptr ? std::atoi(lost_after_ms) : 2000);
  return parrun::main(argc, argv, [&](parrun::Pool& pool) { all.at(arguments.name)(pool, arguments.file); },
                      {.isolation = arguments.isolation, .lost_after = lost_after});
}

}  // namespace cases
