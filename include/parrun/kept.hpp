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
    if (!current->kept_) current->kept_ = std::make_unique<Kept>();
    current->kept_->push_back(data);
  }
  bool any() const { return kept_ != nullptr; }
  /// REQUIRES: any().
  Kept take() { return std::move(*kept_); }

 private:
  static inline thread_local KeptByArguments* current = nullptr;
  KeptByArguments* outer_;
  // Null: nothing, as mostly. A vector that is looked at right behind its making stalls the processor.
  std::unique_ptr<Kept> kept_;
};

}  // namespace parrun::detail
