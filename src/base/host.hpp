#pragma once
#include <unistd.h>

#include <array>
#include <string>

namespace parrun {

/// This host's name, as gethostname(2) tells it.
inline std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace parrun
