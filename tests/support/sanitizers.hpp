#pragma once

#include "base/sanitizers.hpp"

namespace parrun::test {

/// The address and the thread sanitizer take memory and threads of their own.
inline constexpr bool kThreadSanitized = PARRUN_THREAD_SANITIZER;
inline constexpr bool kSanitized = PARRUN_ADDRESS_SANITIZER || kThreadSanitized;

}  // namespace parrun::test
