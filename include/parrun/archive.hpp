#pragma once
// Values to bytes and back, by Boost.Serialization. Both ends are the same build (checked at start-up),
// so the archives carry no header and are not portable between architectures.

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/version.hpp>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <tuple>

#if BOOST_VERSION < 108400  // from there on Boost has it
namespace boost::serialization {

template <typename Archive, typename T>
void save(Archive& archive, const std::optional<T>& value, unsigned /*version*/) {
  const bool there = value.has_value();
  archive << there;
  if (there) archive << *value;
}

template <typename Archive, typename T>
void load(Archive& archive, std::optional<T>& value, unsigned /*version*/) {
  bool there = false;
  archive >> there;
  value.reset();
  if (there) archive >> value.emplace();
}

template <typename Archive, typename T>
void serialize(Archive& archive, std::optional<T>& value, unsigned version) {
  split_free(archive, value, version);
}

}  // namespace boost::serialization
#endif

namespace parrun::detail {

inline constexpr unsigned kArchiveFlags = boost::archive::no_header | boost::archive::no_codecvt;

class StringSink : public std::streambuf {
 public:
  std::string take() { return std::move(bytes_); }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    bytes_.append(data, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type byte) override {
    bytes_.push_back(traits_type::to_char_type(byte));
    return byte;
  }

 private:
  std::string bytes_;
};

class ViewSource : public std::streambuf {
 public:
  explicit ViewSource(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());  // only read: a get area of streambuf is not const
    setg(begin, begin, begin + bytes.size());
  }
};

/// Throws what the types' own serialize() throws.
template <typename... T>
std::string to_bytes(const T&... values) {
  StringSink sink;
  {
    boost::archive::binary_oarchive archive(sink, kArchiveFlags);
    (static_cast<void>(archive << values), ...);
  }
  return sink.take();
}

/// Throws boost::archive::archive_exception where `bytes` end too early.
template <typename... T>
std::tuple<T...> from_bytes(std::string_view bytes) {
  ViewSource source(bytes);
  boost::archive::binary_iarchive archive(source, kArchiveFlags);
  std::tuple<T...> values;
  std::apply([&](auto&... value) { (static_cast<void>(archive >> value), ...); }, values);
  return values;
}

}  // namespace parrun::detail
