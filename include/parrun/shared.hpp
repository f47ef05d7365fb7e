#pragma once
// Values that lie once on every node, for tasks to refer to and not to carry: Pool::share().

#include <boost/serialization/level.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/tracking.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

#include "parrun/archive.hpp"
#include "parrun/json.hpp"
#include "parrun/kept.hpp"

namespace parrun {
namespace detail {

/// A value's bytes as they lie on this node.
struct SharedCopy {
  std::uint64_t id = 0;
  std::shared_ptr<const void> data;
};

/// Null where they cannot be had.
std::shared_ptr<const void> find_shared(std::uint64_t id, std::uint64_t bytes);
/// Throws std::runtime_error, saying why they cannot be had.
[[noreturn]] void throw_not_shared(std::uint64_t id, std::uint64_t bytes);

}  // namespace detail

/// A handle to an array of T that lies once on every node, in memory that nobody can write to; of size 1 for
/// a single value. As an argument of a task it takes 16 bytes, whatever the array's size. Copies refer to the
/// same array, and any thread may read it. It has no JSON form. A container with processes or users of its
/// own is a node.
///
/// Lifetime: the arrays are freed when the last of the handles that share() made on rank 0, of their copies
/// there, and of the tasks that were made with one is gone, and no such task has still to end (on a lone rank
/// with the pool's next call). What a task has in hand stays until it ends. In another pool a handle leads to
/// nothing.
template <typename T>
class Shared {
 public:
  using value_type = T;

  /// An empty array.
  Shared() = default;
  Shared(detail::SharedCopy copy, std::size_t size)
      : id_(copy.id), size_(size), data_(std::move(copy.data)) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The array, for as long as this handle lives. In a task it throws std::runtime_error where the array is
  /// not there: it was released, or the rank that kept it for this node has failed. A handle that a task
  /// returned cannot be read on rank 0, and keeps nothing.
  std::span<const T> span() const {
    if (size_ > 0 && !data_) detail::throw_not_shared(id_, size_ * sizeof(T));
    return {static_cast<const T*>(data_.get()), size_};
  }

  // Likewise.
  const T* begin() const { return span().data(); }
  const T* end() const { return begin() + size_; }
  const T& operator[](std::size_t i) const { return begin()[i]; }  ///< REQUIRES: i < size()
  const T& operator*() const { return *begin(); }                  ///< REQUIRES: !empty()
  const T* operator->() const { return begin(); }                  ///< REQUIRES: !empty()

 private:
  friend class boost::serialization::access;
  template <typename Archive>
  void save(Archive& archive, unsigned /*version*/) const {
    detail::KeptByArguments::note(data_);
    archive << id_ << size_;
  }
  // Looked for here, where one thread has the handle; errors are told to who uses it.
  template <typename Archive>
  void load(Archive& archive, unsigned /*version*/) {
    archive >> id_ >> size_;
    data_ = size_ > 0 ? detail::find_shared(id_, size_ * sizeof(T)) : nullptr;
  }
  template <typename Archive>
  void serialize(Archive& archive, unsigned version) {
    boost::serialization::split_member(archive, *this, version);
  }

  std::uint64_t id_ = 0;
  std::uint64_t size_ = 0;
  std::shared_ptr<const void> data_;
};

namespace detail {

template <typename T>
struct JsonForm<Shared<T>> {
  static constexpr bool kReadable = false, kWritable = false;
};

// The bytes of an element are all of it.
template <typename T>
constexpr bool kCanBeShared =
    std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_member_pointer_v<T>;

template <typename T>
struct SharedElement {
  using type = T;
};
template <std::ranges::contiguous_range T>
struct SharedElement<T> {
  using type = std::ranges::range_value_t<T>;
};

// What share() takes: a contiguous range, or a single value.
template <typename T>
auto elements_to_share(const T& value) {
  using Element = typename SharedElement<T>::type;
  static_assert(
      kCanBeShared<Element>,
      "share() takes a std::vector, std::array, std::span or std::string of trivially copyable elements, "
      "or one such value: copy what is behind pointers and containers into such an array first");
  if constexpr (std::ranges::contiguous_range<const T>) {
    return std::span<const Element>(std::ranges::data(value), std::ranges::size(value));
  } else {
    return std::span<const Element>(&value, 1);
  }
}

}  // namespace detail
}  // namespace parrun

// An id and a size, without the class's name and version before them.
template <typename T>
struct boost::serialization::implementation_level<parrun::Shared<T>> {
  using tag = boost::mpl::integral_c_tag;
  using type = boost::mpl::int_<boost::serialization::object_serializable>;
  BOOST_STATIC_CONSTANT(int, value = boost::serialization::object_serializable);
};
template <typename T>
struct boost::serialization::tracking_level<parrun::Shared<T>> {
  using tag = boost::mpl::integral_c_tag;
  using type = boost::mpl::int_<boost::serialization::track_never>;
  BOOST_STATIC_CONSTANT(int, value = boost::serialization::track_never);
};
