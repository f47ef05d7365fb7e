#pragma once

namespace parrun::exit_code {

// The command's contract; 128 + signal where a signal ended the run.
inline constexpr int kSomeTaskFailed = 1;
inline constexpr int kUsage = 2;          ///< or unusable input; nothing was run
inline constexpr int kInternalError = 3;  ///< or MPI's
inline constexpr int kLimitReached = 124;
inline constexpr int kSignal = 128;  ///< plus its number

}  // namespace parrun::exit_code
