#pragma once
// PARRUN_MEMBERS: a struct's members named once, for archives and for JSON.

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "parrun/errors.hpp"
#include "parrun/json.hpp"

namespace parrun::detail {

template <typename Class, typename T>
struct Member {
  using Type = T;
  const char* name;
  T Class::*at;
};

template <typename Class, typename T>
constexpr Member<Class, T> member(const char* name, T Class::*at) {
  static_assert(!std::is_array_v<T>, "a C array cannot be among PARRUN_MEMBERS: make it a std::array");
  static_assert(!std::is_const_v<T>,
                "a constant cannot be among PARRUN_MEMBERS: what travels is made empty and then filled");
  return {name, at};
}

// Found beside the struct. Its very type is asked for: a class derived from it has members that are not
// named.
template <typename T>
concept NamesMembers = requires(std::type_identity<T> type) {
  parrun_members(type);
};

template <NamesMembers T>
inline constexpr auto kMembers = parrun_members(std::type_identity<T>());

template <typename... M>
Types<typename M::Type...> types_of(const std::tuple<M...>& members);
template <NamesMembers T>
using MemberTypes = decltype(types_of(kMembers<T>));

template <typename Archive, NamesMembers T>
void serialize_members(Archive& archive, [[maybe_unused]] T& value) {
  std::apply([&](const auto&... member) { (static_cast<void>(archive & value.*member.at), ...); },
             kMembers<T>);
}

// An object with exactly these names.
template <NamesMembers T>
struct JsonForm<T> {
  using Parts = MemberTypes<T>;

  static T read(const Json& json) {
    if (!json.is_object()) wrong_json(json, "an object");
    for (const auto& [name, element] : json.items()) {
      if (!has(name)) throw InputError("there is no member '" + name.substr(0, 60) + "'");
    }
    T value{};
    std::apply([&](const auto&... member) { (read_member(json, member, value), ...); }, kMembers<T>);
    return value;
  }
  static Json write([[maybe_unused]] const T& value) {
    Json json = Json::object();
    std::apply([&](const auto&... member) { (write_member(json, member, value), ...); }, kMembers<T>);
    return json;
  }

 private:
  static bool has([[maybe_unused]] std::string_view name) {
    return std::apply([&](const auto&... member) { return ((name == member.name) || ...); }, kMembers<T>);
  }
  template <typename Class, typename M>
  static void read_member(const Json& json, const Member<Class, M>& member, T& value) {
    const auto found = json.find(member.name);
    if (found == json.end()) throw InputError("the member '" + std::string(member.name) + "' is missing");
    value.*member.at = read_part<M>(*found, [&] { return "'" + std::string(member.name) + "'"; });
  }
  template <typename Class, typename M>
  static void write_member(Json& json, const Member<Class, M>& member, const T& value) {
    json[member.name] = JsonForm<M>::write(value.*member.at);
  }
};

}  // namespace parrun::detail

// Each round of EXPAND rescans what the one before it left: 4 * 4 * 4 rounds are more than 64 members.
#define PARRUN_DETAIL_EXPAND(...) \
  PARRUN_DETAIL_EXPAND3(PARRUN_DETAIL_EXPAND3(PARRUN_DETAIL_EXPAND3(PARRUN_DETAIL_EXPAND3(__VA_ARGS__))))
#define PARRUN_DETAIL_EXPAND3(...) \
  PARRUN_DETAIL_EXPAND2(PARRUN_DETAIL_EXPAND2(PARRUN_DETAIL_EXPAND2(PARRUN_DETAIL_EXPAND2(__VA_ARGS__))))
#define PARRUN_DETAIL_EXPAND2(...) \
  PARRUN_DETAIL_EXPAND1(PARRUN_DETAIL_EXPAND1(PARRUN_DETAIL_EXPAND1(PARRUN_DETAIL_EXPAND1(__VA_ARGS__))))
#define PARRUN_DETAIL_EXPAND1(...) __VA_ARGS__
#define PARRUN_DETAIL_PARENTHESES ()
#define PARRUN_DETAIL_EACH_MEMBER(Type, name, ...) \
  ::parrun::detail::member(#name, &Type::name)     \
      __VA_OPT__(, PARRUN_DETAIL_EACH_MEMBER_AGAIN PARRUN_DETAIL_PARENTHESES(Type, __VA_ARGS__))
#define PARRUN_DETAIL_EACH_MEMBER_AGAIN() PARRUN_DETAIL_EACH_MEMBER

// Value is asked to be the very Type first: nlohmann asks every to_json of the namespace about its other
// classes too, while it is being found out whether Type has a form by those.

/// Names the members by which a struct is archived, so that tasks can take and return it, and written in JSON
/// as an object: PARRUN_MEMBERS(Particle, mass_kg, position_m). Behind the struct, in its namespace; public
/// members, its bases' too, up to 64. A struct all of whose members have a JSON form has nlohmann's to_json
/// and from_json by it; JSON with a name too few or too many, or a number that does not fit its member, is
/// refused. It may hold its own kind, in containers or behind smart pointers, as a tree does. REQUIRES:
/// default-constructible; no template; no serialize(), to_json() or from_json() of its own.
#define PARRUN_MEMBERS(Type, ...)                                                                           \
  [[maybe_unused]] constexpr auto parrun_members(std::type_identity<Type>) {                                \
    return std::make_tuple(__VA_OPT__(PARRUN_DETAIL_EXPAND(PARRUN_DETAIL_EACH_MEMBER(Type, __VA_ARGS__)))); \
  }                                                                                                         \
  template <typename Archive>                                                                               \
  void serialize(Archive& archive, Type& value, unsigned /*version*/) {                                     \
    ::parrun::detail::serialize_members(archive, value);                                                    \
  }                                                                                                         \
  template <std::same_as<::nlohmann::json> Json, std::same_as<Type> Value>                                  \
  requires ::parrun::detail::JsonWritable<Value>                                                            \
  void to_json(Json& json, const Value& value) { json = ::parrun::detail::JsonForm<Value>::write(value); }  \
  template <std::same_as<::nlohmann::json> Json, std::same_as<Type> Value>                                  \
  requires ::parrun::detail::JsonReadable<Value>                                                            \
  void from_json(const Json& json, Value& value) { value = ::parrun::detail::JsonForm<Value>::read(json); } \
  static_assert(true, "a semicolon follows")
