#pragma once
// JSON to values and back, strictly: a number that does not fit its type is refused, never cut.

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "parrun/errors.hpp"

namespace parrun::detail {

using Json = nlohmann::json;

template <typename... T>
struct Types {};

// One specialisation for each shape of type; the primary one leaves a class to its own from_json and to_json.
// kReadable and kWritable tell whether the conversion exists; a form made of others' has their types as Parts
// instead.
template <typename T>
struct JsonForm {
  static constexpr bool kReadable = std::is_class_v<T> && requires(const Json& json, T& out) {
    json.get_to(out);
  };
  static constexpr bool kWritable = std::is_class_v<T> && std::is_constructible_v<Json, const T&>;
  static T read(const Json& json) { return json.get<T>(); }
  static Json write(const T& value) { return Json(value); }
};

[[noreturn]] inline void wrong_json(const Json& json, const std::string& wanted) {
  std::string shown = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  throw InputError(shown + " is not " + wanted);
}

// An exception's text without nlohmann's "[json.exception.type_error.302] " in front.
inline std::string plain_text(const std::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return text.rfind("[json.exception.", 0) == 0 && end != text.npos ? text.substr(end + 2) : text;
}

// Reads a part of something larger; what is wrong with it is told with its place, e.g. "element 3: ...". The
// exception may also be what a user's own from_json threw.
template <typename T, typename Place>
T read_part(const Json& json, const Place& place) {
  try {
    return JsonForm<T>::read(json);
  } catch (const std::exception& error) {
    throw InputError(place() + ": " + plain_text(error));
  }
}

template <typename T>
T read_element(const Json& array, std::size_t i, const char* kind = "element") {
  return read_part<T>(array[i], [&] { return std::string(kind) + " " + std::to_string(i + 1); });
}

template <>
struct JsonForm<void> {
  static constexpr bool kReadable = false, kWritable = false;
};

template <>
struct JsonForm<bool> {
  static constexpr bool kReadable = true, kWritable = true;
  static bool read(const Json& json) {
    return json.is_boolean() ? json.get<bool>() : (wrong_json(json, "true or false"), false);
  }
  static Json write(bool value) { return value; }
};

template <std::integral T>
struct JsonForm<T> {
  static constexpr bool kReadable = true, kWritable = true;
  static T read(const Json& json) {
    if (!fits(json)) {
      wrong_json(json, "an integer from " + std::to_string(kLeast) + " to " + std::to_string(kMost));
    }
    return json.get<T>();
  }
  static Json write(T value) { return value; }

 private:
  static constexpr T kLeast = std::numeric_limits<T>::min(), kMost = std::numeric_limits<T>::max();
  static bool fits(const Json& json) {
    if (!json.is_number_integer()) return false;  // true of unsigned ones too
    const auto value = json.get<std::int64_t>();
    if (json.is_number_unsigned() || value >= 0) {
      return json.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMost);
    }
    return std::is_signed_v<T> && value >= static_cast<std::int64_t>(kLeast);
  }
};

template <std::floating_point T>
struct JsonForm<T> {
  static constexpr bool kReadable = true, kWritable = true;
  static T read(const Json& json) {
    if (!json.is_number()) wrong_json(json, "a number");
    const auto value = json.get<T>();
    if (std::isinf(value)) wrong_json(json, "within the range of its type");
    return value;
  }
  static Json write(T value) { return value; }
};

// Its number, or the name that it is written with, of NLOHMANN_JSON_SERIALIZE_ENUM say.
template <typename T>
requires std::is_enum_v<T>
struct JsonForm<T> {
  static constexpr bool kReadable = true, kWritable = true;
  static T read(const Json& json) {
    if (json.is_number()) return static_cast<T>(JsonForm<std::underlying_type_t<T>>::read(json));
    const auto value = json.get<T>();  // of a name that it does not know the first one
    if (write(value) != json) wrong_json(json, "a name of its type");
    return value;
  }
  static Json write(T value) { return value; }
};

template <>
struct JsonForm<std::string> {
  static constexpr bool kReadable = true, kWritable = true;
  static std::string read(const Json& json) {
    if (!json.is_string()) wrong_json(json, "a string");
    return json.get<std::string>();
  }
  static Json write(const std::string& value) { return value; }
};

template <typename T>
struct JsonForm<std::optional<T>> {
  using Parts = Types<T>;
  static std::optional<T> read(const Json& json) {
    if (json.is_null()) return std::nullopt;
    return JsonForm<T>::read(json);
  }
  static Json write(const std::optional<T>& value) { return value ? JsonForm<T>::write(*value) : Json(); }
};

// Any number of elements, all of one type.
template <typename Container, typename T>
struct JsonList {
  using Parts = Types<T>;
  static Container read(const Json& json) {
    if (!json.is_array()) wrong_json(json, "an array");
    Container values;
    for (std::size_t i = 0; i < json.size(); ++i) values.insert(values.end(), read_element<T>(json, i));
    return values;
  }
  static Json write(const Container& values) {
    Json json = Json::array();
    for (const auto& value : values) json.push_back(JsonForm<T>::write(value));
    return json;
  }
};

template <typename T>
struct JsonForm<std::vector<T>> : JsonList<std::vector<T>, T> {};
template <typename T>
struct JsonForm<std::list<T>> : JsonList<std::list<T>, T> {};
template <typename T>
struct JsonForm<std::deque<T>> : JsonList<std::deque<T>, T> {};
template <typename T>
struct JsonForm<std::unordered_set<T>> : JsonList<std::unordered_set<T>, T> {};
template <typename T>
struct JsonForm<std::multiset<T>> : JsonList<std::multiset<T>, T> {};
template <typename T>
struct JsonForm<std::unordered_multiset<T>> : JsonList<std::unordered_multiset<T>, T> {};
template <typename T>
struct JsonForm<std::set<T>> : JsonList<std::set<T>, T> {};

// Values by name.
template <typename Container, typename T>
struct JsonNamed {
  using Parts = Types<T>;
  static Container read(const Json& json) {
    if (!json.is_object()) wrong_json(json, "an object");
    Container values;
    for (const auto& [key, element] : json.items()) {
      values.emplace(key, read_part<T>(element, [&name = key] { return "'" + name + "'"; }));
    }
    return values;
  }
  static Json write(const Container& values) {
    Json json = Json::object();
    for (const auto& [key, value] : values) json[key] = JsonForm<T>::write(value);
    return json;
  }
};

template <typename T>
struct JsonForm<std::map<std::string, T>> : JsonNamed<std::map<std::string, T>, T> {};
template <typename T>
struct JsonForm<std::unordered_map<std::string, T>> : JsonNamed<std::unordered_map<std::string, T>, T> {};

// By other keys: an array of pairs.
template <typename K, typename T>
struct JsonForm<std::map<K, T>> : JsonList<std::map<K, T>, std::pair<K, T>> {};
template <typename K, typename T>
struct JsonForm<std::multimap<K, T>> : JsonList<std::multimap<K, T>, std::pair<K, T>> {};
template <typename K, typename T>
struct JsonForm<std::unordered_map<K, T>> : JsonList<std::unordered_map<K, T>, std::pair<K, T>> {};
template <typename K, typename T>
struct JsonForm<std::unordered_multimap<K, T>> : JsonList<std::unordered_multimap<K, T>, std::pair<K, T>> {};

// Fixed shapes: an array of exactly as many elements.
template <typename Tuple, typename... T>
struct JsonTuple {
  using Parts = Types<T...>;
  static Tuple read(const Json& json) {
    if (!json.is_array() || json.size() != sizeof...(T)) {
      wrong_json(json, "an array of " + std::to_string(sizeof...(T)));
    }
    return read_elements(json, "element");
  }
  // REQUIRES: an array of exactly as many elements, each called a `kind` in errors.
  static Tuple read_elements(const Json& json, const char* kind) {
    return read_elements(json, kind, std::index_sequence_for<T...>());
  }
  static Json write(const Tuple& tuple) {
    Json json = Json::array();
    std::apply([&](const auto&... value) { (json.push_back(JsonForm<T>::write(value)), ...); }, tuple);
    return json;
  }

 private:
  template <std::size_t... I>
  static Tuple read_elements([[maybe_unused]] const Json& json, [[maybe_unused]] const char* kind,
                             std::index_sequence<I...> /*positions*/) {
    return Tuple{read_element<T>(json, I, kind)...};  // braces: from left to right
  }
};

template <typename... T>
struct JsonForm<std::tuple<T...>> : JsonTuple<std::tuple<T...>, T...> {};
template <typename A, typename B>
struct JsonForm<std::pair<A, B>> : JsonTuple<std::pair<A, B>, A, B> {};

template <typename T, std::size_t N>
struct JsonForm<std::array<T, N>> {
  using Parts = Types<T>;
  static std::array<T, N> read(const Json& json) {
    if (!json.is_array() || json.size() != N) wrong_json(json, "an array of " + std::to_string(N));
    std::array<T, N> values{};
    for (std::size_t i = 0; i < N; ++i) values[i] = read_element<T>(json, i);
    return values;
  }
  static Json write(const std::array<T, N>& values) {
    Json json = Json::array();
    for (const auto& value : values) json.push_back(JsonForm<T>::write(value));
    return json;
  }
};

enum class JsonWay { read, write };

// Whether T has a form down to its parts. `Around` are the types that it is a part of: one that holds itself,
// as a tree does, has a form if all else in it has one.
template <JsonWay kWay, typename T, typename... Around>
constexpr bool has_json_form();

template <JsonWay kWay, typename... Around, typename... T>
constexpr bool parts_have_json_form(Types<T...> /*parts*/) {
  return (has_json_form<kWay, T, Around...>() && ...);
}

template <JsonWay kWay, typename T, typename... Around>
constexpr bool has_json_form() {
  if constexpr ((std::is_same_v<T, Around> || ...)) {
    return true;
  } else if constexpr (requires { typename JsonForm<T>::Parts; }) {
    return parts_have_json_form<kWay, T, Around...>(typename JsonForm<T>::Parts());
  } else if constexpr (kWay == JsonWay::read) {
    return JsonForm<T>::kReadable;
  } else {
    return JsonForm<T>::kWritable;
  }
}

template <typename T>
concept JsonReadable = has_json_form<JsonWay::read, T>();
template <typename T>
concept JsonWritable = has_json_form<JsonWay::write, T>();

}  // namespace parrun::detail
