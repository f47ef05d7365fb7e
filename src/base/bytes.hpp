#pragma once
// Bounded reading and writing of the fields that our files and messages are made of.
// Integers are little-endian and of fixed width, floating point is IEEE 754 binary64, a string is its
// length (u64) and its bytes. A reader never leaves its view: what is missing throws FormatError.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/prepare_to_write.hpp"

namespace parrun {

using Bytes = std::string;
using BytesView = std::string_view;

static_assert(std::endian::native == std::endian::little, "a big-endian machine needs byte swaps here");

// Bytes that begin with so much room for the length of what follows are a string as it is written here.
inline constexpr std::size_t kLengthRoom = sizeof(std::uint64_t);

struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename T>
concept Fixed = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class ByteWriter {
 public:
  /// `expected`: bytes, for the one allocation that they take.
  explicit ByteWriter(std::size_t expected = 256) { bytes_.reserve(expected); }
  /// Behind `begin`.
  explicit ByteWriter(Bytes begin) noexcept : bytes_(std::move(begin)), end_(bytes_.size()) {}
  /// In memory whose content means nothing: as far as it reaches, room is made without clearing it.
  static ByteWriter over(Bytes memory) {
    ByteWriter writer(std::move(memory));
    writer.end_ = 0;
    return writer;
  }

  template <Fixed T>
  ByteWriter& put(T value) {
    write(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  /// One behind the other; each into its place, for what is copied right behind its making, in other pieces,
  /// stalls the processor.
  template <Fixed... T>
  requires(sizeof...(T) > 1) ByteWriter& put(T... values) {
    char* at = extend((sizeof values + ...));
    ((std::memcpy(at, &values, sizeof values), at += sizeof values), ...);
    return *this;
  }
  ByteWriter& put(BytesView text) {
    put<std::uint64_t>(text.size());
    return append(text);
  }
  /// Without their length.
  ByteWriter& append(BytesView bytes) {
    write(bytes.data(), bytes.size());
    return *this;
  }
  /// Room for so many bytes, to be written before anything else is done here.
  char* extend(std::size_t size) {
    if (bytes_.size() < end_ + size) {
      make_room(size);
      bytes_.resize(end_ + size);
    }
    return bytes_.data() + std::exchange(end_, end_ + size);
  }
  /// What will be written `ahead` bytes behind the end finds its memory, `size` bytes of it, in the cache.
  void prepare(std::size_t ahead, std::size_t size) const {
    const std::size_t begin = std::min(end_ + ahead, bytes_.capacity());
    prepare_to_write(bytes_.data() + begin, std::min(size, bytes_.capacity() - begin));
  }
  /// Memory for so many bytes in all.
  void reserve(std::size_t size) { bytes_.reserve(size); }
  /// Over what was put at `offset`.
  template <Fixed T>
  void set(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }
  std::size_t size() const { return end_; }
  bool empty() const { return end_ == 0; }
  BytesView view() const { return {bytes_.data(), end_}; }
  Bytes take() {
    if (end_ < bytes_.size()) bytes_.resize(end_);
    end_ = 0;
    return std::move(bytes_);
  }
  /// Keeps memory for the next, but not that of something huge.
  void clear() {
    constexpr std::size_t kKept = std::size_t{4} << 20;
    if (bytes_.capacity() > kKept) Bytes().swap(bytes_);
    end_ = 0;
  }

 private:
  void write(const char* from, std::size_t size) {
    if (size > bytes_.size() - end_) return write_beyond(from, size);
    Bytes::traits_type::copy(bytes_.data() + end_, from, size);  // of none too, which lie nowhere
    end_ += size;
  }
  // Where there is no more memory to write over.
  void write_beyond(const char* from, std::size_t size) {
    make_room(size);
    bytes_.resize(end_);
    bytes_.append(from, size);
    end_ += size;
  }
  // What is large is not moved for the little that is put behind it.
  void make_room(std::size_t size) {
    constexpr std::size_t kLarge = std::size_t{16} << 10;
    constexpr std::size_t kBehind = 1024;
    if (size > kLarge && bytes_.capacity() - end_ < size) bytes_.reserve(end_ + size + kBehind);
  }

  Bytes bytes_;          ///< what lies behind end_ is memory
  std::size_t end_ = 0;  ///< of what was written
};

class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) : rest_(bytes) {}

  template <Fixed T>
  T get() {
    T value;
    read(raw(sizeof value).data(), value);
    return value;
  }
  /// Those that lie one behind the other.
  template <Fixed... T>
  requires(sizeof...(T) > 1) void get(T&... values) {
    const char* at = raw((sizeof values + ...)).data();
    ((read(at, values), at += sizeof values), ...);
  }
  /// The view lives as long as the bytes that the reader was made of.
  BytesView get_bytes() { return raw(get<std::uint64_t>()); }
  /// So many of them.
  BytesView get_bytes(std::uint64_t size) { return raw(size); }
  /// All that is left.
  BytesView rest() { return raw(rest_.size()); }
  std::string get_string() { return std::string(get_bytes()); }
  bool at_end() const { return rest_.empty(); }

 private:
  template <Fixed T>
  static void read(const char* at, T& value) {
    std::memcpy(&value, at, sizeof value);
  }
  // Another value in a bool would be undefined behaviour.
  static void read(const char* at, bool& value) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte > 1) throw FormatError("a truth value is neither 0 nor 1");
    value = byte == 1;
  }
  BytesView raw(std::uint64_t size) {
    if (size > rest_.size()) throw FormatError("a field reaches beyond the end");
    const BytesView taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  BytesView rest_;
};

}  // namespace parrun
