#include "cluster/requeue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/command.hpp"

namespace parrun::cluster {

std::string requeue(const std::string& job_id, const std::string& scontrol) {
  if (!is_job_id(job_id)) return fmt::format("'{}' is no job", job_id);
  // What it says on success is nothing; that it ran at all is told by its exit code.
  std::string answer = output_of(
      fmt::format("timeout 10 {} requeue {} 2>&1 || echo 'scontrol ended with code '$?", scontrol, job_id));
  std::replace(answer.begin(), answer.end(), '\n', ' ');
  while (answer.ends_with(' ')) answer.pop_back();
  return answer;
}

}  // namespace parrun::cluster
