// A payload each way: takes `data`, returns `reply_bytes` bytes that repeat it (or "x", where it is empty).
// Shows what it costs to move data instead of computing.
//
//   {"call": "payload", "args": ["abc", 1000000]}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "parrun/task.hpp"

std::string payload(std::string data, std::uint64_t reply_bytes) {
  if (data.empty()) data = "x";
  std::string reply;
  reply.reserve(reply_bytes);
  while (reply.size() < reply_bytes) {
    reply.append(data, 0, std::min<std::size_t>(data.size(), reply_bytes - reply.size()));
  }
  return reply;
}
PARRUN_TASK(payload);
