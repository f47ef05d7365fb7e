#pragma once
// Boost.Serialization of the standard library's types: what Boost brings, and what it lacks.

#include <boost/archive/archive_exception.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/version.hpp>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#if BOOST_VERSION >= 108400
#include <boost/serialization/optional.hpp>
#include <boost/serialization/variant.hpp>
#endif

// No save() and load() here: Boost 1.74 would try its load() of any smart pointer, SPT<U>, on them.
namespace boost::serialization {

template <typename Archive, typename... T>
void serialize(Archive& archive, std::tuple<T...>& values, unsigned /*version*/) {
  std::apply([&](auto&... value) { (static_cast<void>(archive & value), ...); }, values);
}

#if BOOST_VERSION < 108400
template <typename Archive, typename T>
void serialize(Archive& archive, std::optional<T>& value, unsigned /*version*/) {
  bool there = value.has_value();
  archive& there;
  if constexpr (Archive::is_loading::value) {
    value.reset();
    if (there) value.emplace();
  }
  if (there) archive&* value;
}

template <typename Archive>
void serialize(Archive& /*archive*/, std::monostate& /*value*/, unsigned /*version*/) {}

// Its position among the alternatives, then the alternative.
template <typename Archive, typename... T>
void serialize(Archive& archive, std::variant<T...>& value, unsigned /*version*/) {
  std::size_t index = value.index();
  archive& index;
  if constexpr (Archive::is_loading::value) {
    const bool known = [&]<std::size_t... I>(std::index_sequence<I...> /*positions*/) {
      return ((index == I && (static_cast<void>(value.template emplace<I>()), true)) || ...);
    }
    (std::index_sequence_for<T...>());
    if (!known) throw archive::archive_exception(archive::archive_exception::input_stream_error);
  }
  std::visit([&](auto& held) { archive& held; }, value);
}
#endif

}  // namespace boost::serialization
