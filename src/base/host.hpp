#pragma once
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

namespace parrun {

/// This host's name, as gethostname(2) tells it.
inline std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// Equal for two processes that may open each other's descriptors in /proc: those of one boot of one kernel
/// (host names are not always unique), where a container has no processes or users of its own.
inline std::string node_identity() {
  std::string identity;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> identity;
  for (const char* space : {"/proc/self/ns/pid", "/proc/self/ns/user"}) {
    std::array<char, 64> name{};
    if (readlink(space, name.data(), name.size() - 1) > 0) identity.append(" ").append(name.data());
  }
  return identity;
}

}  // namespace parrun
