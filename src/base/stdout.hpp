#pragma once
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "parrun/errors.hpp"

namespace parrun {

inline void require_written(bool written) {
  if (written) return;
  throw InputError(fmt::format("cannot write to stdout: {}; make room there", std::strerror(errno)));
}

/// Throws InputError where stdout takes no more; so does flush_stdout(), to be called at the end.
inline void write_stdout(std::string_view bytes) {
  require_written(std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size());
}

inline void flush_stdout() { require_written(std::fflush(stdout) == 0); }

}  // namespace parrun
