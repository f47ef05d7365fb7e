#pragma once
#include "base/bytes.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// For the way from an executor to the dispatcher. Without rank and host: whoever receives an outcome knows
/// from whom.
Bytes encode(const Outcome& outcome);

/// Throws FormatError where `bytes` are no outcome.
Outcome decode_outcome(BytesView bytes);

}  // namespace parrun
