#pragma once
// Values to bytes and back, by Boost.Serialization. Both ends are the same build (checked at start-up),
// so the archives carry no header and are not portable between architectures.

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>  // BOOST_CLASS_EXPORT wants the archives above it
#include <cstddef>
#include <streambuf>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "parrun/std_types.hpp"

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
