#pragma once

// What this is compiled with: PARRUN_ADDRESS_SANITIZER and PARRUN_THREAD_SANITIZER are 1 or 0. GCC tells by
// macros of its own, Clang by __has_feature alone.

#if defined(__has_feature)
#define PARRUN_HAS_FEATURE(feature) __has_feature(feature)
#else
#define PARRUN_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || PARRUN_HAS_FEATURE(address_sanitizer)
#define PARRUN_ADDRESS_SANITIZER 1
#else
#define PARRUN_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || PARRUN_HAS_FEATURE(thread_sanitizer)
#define PARRUN_THREAD_SANITIZER 1
#else
#define PARRUN_THREAD_SANITIZER 0
#endif
