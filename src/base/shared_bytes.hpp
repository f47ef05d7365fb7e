#pragma once
#include <algorithm>
#include <boost/smart_ptr/make_local_shared.hpp>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace parrun {

// Memory of bytes that nobody has any more, for further ones: to use it again takes less than to clear it.
class SpareBytes {
 public:
  static constexpr std::size_t kLeast = std::size_t{16} << 10;  ///< not worth it below
  static constexpr std::size_t kLargest = std::size_t{4} << 20;
  static constexpr std::size_t kMost = 4;   ///< are kept
  static constexpr std::size_t kWaste = 4;  ///< for so many times less nothing is used again

  SpareBytes() { spares_.reserve(kMost); }

  /// Bytes, whatever they are and however many, in memory for so many.
  Bytes take_for(std::size_t size) {
    Bytes bytes;
    if (size >= kLeast && !spares_.empty()) {
      const std::size_t spare = spares_.back().capacity();
      if (spare >= size && spare / kWaste <= size) bytes = std::move(spares_.back());
      spares_.pop_back();
    }
    bytes.reserve(size);
    return bytes;
  }
  /// `size` bytes, whatever they are.
  Bytes take(std::size_t size) {
    Bytes bytes = take_for(size);
    bytes.resize(size);
    return bytes;
  }
  void put(Bytes bytes) noexcept {
    const bool worth = bytes.capacity() >= kLeast && bytes.capacity() <= kLargest;
    if (worth && spares_.size() < kMost) spares_.push_back(std::move(bytes));
  }

 private:
  std::vector<Bytes> spares_;
};

// A part of some bytes, which live as long as any part of them. All parts belong to one thread.
class SharedBytes {
 public:
  using Spares = boost::local_shared_ptr<SpareBytes>;

  SharedBytes() = default;
  /// `spares`: where their memory goes at last, if anywhere.
  SharedBytes(Bytes all, Spares spares = {})
      : all_(boost::make_local_shared<All>(std::move(all), std::move(spares))), part_(all_->bytes) {}
  /// REQUIRES: `part` is of these bytes.
  SharedBytes part(BytesView part) const { return {all_, part}; }
  BytesView view() const { return part_; }
  operator BytesView() const { return part_; }
  /// The first `size` of all these bytes into `to`, whose memory goes the way of theirs: without a copy where
  /// nobody else has a part of them.
  void move_first_to(std::size_t size, Bytes& to) && {
    if (all_.local_use_count() == 1) {
      all_->bytes.resize(size);
      all_->bytes.swap(to);
    } else {
      to.assign(all_->bytes, 0, size);
    }
    *this = {};
  }
  /// How much memory all of them take, to the first who asks for any part; 0 to the others. So what keeps
  /// parts of several messages counts each message once.
  std::size_t claim() const {
    return !all_ || std::exchange(all_->claimed, true) ? 0 : all_->bytes.capacity();
  }

 private:
  struct All {
    All(Bytes all, Spares home) : bytes(std::move(all)), spares(std::move(home)) {}
    All(const All&) = delete;
    All& operator=(const All&) = delete;
    ~All() {
      if (spares) spares->put(std::move(bytes));
    }
    Bytes bytes;
    Spares spares;
    bool claimed = false;
  };
  SharedBytes(boost::local_shared_ptr<All> all, BytesView part) : all_(std::move(all)), part_(part) {}

  boost::local_shared_ptr<All> all_;
  BytesView part_;
};

}  // namespace parrun
