#pragma once
#include <memory>
#include <utility>
#include <vector>

namespace parrun::detail {

/// What must live on for as long as a task may be executed.
using Kept = std::vector<std::shared_ptr<const void>>;

// Notes what the arguments of a task refer to, however deep in them, while they are archived on this thread.
class KeptByArguments {
 public:
  KeptByArguments() : outer_(std::exchange(current, this)) {}
  KeptByArguments(const KeptByArguments&) = delete;
  KeptByArguments& operator=(const KeptByArguments&) = delete;
  ~KeptByArguments() { current = outer_; }

  static void note(const std::shared_ptr<const void>& data) {
    if (current == nullptr || !data) return;
    current->kept_.push_back(data);
    current->any_ = true;
  }
  bool any() const { return any_; }
  Kept take() { return std::move(kept_); }

 private:
  static inline thread_local KeptByArguments* current = nullptr;
  KeptByArguments* outer_;
  Kept kept_;
  bool any_ = false;  ///< to look at kept_ right behind its making would stall the processor
};

}  // namespace parrun::detail
