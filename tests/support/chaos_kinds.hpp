#pragma once
// The kinds of tasks that a ChaosBatch is made of.

#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/chaos_batch.hpp"

namespace parrun::test {

// Where a task is put, and what it may use.
struct ChaosPlace {
  Batch& batch;
  int task;
  std::mt19937& random;
  const TempDir& dir;
  // As the run starts:
  unsigned umask;
  int priority;
  std::string folder;

  int below(int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); }
  template <typename T>
  T one_of(const std::vector<T>& choices) {
    return choices[random() % choices.size()];
  }
  std::string file() const { return dir.file("task" + std::to_string(task)); }
};

struct ChaosKind {
  std::string name;
  std::function<Foretold(ChaosPlace&)> add;  ///< one such task to the batch
};

struct ChaosKinds {
  std::vector<ChaosKind> good;
  std::vector<ChaosKind> bad;
  std::vector<ChaosKind> slow;  ///< bad, and ended by a limit only
};

ChaosKinds chaos_kinds();

}  // namespace parrun::test
