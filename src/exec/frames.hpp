#pragma once
// Frames (length u64, bytes) as they come out of a ring: some are read at a time, and each is looked at where
// it lies, while that is in the nearest cache.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "exec/ring.hpp"

namespace parrun {

class Frames {
 public:
  static constexpr std::size_t kPiece = std::size_t{16} << 10;

  /// A frame above `largest` [bytes] cannot be.
  explicit Frames(std::uint64_t largest) : largest_(largest) {}

  /// The first frame that is not done with, if all of it is there; it lives until bytes are read or taken.
  /// Throws FormatError where none can be of that size.
  std::optional<BytesView> front() {
    const std::optional<std::uint64_t> size = size_of_first();
    if (!size) return std::nullopt;
    if (*size > largest_) throw FormatError("a frame of impossible size");
    if (unfinished() - kLengthRoom >= *size) return BytesView(bytes_).substr(begin_ + kLengthRoom, *size);
    reserve(begin_ + kLengthRoom + *size);
    return std::nullopt;
  }
  /// That one is done with. REQUIRES: front() gave it.
  void pop() { begin_ += kLengthRoom + *size_of_first(); }
  /// Takes of what has come, up to kPiece, or as much as the first frame has if that is larger; how many
  /// bytes.
  std::size_t read_from(Ring& ring) {
    const std::size_t most = std::max(kPiece, size_of_first().value_or(0));
    const std::size_t come = std::min({ring.available(), most, Ring::kCapacity});
    if (bytes_.size() < end_ + come) bytes_.resize(end_ + come);
    const std::size_t read = ring.try_read(bytes_.data() + end_, come);
    end_ += read;
    return read;
  }
  /// What is done with goes.
  void drop_done() {
    constexpr std::size_t kKept = std::size_t{4} << 20;
    const std::size_t left = unfinished();
    if (left == 0 && bytes_.capacity() > kKept) Bytes(kLengthRoom, '\0').swap(bytes_);
    const bool moves = left > 0 && begin_ > kLengthRoom;  // else what is large would be moved for each piece
    if (moves) std::memmove(bytes_.data() + kLengthRoom, bytes_.data() + begin_, left);
    begin_ = kLengthRoom;
    end_ = kLengthRoom + left;
  }
  /// It is what is wanted: the frames as they lie one behind the other, behind kLengthRoom.
  Bytes take_done() {
    Bytes rest(kLengthRoom, '\0');
    rest.append(bytes_, begin_, unfinished());
    end_ = rest.size();
    bytes_.resize(std::exchange(begin_, kLengthRoom));
    return std::exchange(bytes_, std::move(rest));
  }
  /// Bytes of a frame that has not come to its end yet.
  std::size_t unfinished() const { return end_ - begin_; }
  void clear() {
    begin_ = end_;
    drop_done();
  }

 private:
  // As it says; none: that has not come yet.
  std::optional<std::uint64_t> size_of_first() const {
    std::uint64_t size = 0;
    if (unfinished() < sizeof size) return std::nullopt;
    std::memcpy(&size, bytes_.data() + begin_, sizeof size);
    return size;
  }
  // What is added by whoever takes the frames must not move them. The size may be a lie.
  void reserve(std::uint64_t size) {
    constexpr std::uint64_t kBelieved = std::uint64_t{64} << 20;
    constexpr std::uint64_t kMore = 4096;
    bytes_.reserve(std::min(size, kBelieved) + kMore);
  }

  std::uint64_t largest_;
  Bytes bytes_ =
      Bytes(kLengthRoom, '\0');      ///< what lies behind end_ is memory that need not be cleared again
  std::size_t begin_ = kLengthRoom;  ///< of the first frame that is not done with
  std::size_t end_ = kLengthRoom;    ///< of what has come
};

}  // namespace parrun
