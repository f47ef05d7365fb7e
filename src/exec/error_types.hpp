#pragma once
// The types of exceptions that were registered by PARRUN_ERROR.

#include <string>

#include "parrun/error_type.hpp"

namespace parrun {

/// The exception that is being handled, as bytes; empty where its type was not registered, or cannot be
/// archived.
std::string current_error_bytes();

}  // namespace parrun
