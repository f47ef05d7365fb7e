#include "batch/c_string.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/size.hpp"
#include "parrun/errors.hpp"

namespace parrun {

void require_c_string(std::string_view text, std::string_view what) {
  constexpr std::uint64_t kPages = 32;  // MAX_ARG_STRLEN
  const std::uint64_t most = kPages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (text.find('\0') != text.npos)
    throw InputError(fmt::format("{} holds a NUL, which no command can be given; remove it", what));
  if (text.size() >= most) {
    throw InputError(
        fmt::format("{} is {} bytes long, and what a command is given is below {}; write it into a file",
                    what, text.size(), format_size(most)));
  }
}

}  // namespace parrun
