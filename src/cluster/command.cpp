#include "cluster/command.hpp"

#include <array>
#include <cstdio>

namespace parrun::cluster {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return text;
  std::array<char, 256> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    text.append(buffer.data(), size);
  }
  pclose(pipe);
  return text;
}

bool is_job_id(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789_") == text.npos;
}

}  // namespace parrun::cluster
