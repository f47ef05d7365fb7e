#include "slurm/slurm_job.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include "cluster/command.hpp"

namespace parrun::test {
namespace {

constexpr auto kAskEvery = 1s;  // it costs 25 ms of a processor, and many ask

// sbatch --parsable writes the number alone; salloc a line that ends with it.
std::string id_in(const std::string& text) {
  const std::size_t line_end = text.find('\n');
  if (line_end == text.npos) return "";
  const std::string line = text.substr(0, line_end);
  const std::string id = line.substr(line.find_last_not_of("0123456789") + 1);
  return line == id || line.find("allocation") != line.npos ? id : "";
}

}  // namespace

std::string slurm(const std::vector<std::string>& command) {
  Job job(command);
  JobResult result = job.wait(60s);
  EXPECT_EQ(result.exit_code, 0) << command.at(0) << ": " << result.err;
  return std::move(result.out);
}

SlurmJob::SlurmJob(const std::vector<std::string>& command, const JobOptions& options)
    : command_(std::make_unique<Job>(command, options)) {
  const auto told = [&] {
    id_ = id_in(command_->out());
    if (id_.empty()) id_ = id_in(command_->err());
    return !id_.empty();
  };
  wait_until([&] { return told() || command_->ended(); }, 60s);
  if (!told()) throw std::runtime_error("no job: " + command_->out() + command_->err());
}

SlurmJob::~SlurmJob() {
  if (command_ == nullptr || has_ended()) return;
  cancel();
  wait_until([&] { return has_ended(); }, 30s, kAskEvery);
}

std::string SlurmJob::description() const {
  return cluster::output_of("SLURM_TIME_FORMAT=%s timeout 60 scontrol -o show job " + id_);
}

std::string SlurmJob::field(std::string_view name) const { return fields(name).at(0); }

std::vector<std::string> SlurmJob::fields(std::string_view name) const {
  std::vector<std::string> values;
  const std::string key = " " + std::string(name) + "=";
  std::istringstream jobs(description());
  for (std::string line; std::getline(jobs, line);) {
    line.insert(0, " ");
    const std::size_t at = line.find(key);
    const std::size_t begin = at == line.npos ? line.size() : at + key.size();
    values.push_back(line.substr(begin, line.find(' ', begin) - begin));
  }
  if (values.empty()) values.emplace_back();
  return values;
}

int SlurmJob::restarts() const { return std::stoi(field("Restarts")); }

double SlurmJob::started_s() const { return std::stod(field("StartTime")); }

// All other states pass: RUNNING, SIGNALING, COMPLETING, ...; and none is told where the controller does not
// answer.
bool SlurmJob::has_ended() const {
  constexpr std::array<std::string_view, 8> kLast{"COMPLETED", "FAILED",    "CANCELLED",     "TIMEOUT",
                                                  "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL"};
  const std::vector<std::string> states = fields("JobState");
  return std::all_of(states.begin(), states.end(), [&](const std::string& state) {
    return std::find(kLast.begin(), kLast.end(), state) != kLast.end();
  });
}

bool SlurmJob::wait_for_state(std::string_view wanted, std::chrono::nanoseconds bound) const {
  const bool came = wait_until([&] { return state() == wanted; }, bound, kAskEvery);
  EXPECT_TRUE(came) << "not " << wanted << ": " << description();
  return came;
}

bool SlurmJob::wait_for_end(std::chrono::nanoseconds bound) const {
  const bool ended = wait_until([&] { return has_ended(); }, bound, kAskEvery);
  EXPECT_TRUE(ended) << description();
  return ended;
}

void SlurmJob::expect_end(std::string_view state, const ::testing::Matcher<std::string>& exit_code,
                          std::chrono::nanoseconds bound) const {
  if (!wait_for_end(bound)) return;
  EXPECT_EQ(this->state(), state);
  EXPECT_THAT(this->exit_code(), exit_code);
  command_->expect_nothing_left(20s);
}

void SlurmJob::hurry_through_requeues(std::chrono::nanoseconds bound) const {
  const auto look = [this] {
    if (state() == "PENDING" && field("Reason") == "BeginTime") update("StartTime=now");
    return has_ended();
  };
  EXPECT_TRUE(wait_until(look, bound, kAskEvery)) << description();
}

void SlurmJob::cancel(std::vector<std::string> options) const {
  options.insert(options.begin(), "scancel");
  options.push_back(id_);
  slurm(options);
}

void SlurmJob::update(const std::string& change) const {
  slurm({"scontrol", "update", "JobId=" + id_, change});
}

}  // namespace parrun::test
