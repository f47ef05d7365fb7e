#pragma once
// Registered task functions: PARRUN_TASK(f) and PARRUN_TASK_NAMED("name", f).

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "parrun/archive.hpp"
#include "parrun/errors.hpp"
#include "parrun/json.hpp"
#include "parrun/members.hpp"
#include "parrun/signature.hpp"

namespace parrun::detail {

// A registered function with its types erased: bytes in, bytes out. A pointer is null where the type cannot
// be converted to or from JSON, or the result is void.
struct Function {
  std::string name;
  std::type_index key;  ///< Key<f>: how a program finds the name of a function it calls
  std::type_index signature;
  const void* code;  ///< an address inside the program or module that holds it
  /// What it returns goes to `value`, over what that holds; throws what the function throws.
  void (*call_into)(std::string_view arguments, std::string& value);
  std::string (*value_to_json)(std::string_view value);
  std::string (*arguments_from_json)(std::string_view name, std::string_view json);  ///< throws InputError
  std::string (*arguments_to_json)(std::string_view arguments);

  std::string call(std::string_view arguments) const {
    std::string value;
    call_into(arguments, value);
    return value;
  }
};

/// Two functions of one name: the start-up check refuses the program.
void add_function(Function function);

/// The name under which Key was registered; it stays where it is. Throws std::logic_error where it was not,
/// with the callable as spelled() has it.
const std::string& function_name(std::type_index key, const char* spelled);

// What identifies a callable at compile time: a function or a constexpr function object by its value, a class
// of function objects by its type.
template <auto F>
struct Key {};

// The callable as the compiler writes it, at the end of this text: "... [with auto F = simulate]".
template <auto F>
constexpr const char* spelled() {
  return __PRETTY_FUNCTION__;
}
template <typename Functor>
constexpr const char* spelled() {
  return __PRETTY_FUNCTION__;
}

template <typename Tuple>
struct Arguments;
template <typename... A>
struct Arguments<std::tuple<A...>> {
  static constexpr bool kReadable = (JsonReadable<A> && ...), kWritable = (JsonWritable<A> && ...);
  static std::tuple<A...> unpack(std::string_view bytes) { return from_bytes<A...>(bytes); }
  static std::string pack(const A&... values) { return to_bytes(values...); }
  // `name` is the function's, for errors: "simulate takes 2 arguments, 3 given".
  static std::string from_json(std::string_view name, std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_array()) throw InputError("the arguments of " + std::string(name) + " are no JSON array");
    if (json.size() != sizeof...(A)) throw InputError(wrong_count(name, json.size()));
    try {
      return std::apply(pack, JsonForm<std::tuple<A...>>::read_elements(json, "argument"));
    } catch (const InputError& error) {
      throw InputError(std::string(name) + ", " + error.what());
    }
  }
  static std::string wrong_count(std::string_view name, std::size_t given) {
    return std::string(name) + " takes " + std::to_string(sizeof...(A)) +
           (sizeof...(A) == 1 ? " argument, " : " arguments, ") + std::to_string(given) + " given";
  }
  static std::string to_json(std::string_view bytes) {
    return JsonForm<std::tuple<A...>>::write(unpack(bytes))
        .dump(-1, ' ', false, Json::error_handler_t::replace);
  }
};

template <typename R>
std::string value_to_json(std::string_view bytes) {
  return JsonForm<R>::write(std::get<0>(from_bytes<R>(bytes)))
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Runs `invoke` on the unpacked arguments and packs what it returns.
template <typename R, typename Unpacked, typename Invoke>
void call_packed(std::string_view bytes, std::string& value, Invoke invoke) {
  auto arguments = Arguments<Unpacked>::unpack(bytes);
  if constexpr (std::is_void_v<R>) {
    std::apply(invoke, std::move(arguments));
    value.clear();
  } else {
    put_bytes<std::decay_t<R>>(value, std::apply(invoke, std::move(arguments)));
  }
}

template <typename R, typename Unpacked>
Function describe(std::string name, std::type_index key, void (*call)(std::string_view, std::string&)) {
  using Value = std::decay_t<R>;
  Function function{
      std::move(name), key,    typeid(R(*)(Unpacked)), reinterpret_cast<const void*>(call), call, nullptr,
      nullptr,         nullptr};
  if constexpr (JsonWritable<Value>) function.value_to_json = value_to_json<Value>;
  if constexpr (Arguments<Unpacked>::kReadable) function.arguments_from_json = Arguments<Unpacked>::from_json;
  if constexpr (Arguments<Unpacked>::kWritable) function.arguments_to_json = Arguments<Unpacked>::to_json;
  return function;
}

struct Registered {
  Registered() = default;
  explicit Registered(Function function) { add_function(std::move(function)); }
};

// A function, or a constexpr function object: a lambda without captures is one.
template <auto F>
Registered register_task(std::string name) {
  using S = Signature<std::remove_cv_t<decltype(F)>>;
  if constexpr (kFit<std::remove_cv_t<decltype(F)>>) {
    constexpr auto call = +[](std::string_view bytes, std::string& value) {
      call_packed<typename S::Result, typename S::Arguments>(
          bytes, value, [](auto&&... a) -> decltype(auto) { return F(std::forward<decltype(a)>(a)...); });
    };
    return Registered(
        describe<typename S::Result, typename S::Arguments>(std::move(name), typeid(Key<F>), call));
  } else {
    return {};  // the compiler has said why
  }
}

// A class of function objects: its state is its first argument.
template <typename Functor>
Registered register_task(std::string name) {
  using S = Signature<Functor>;
  if constexpr (kFitObject<Functor>) {
    using Unpacked = WithState<Functor>;
    constexpr auto call = +[](std::string_view bytes, std::string& value) {
      call_packed<typename S::Result, Unpacked>(bytes, value,
                                                [](Functor functor, auto&&... a) -> decltype(auto) {
                                                  return functor(std::forward<decltype(a)>(a)...);
                                                });
    };
    return Registered(describe<typename S::Result, Unpacked>(std::move(name), typeid(Functor), call));
  } else {
    return {};
  }
}

}  // namespace parrun::detail

#define PARRUN_DETAIL_JOIN2(a, b) a##b
#define PARRUN_DETAIL_JOIN(a, b) PARRUN_DETAIL_JOIN2(a, b)

/// Makes a function callable as a task from any rank and from jobs.bin, under the name written here:
/// PARRUN_TASK(simulate). At namespace scope of one source file of the program or of a loaded module, behind
/// the definition. What can be registered:
/// - a function, or a static member function: PARRUN_TASK(Model::step), called by task<Model::step>(...);
/// - a template's instance: PARRUN_TASK(area<float>);
/// - a constexpr lambda without captures: constexpr auto twice = [](int n) {...}; PARRUN_TASK(twice);
/// - a class of function objects, their state an argument: PARRUN_TASK(Scale), called by task(Scale{2}, ...).
/// Parameters by value or const reference; the result a value, or void. They are of any type that
/// Boost.Serialization takes and that can be default-constructed and moved: numbers, enums, std::string, the
/// standard containers, std::optional, std::variant, ..., std::unique_ptr and std::shared_ptr to classes
/// (polymorphic ones with BOOST_CLASS_EXPORT), structs with PARRUN_MEMBERS or a serialize(), member or free.
/// A plain pointer to a polymorphic class is taken too; who receives it owns it. Those with a JSON form
/// (numbers, enums, strings, containers, std::optional, structs with PARRUN_MEMBERS, classes with nlohmann's
/// from_json and to_json) can also be written in the JSON lines of `parrun pack`, and are shown as JSON. With
/// Isolation::none several threads of a rank may call it at a time; otherwise a process of the rank executes
/// one task after another. Between two of them that process puts back what a task has changed outside its
/// memory (environment, folder, signal handlers, ...), or is replaced; what it left in globals and statics a
/// later task on that rank may find.
#define PARRUN_TASK(...) PARRUN_DETAIL_REGISTER(#__VA_ARGS__, __VA_ARGS__)

/// Likewise, under a name of one's own: for one of several overloads, or where two functions have one name.
/// PARRUN_TASK_NAMED("area of a circle", static_cast<double (*)(Circle)>(area)), called by
/// task<static_cast<double (*)(Circle)>(area)>(...).
#define PARRUN_TASK_NAMED(name, ...) PARRUN_DETAIL_REGISTER(name, __VA_ARGS__)

// The compiler shows the last line with what is wrong.
#define PARRUN_DETAIL_REGISTERED PARRUN_DETAIL_JOIN(parrun_registered_, __COUNTER__)
#define PARRUN_DETAIL_REGISTER(name, ...)                                               \
  [[maybe_unused]] static const ::parrun::detail::Registered PARRUN_DETAIL_REGISTERED = \
      ::parrun::detail::register_task<__VA_ARGS__>(name)  // of overloads one, by PARRUN_TASK_NAMED(...)
