#pragma once
// Values to bytes and back, by Boost.Serialization. Both ends are the same build (checked at start-up),
// so the archives carry no header and are not portable between architectures.
//
// The archives are ours, on plain memory: one of Boost's own for each task, with a stream and its locale,
// would cost more than all else that a small task does.

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/basic_archive.hpp>
#include <boost/archive/basic_binary_iarchive.hpp>
#include <boost/archive/basic_binary_oarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/array_optimization.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace parrun::detail {

inline constexpr unsigned kArchiveFlags = boost::archive::no_header | boost::archive::no_codecvt;

// Of these an archive holds the bytes and nothing else, so they can be written and read without one: to make
// an archive takes longer than all that is done with it for a number or two.
template <typename T>
inline constexpr bool kPlain =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, std::wstring>;

/// Writes what it is given over what `bytes`, which outlive it, hold.
class OutBytes {
 public:
  /// `size`: how many come, if that is known.
  explicit OutBytes(std::string& bytes, std::size_t size = kMostNeedNoMore) : bytes_(bytes) {
    bytes_.clear();
    bytes_.reserve(size > kLarge ? size + kRoomBehind : size);
  }

  void save_binary(const void* data, std::size_t size) {
    if (size > kLarge && bytes_.capacity() - bytes_.size() < size)
      bytes_.reserve(bytes_.size() + size + kRoomBehind);
    bytes_.append(static_cast<const char*>(data), size);
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void save(const T& value) { save_binary(&value, sizeof value); }
  template <typename Char>
  void save(const std::basic_string<Char>& text) {
    save(text.size());
    save_binary(text.data(), text.size() * sizeof(Char));
  }

  /// What save() appends of it.
  template <typename T>
  requires std::is_arithmetic_v<T>
  static std::size_t size_of(const T& /*value*/) { return sizeof(T); }
  template <typename Char>
  static std::size_t size_of(const std::basic_string<Char>& text) {
    return sizeof text.size() + text.size() * sizeof(Char);
  }

 private:
  static constexpr std::size_t kMostNeedNoMore = 128;
  // What is large is not moved for the little that comes behind it, here or on its way.
  static constexpr std::size_t kLarge = std::size_t{16} << 10;
  static constexpr std::size_t kRoomBehind = 1024;
  std::string& bytes_;
};

/// Reads from memory that outlives it. Throws boost::archive::archive_exception where it ends too early.
class InBytes {
 public:
  explicit InBytes(std::string_view bytes) : bytes_(bytes) {}

  void load_binary(void* data, std::size_t size) {
    if (size > bytes_.size()) end_too_early();
    if (size > 0) std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void load(T& value) { load_binary(&value, sizeof value); }
  template <typename Char>
  void load(std::basic_string<Char>& text) {
    std::size_t size = 0;
    load(size);
    if (size > bytes_.size() / sizeof(Char)) end_too_early();
    if constexpr (sizeof(Char) == 1) {
      text.clear();
      text.reserve(size);  // assign() would look for room twice
      text.append(reinterpret_cast<const Char*>(bytes_.data()), size);
      bytes_.remove_prefix(size);
    } else {
      text.resize(size);
      load_binary(text.data(), size * sizeof(Char));
    }
  }

 private:
  [[noreturn]] static void end_too_early() {
    throw boost::archive::archive_exception(boost::archive::archive_exception::input_stream_error);
  }

  std::string_view bytes_;
};

class OutArchive : public boost::archive::basic_binary_oarchive<OutArchive> {
 public:
  /// Over what `bytes`, which outlive it, hold.
  explicit OutArchive(std::string& bytes) : basic_binary_oarchive(kArchiveFlags), bytes_(bytes) {}

  // As Boost's archives have it.
  void save_binary(const void* data, std::size_t size) { bytes_.save_binary(data, size); }
  template <typename T>
  requires kPlain<T>
  void save(const T& value) { bytes_.save(value); }
  template <typename Array>
  void save_array(const Array& array, unsigned /*version*/) {
    save_binary(array.address(), array.count() * sizeof(typename Array::value_type));
  }
  struct use_array_optimization {
    template <typename T>
    struct apply : boost::serialization::is_bitwise_serializable<T> {};
  };

 private:
  friend class boost::archive::detail::interface_oarchive<OutArchive>;
  friend class boost::archive::save_access;

  // Boost's numbers of classes and objects.
  template <typename T>
  requires(!kPlain<T>) void save(const T& number) { save_binary(&number, sizeof number); }

  OutBytes bytes_;
};

class InArchive : public boost::archive::basic_binary_iarchive<InArchive> {
 public:
  /// `bytes` outlive it.
  explicit InArchive(std::string_view bytes) : basic_binary_iarchive(kArchiveFlags), bytes_(bytes) {}

  // As Boost's archives have it.
  void load_binary(void* data, std::size_t size) { bytes_.load_binary(data, size); }
  template <typename T>
  requires kPlain<T>
  void load(T& value) { bytes_.load(value); }
  template <typename Array>
  void load_array(Array& array, unsigned /*version*/) {
    load_binary(array.address(), array.count() * sizeof(typename Array::value_type));
  }
  using use_array_optimization = OutArchive::use_array_optimization;

 private:
  friend class boost::archive::detail::interface_iarchive<InArchive>;
  friend class boost::archive::load_access;

  template <typename T>
  void load_override(T& value) {
    basic_binary_iarchive::load_override(value);
  }
  // Into Boost's own buffer.
  void load_override(boost::archive::class_name_type& name) {
    std::string text;
    load(text);
    if (text.size() >= BOOST_SERIALIZATION_MAX_KEY_SIZE)
      throw boost::archive::archive_exception(boost::archive::archive_exception::invalid_class_name);
    std::memcpy(name, text.c_str(), text.size() + 1);
  }

  template <typename T>
  requires(!kPlain<T>) void load(T& number) { load_binary(&number, sizeof number); }

  InBytes bytes_;
};

}  // namespace parrun::detail

BOOST_SERIALIZATION_REGISTER_ARCHIVE(parrun::detail::OutArchive)
BOOST_SERIALIZATION_REGISTER_ARCHIVE(parrun::detail::InArchive)

#include <boost/serialization/export.hpp>  // BOOST_CLASS_EXPORT wants the archives above it

#include "parrun/std_types.hpp"

namespace parrun::detail {

/// Over what `bytes` hold, in their memory. Throws what the types' own serialize() throws.
template <typename... T>
void put_bytes(std::string& bytes, const T&... values) {
  if constexpr ((kPlain<T> && ...)) {
    OutBytes out(bytes, (OutBytes::size_of(values) + ... + 0));
    (out.save(values), ...);
  } else {
    OutArchive out(bytes);
    (static_cast<void>(out << values), ...);
  }
}
template <typename... T>
std::string to_bytes(const T&... values) {
  std::string bytes;
  put_bytes(bytes, values...);
  return bytes;
}

/// Throws boost::archive::archive_exception where `bytes` end too early.
template <typename... T>
std::tuple<T...> from_bytes(std::string_view bytes) {
  std::tuple<T...> values;
  if constexpr ((kPlain<T> && ...)) {
    InBytes in(bytes);
    std::apply([&](auto&... value) { (in.load(value), ...); }, values);
  } else {
    InArchive in(bytes);
    std::apply([&](auto&... value) { (static_cast<void>(in >> value), ...); }, values);
  }
  return values;
}

}  // namespace parrun::detail
