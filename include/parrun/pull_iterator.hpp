#pragma once
#include <cstddef>
#include <iterator>

namespace parrun::detail {

/// Goes once through what a source comes to, one after another: the source has current(), which points to
/// what is at hand, or is null at the end, and advance(), which waits for the next.
template <typename Source, typename T>
class PullIterator {
 public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  explicit PullIterator(Source& source) : source_(&source) {}
  T& operator*() const { return *source_->current(); }
  PullIterator& operator++() {
    source_->advance();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t /*end*/) const { return source_->current() == nullptr; }

 private:
  Source* source_;
};

}  // namespace parrun::detail
