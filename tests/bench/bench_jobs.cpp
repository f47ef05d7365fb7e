// Task functions for the benchmarks.

#include <chrono>
#include <string>
#include <thread>

#include "parrun/task.hpp"

/// `question`, cut or filled to `size` bytes.
std::string answer(std::string question, std::size_t size) {
  question.resize(size, ' ');
  return question;
}
PARRUN_TASK(answer);

/// Takes `seconds`, and nothing of the core.
void nap(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }
PARRUN_TASK(nap);

/// Keeps its core busy for `seconds`.
void busy(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}
PARRUN_TASK(busy);
