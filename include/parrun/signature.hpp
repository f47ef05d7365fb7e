#pragma once
// What a task function takes and gives, and what is wrong with it where it cannot be one: in a sentence each,
// for the compiler to say before it fails in a depth of templates.

#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "parrun/serializable.hpp"

namespace parrun::detail {

template <typename R, typename... P>
struct FunctionType {
  using Result = std::decay_t<R>;
  using Arguments = std::tuple<std::decay_t<P>...>;  // as they travel
  using ReturnType = R;
  using Parameters = std::tuple<P...>;  // as declared
  static constexpr bool kCallable = true;
};

// Of a function, or of a class of function objects by its one call operator.
template <typename F>
struct Signature : FunctionType<void> {
  static constexpr bool kCallable = false;
  static_assert(
      !std::is_member_pointer_v<F>,
      "a member function has no object to run on: register a static one, or a function that is given "
      "the object");
  static_assert(
      std::is_member_pointer_v<F>,
      "parrun needs a function, or a function object with one call operator that is no template: wrap "
      "the call in a function of plain arguments");
};
template <typename R, typename... P>
struct Signature<R (*)(P...)> : FunctionType<R, P...> {};
template <typename R, typename... P>
struct Signature<R (*)(P...) noexcept> : FunctionType<R, P...> {};

template <typename Operator>
struct CallOperator;
template <typename C, typename R, typename... P>
struct CallOperator<R (C::*)(P...)> : FunctionType<R, P...> {};
template <typename C, typename R, typename... P>
struct CallOperator<R (C::*)(P...) const> : FunctionType<R, P...> {};
template <typename C, typename R, typename... P>
struct CallOperator<R (C::*)(P...) noexcept> : FunctionType<R, P...> {};
template <typename C, typename R, typename... P>
struct CallOperator<R (C::*)(P...) const noexcept> : FunctionType<R, P...> {};

template <typename F>
concept FunctionObject = std::is_class_v<F> && requires {
  typename CallOperator<decltype(&F::operator())>::Result;
};
template <FunctionObject F>
struct Signature<F> : CallOperator<decltype(&F::operator())> {};

enum class Fault {
  none,
  view,
  pointer,
  smart_pointer,
  abstract,
  not_serializable,
  not_default_constructible,
  written_reference,
  returned_reference
};

template <typename T>
inline constexpr bool kIsView = false;
template <typename C, typename T>
inline constexpr bool kIsView<std::basic_string_view<C, T>> = true;
template <typename T, std::size_t N>
inline constexpr bool kIsView<std::span<T, N>> = true;

// Of a type that cannot be serialised.
template <typename T>
constexpr Fault fault_of_unserializable() {
  if constexpr (kIsView<T>) {
    return Fault::view;
  } else if constexpr (std::is_pointer_v<T>) {
    return Fault::pointer;
  } else if constexpr (kIsSmartPointer<T>) {
    return Fault::smart_pointer;
  } else {
    return Fault::not_serializable;
  }
}

// What keeps a T from going to another rank.
template <typename T>
constexpr Fault fault_of_value() {
  if constexpr (std::is_abstract_v<T>) {
    return Fault::abstract;
  } else if constexpr (!Serializable<T>::value) {
    return fault_of_unserializable<Unserializable<T>>();
  } else if constexpr (!std::is_default_constructible_v<T> || !std::is_move_constructible_v<T>) {
    return Fault::not_default_constructible;
  } else {
    return Fault::none;
  }
}

template <typename P>
constexpr Fault fault_of_parameter() {
  if constexpr (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) {
    return Fault::written_reference;
  } else {
    return fault_of_value<std::decay_t<P>>();
  }
}

template <typename R>
constexpr Fault fault_of_result() {
  if constexpr (std::is_reference_v<R>) {
    return Fault::returned_reference;
  } else if constexpr (std::is_void_v<R>) {
    return Fault::none;
  } else {
    return fault_of_value<std::decay_t<R>>();
  }
}

// A type, or that within it which cannot be serialised.
template <typename T>
using AtFault = std::conditional_t<Serializable<std::decay_t<T>>::value, T, Unserializable<std::decay_t<T>>>;

// The compiler names T with the sentence.
template <typename T, Fault kFault>
struct Tell {
  static constexpr bool kTold = true;
  static_assert(kFault != Fault::view,
                "a std::string_view or std::span refers to memory that the other rank does not have: use "
                "std::string or std::vector");
  static_assert(kFault != Fault::pointer,
                "a pointer means nothing on another rank: use the value, or std::unique_ptr to a class that "
                "can be serialised");
  static_assert(
      kFault != Fault::smart_pointer,
      "a smart pointer travels with an object of a class: to what is no class, or to a std::string, "
      "use the value, or std::optional of it");
  static_assert(kFault != Fault::abstract,
                "an abstract class cannot travel by value: use std::unique_ptr or std::shared_ptr to it, and "
                "BOOST_CLASS_EXPORT for each class derived from it");
  static_assert(kFault != Fault::not_serializable,
                "this type cannot be serialised: name its members with PARRUN_MEMBERS(Type, member...), or "
                "give it a serialize() as Boost.Serialization wants it");
  static_assert(kFault != Fault::not_default_constructible,
                "a type that travels is made empty and then filled: give it a default constructor and let it "
                "be moved, or use std::unique_ptr to it");
  static_assert(
      kFault != Fault::written_reference,
      "what a task writes through a reference stays on its own rank: take the parameter by value or "
      "const reference, and return the result");
  static_assert(kFault != Fault::returned_reference,
                "a reference to what is on another rank cannot be returned: return the value");
};

template <typename R, typename Parameters>
struct Fitness;
template <typename R, typename... P>
struct Fitness<R, std::tuple<P...>> {
  static constexpr bool value =
      fault_of_result<R>() == Fault::none && ((fault_of_parameter<P>() == Fault::none) && ...);
  static_assert(Tell<AtFault<R>, fault_of_result<R>()>::kTold &&
                (Tell<AtFault<P>, fault_of_parameter<P>()>::kTold && ...));
};

// Whether F can be a task function; where not, the compiler has been told why.
template <typename F>
inline constexpr bool kFit = Signature<F>::kCallable&&
    Fitness<typename Signature<F>::ReturnType, typename Signature<F>::Parameters>::value;

// Likewise for a class of function objects whose state travels.
template <typename Functor>
struct State {
  static constexpr bool kTravels = Serializable<Functor>::value && std::is_default_constructible_v<Functor>;
  static constexpr bool kMemberAtFault = NamesMembers<Functor> && !Serializable<Functor>::value;
  static constexpr Fault kFault = kMemberAtFault ? fault_of_value<Functor>() : Fault::none;
  static_assert(Tell<AtFault<Functor>, kFault>::kTold);
  static_assert(
      kTravels || kMemberAtFault,
      "this function object cannot travel: name its members with PARRUN_MEMBERS(Type, member...) and give it "
      "a default constructor; instead of a lambda's captures use arguments");
};
template <typename Functor>
inline constexpr bool kFitObject = kFit<Functor>&& State<Functor>::kTravels;

// The arguments behind such an object, as they travel.
template <typename Functor>
using WithState = decltype(std::tuple_cat(std::declval<std::tuple<Functor>>(),
                                          std::declval<typename Signature<Functor>::Arguments>()));

}  // namespace parrun::detail
