#pragma once
// Whether Boost.Serialization takes a type: asked first, so that one it does not take is refused in a
// sentence.

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>
#include <type_traits>

#include "parrun/archive.hpp"

namespace parrun::detail {
namespace probe {

// Boost calls serialize(archive, value, version) unqualified, and its own catch-all, which calls the member,
// always fits. This is the catch-all's twin: the call is ambiguous, and so refused, unless a function that
// fits better is found.
template <typename Archive, typename T>
void serialize(Archive& archive, T& value, unsigned version);

// Its argument has the call search boost::serialization, where Boost's functions and many users' are.
template <typename InNamespace>
struct Version {
  operator unsigned() const;
};

template <typename T>
concept HasFunction = requires(OutArchive& archive, T& value,
                               Version<boost::serialization::version_type> version) {
  serialize(archive, value, version);
};

// A member of that name, private ones included: with a second one inherited the name is ambiguous.
struct Second {
  int serialize;
};
template <typename T>
struct Both : T, Second {};

template <typename T>
concept HasMember = std::is_class_v<T> &&
    (std::is_final_v<T> || !requires { &Both<T>::serialize; });  // final: cannot be told

}  // namespace probe

template <typename T>
struct Serializable;

// Of a standard type that holds others: whether those can be serialised.
template <typename T>
struct Elements : std::true_type {};
template <typename... T>
struct AllSerializable : std::bool_constant<(Serializable<T>::value && ...)> {};

template <typename T, typename A>
struct Elements<std::vector<T, A>> : Serializable<T> {};
template <typename T, typename A>
struct Elements<std::deque<T, A>> : Serializable<T> {};
template <typename T, typename A>
struct Elements<std::list<T, A>> : Serializable<T> {};
template <typename T, std::size_t N>
struct Elements<std::array<T, N>> : Serializable<T> {};
template <typename T>
struct Elements<std::optional<T>> : Serializable<T> {};
template <typename T, typename C, typename A>
struct Elements<std::set<T, C, A>> : Serializable<T> {};
template <typename T, typename H, typename E, typename A>
struct Elements<std::unordered_set<T, H, E, A>> : Serializable<T> {};
template <typename K, typename T, typename C, typename A>
struct Elements<std::map<K, T, C, A>> : AllSerializable<K, T> {};
template <typename K, typename T, typename H, typename E, typename A>
struct Elements<std::unordered_map<K, T, H, E, A>> : AllSerializable<K, T> {};
template <typename T, typename U>
struct Elements<std::pair<T, U>> : AllSerializable<T, U> {};
template <typename... T>
struct Elements<std::tuple<T...>> : AllSerializable<T...> {};
template <typename... T>
struct Elements<std::variant<T...>> : AllSerializable<T...> {};

// Boost tells objects behind pointers apart by their class.
template <typename T>
struct Pointee : std::bool_constant<std::is_class_v<T> && Serializable<T>::value &&
                                    boost::serialization::tracking_level<T>::value !=
                                        boost::serialization::track_never> {};
template <typename T>
struct Elements<std::unique_ptr<T>> : Pointee<T> {};
template <typename T>
struct Elements<std::shared_ptr<T>> : Pointee<std::remove_const_t<T>> {};

template <typename T>
constexpr bool serializable() {
  if constexpr (std::is_pointer_v<T>) {
    using Object = std::remove_pointer_t<T>;  // whose class is known on the other side by its export alone
    return std::is_polymorphic_v<Object> && !std::is_const_v<Object> && Serializable<Object>::value;
  } else if constexpr (!std::is_class_v<T>) {
    return std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_array_v<T> || std::is_union_v<T>;
  } else if constexpr (boost::serialization::implementation_level<T>::value ==
                       boost::serialization::primitive_type) {
    return true;
  } else if constexpr (probe::HasFunction<T>) {
    return Elements<T>::value;
  } else {
    return probe::HasMember<T>;
  }
}

template <typename T>
struct Serializable : std::bool_constant<serializable<T>()> {};

}  // namespace parrun::detail
