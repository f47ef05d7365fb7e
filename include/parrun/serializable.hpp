#pragma once
// Whether Boost.Serialization takes a type: asked first, so that one it does not take is refused in a
// sentence.

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>
#include <type_traits>

#include "parrun/archive.hpp"
#include "parrun/members.hpp"

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

// Of a type that holds others: those that must be serialisable with it.
template <typename T>
struct Held {
  using Parts = Types<>;
};
template <typename... T>
struct Holds {
  using Parts = Types<T...>;
};

template <typename T, typename A>
struct Held<std::vector<T, A>> : Holds<T> {};
template <typename T, typename A>
struct Held<std::deque<T, A>> : Holds<T> {};
template <typename T, typename A>
struct Held<std::list<T, A>> : Holds<T> {};
template <typename T, std::size_t N>
struct Held<std::array<T, N>> : Holds<T> {};
template <typename T>
struct Held<std::optional<T>> : Holds<T> {};
template <typename T, typename C, typename A>
struct Held<std::set<T, C, A>> : Holds<T> {};
template <typename T, typename C, typename A>
struct Held<std::multiset<T, C, A>> : Holds<T> {};
template <typename T, typename H, typename E, typename A>
struct Held<std::unordered_set<T, H, E, A>> : Holds<T> {};
template <typename T, typename H, typename E, typename A>
struct Held<std::unordered_multiset<T, H, E, A>> : Holds<T> {};
template <typename K, typename T, typename C, typename A>
struct Held<std::map<K, T, C, A>> : Holds<K, T> {};
template <typename K, typename T, typename C, typename A>
struct Held<std::multimap<K, T, C, A>> : Holds<K, T> {};
template <typename K, typename T, typename H, typename E, typename A>
struct Held<std::unordered_map<K, T, H, E, A>> : Holds<K, T> {};
template <typename K, typename T, typename H, typename E, typename A>
struct Held<std::unordered_multimap<K, T, H, E, A>> : Holds<K, T> {};
template <typename T, typename U>
struct Held<std::pair<T, U>> : Holds<T, U> {};
template <typename... T>
struct Held<std::tuple<T...>> : Holds<T...> {};
template <typename... T>
struct Held<std::variant<T...>> : Holds<T...> {};
template <typename T>
struct Held<std::unique_ptr<T>> : Holds<T> {};
template <typename T>
struct Held<std::shared_ptr<T>> : Holds<std::remove_const_t<T>> {};
template <typename T>
struct Held<T*> : Holds<std::remove_const_t<T>> {};
template <NamesMembers T>
struct Held<T> {
  using Parts = MemberTypes<T>;
};

template <typename T>
inline constexpr bool kIsSmartPointer = false;
template <typename T>
inline constexpr bool kIsSmartPointer<std::unique_ptr<T>> = true;
template <typename T>
inline constexpr bool kIsSmartPointer<std::shared_ptr<T>> = true;

// Boost tells objects behind pointers apart by their class.
template <typename T>
constexpr bool can_be_pointed_at() {
  if constexpr (!std::is_class_v<T>) {
    return false;
  } else {
    return boost::serialization::tracking_level<T>::value != boost::serialization::track_never;
  }
}

// A plain pointer is refused where it is likely to be a mistake. Of a polymorphic object the class is known
// on the other side by its export alone, so its author meant it to travel; so did who named it as a member.
template <typename T, typename... Around>
constexpr bool pointer_is_taken() {
  if constexpr ((NamesMembers<Around> || ...)) {
    return can_be_pointed_at<std::remove_const_t<T>>();
  } else {
    return std::is_polymorphic_v<T> && !std::is_const_v<T>;
  }
}

// Whether Boost takes a T, what it holds aside.
template <typename T, typename... Around>
constexpr bool is_taken() {
  if constexpr (std::is_pointer_v<T>) {
    return pointer_is_taken<std::remove_pointer_t<T>, Around...>();
  } else if constexpr (kIsSmartPointer<T>) {
    return can_be_pointed_at<std::remove_const_t<typename T::element_type>>();
  } else if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_array_v<T>;
  } else if constexpr (boost::serialization::implementation_level<T>::value ==
                       boost::serialization::primitive_type) {
    return true;
  } else {
    return std::is_class_v<T> && (probe::HasFunction<T> || probe::HasMember<T>);
  }
}

// The type, T or within it, that Boost does not take; void where there is none. `Around` are the types that T
// is a part of: one that holds itself, as a tree does, is looked at once.
template <typename T, typename... Around>
constexpr auto find_unserializable();

template <typename... Around>
constexpr auto find_unserializable_part(Types<> /*parts*/) {
  return std::type_identity<void>();
}
template <typename... Around, typename T, typename... Rest>
constexpr auto find_unserializable_part(Types<T, Rest...> /*parts*/) {
  constexpr auto found = find_unserializable<T, Around...>();
  if constexpr (std::is_void_v<typename decltype(found)::type>) {
    return find_unserializable_part<Around...>(Types<Rest...>());
  } else {
    return found;
  }
}

template <typename T, typename... Around>
constexpr auto find_unserializable() {
  if constexpr ((std::is_same_v<T, Around> || ...)) {
    return std::type_identity<void>();
  } else if constexpr (!is_taken<T, Around...>()) {
    return std::type_identity<T>();
  } else {
    return find_unserializable_part<T, Around...>(typename Held<T>::Parts());
  }
}

template <typename T>
using Unserializable = typename decltype(find_unserializable<T>())::type;

template <typename T>
struct Serializable : std::is_void<Unserializable<T>> {};

}  // namespace parrun::detail
