#pragma once
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace parrun {

/// A duration as users write it: `3`, `0.5`, `500ms`, `3s`, `2m`, `1h30m`, `1:30:00`. Always above zero.
/// Throws InputError, saying what is wrong with `text`, for all else: zero, negative, NaN, more than 100
/// years.
Duration parse_duration(std::string_view text);

/// The same for people: `3.2 s`, `12 min 5 s`, `1 h 30 min`.
std::string format_duration(Duration duration);

/// So many a second, for people: `0.87`, `3.2`, `1052`.
std::string format_rate(double per_second);

}  // namespace parrun
