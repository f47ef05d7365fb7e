#include "slurm/slurm_test.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "record/reader.hpp"
#include "support/batches.hpp"
#include "support/run_parrun.hpp"

namespace parrun::test {
namespace {

const std::string kCluster = PARRUN_TEST_SLURM_DIR;

// What up.sh has left for those who use its cluster.
void take_environment(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    ::setenv(line.substr(0, equals).c_str(), line.substr(equals + 1).c_str(), 1);
  }
  const auto parrun_folder = std::filesystem::path(PARRUN_BINARY).parent_path().string();
  ::setenv("PATH", (parrun_folder + ":" + std::getenv("PATH")).c_str(), 1);
}

std::vector<std::string> with_defaults(std::vector<std::string> command,
                                       const std::vector<std::string>& options) {
  command.insert(command.end(), {"--nodes=2", "--ntasks=3", "--time=1"});
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

}  // namespace

std::string name_of(Launcher launcher) { return launcher == Launcher::mpirun ? "mpirun" : "srun"; }

void SlurmTest::SetUp() {
  if (!std::filesystem::exists(kCluster + "/environment")) {
    const std::string reason = read_bytes(kCluster + "/unavailable");
    GTEST_SKIP() << "no SLURM: " << (reason.empty() ? "tests/slurm/up.sh has not run" : reason);
  }
  take_environment(kCluster + "/environment");
}

void SlurmTest::pack() {
  batch.pack(dir);
  const std::string lines = batch.json_lines();
  tasks = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
}

void SlurmTest::pack_ledger(int count, double seconds) {
  batch = ledger_batch(count, dir.file("ledger"), seconds);
  pack();
}

std::string SlurmTest::run_line(Launcher launcher, const std::string& options) const {
  std::string line = (launcher == Launcher::mpirun ? "mpirun parrun " : "srun --mpi=pmix parrun ") + options;
  for (const std::string& word : batch.run_args("jobs.bin")) line += " " + word;
  return line;
}

SlurmJob SlurmTest::submit(const std::string& script, const std::vector<std::string>& options) const {
  const std::string path = dir.write("job.sh", "#!/bin/bash\n" + script + "\n");
  std::vector<std::string> command = with_defaults(
      {"sbatch", "--parsable", "--no-requeue", "--open-mode=append", "--output=job.out", "--error=job.err"},
      options);
  command.push_back(path);
  return SlurmJob(command, {.env = {}, .cwd = dir.path().string()});
}

SlurmJob SlurmTest::allocate(const std::string& command, const std::vector<std::string>& options) const {
  std::vector<std::string> argv = with_defaults({"salloc"}, options);
  argv.insert(argv.end(), {"sh", "-c", command});
  return SlurmJob(argv, {.env = {}, .cwd = dir.path().string()});
}

std::string SlurmTest::out() const { return read_bytes(dir.file("job.out")); }
std::string SlurmTest::err() const { return read_bytes(dir.file("job.err")); }

bool SlurmTest::wait_for_ends(std::size_t ends, std::chrono::nanoseconds bound) const {
  const bool came = wait_until([&] { return ledger().ends.size() >= ends; }, bound, 50ms);
  EXPECT_TRUE(came) << ledger().ends.size() << " ends; " << err();
  return came;
}

void SlurmTest::expect_all_nodes_named(const SlurmJob& job, std::size_t nodes) const {
  const Database record(dir.file("jobs.record"), Database::Access::read_only);
  Statement rows = record.prepare("SELECT DISTINCT host FROM tasks ORDER BY host");
  std::vector<std::string> hosts;
  while (rows.step()) hosts.emplace_back(rows.bytes(0));
  EXPECT_EQ(hosts.size(), nodes);
  std::istringstream names(slurm({"scontrol", "show", "hostnames", job.field("NodeList")}));
  const std::vector<std::string> named(std::istream_iterator<std::string>(names), {});
  EXPECT_THAT(hosts, ::testing::UnorderedElementsAreArray(named));
}

double SlurmTest::run_ended_after_s(const SlurmJob& job) const {
  return RecordReader(dir.file("jobs.record")).last_run().ended_s.value() - job.started_s();
}

double SlurmTest::last_end_after_s(const SlurmJob& job) const {
  const Database record(dir.file("jobs.record"), Database::Access::read_only);
  Statement last = record.prepare("SELECT max(started + elapsed_s) FROM tasks");
  last.step();
  return last.real(0) - job.started_s();
}

void SlurmTest::expect_nothing_finished_lost() const {
  constexpr std::size_t kWorkers = 2;
  const Ledger all = ledger();
  const std::map<int, std::string> recorded = states();
  for (const auto& [task, state] : recorded) {
    if (state == "cancelled") continue;
    EXPECT_EQ(state, "succeeded") << "task " << task;
    EXPECT_TRUE(all.ends.contains(task)) << task;
  }
  EXPECT_GE(recorded.size() + kWorkers, all.ends.size()) << err();
}

void SlurmTest::expect_ended_in_good_order() const {
  const Ledger all = ledger();
  EXPECT_EQ(all.starts, all.ends) << "a task was cut: " << err();
  const std::map<int, std::string> recorded = states();
  for (const auto& [task, ends] : all.ends) EXPECT_EQ(recorded.at(task), "succeeded") << task;
}

void SlurmTest::expect_done_after(const std::map<int, std::string>& before, const Ledger& then) const {
  const std::map<int, std::string> after = states();
  const Ledger now = ledger();
  EXPECT_EQ(after.size(), tasks);
  for (const auto& [task, state] : after) EXPECT_EQ(state, "succeeded") << "task " << task;
  for (const auto& [task, state] : before) {
    if (state != "succeeded") continue;
    EXPECT_EQ(now.starts.at(task), then.starts.at(task)) << "task " << task << " was run again";
  }
}

void SlurmTest::expect_the_rest_by_resuming(Launcher launcher) const {
  const std::map<int, std::string> before = states();
  const Ledger then = ledger();
  EXPECT_LT(before.size(), tasks) << "there is a rest";
  submit("exec " + run_line(launcher, "--resume --deadline none"), {"--ntasks=6"})
      .expect_end("COMPLETED", "0:0", 4min);
  expect_done_after(before, then);
}

void SlurmTest::expect_each_task_once() const {
  const Ledger all = ledger();
  EXPECT_EQ(all.ends.size(), tasks);
  for (const auto& [task, starts] : all.starts) EXPECT_EQ(starts, 1) << "task " << task;
}

}  // namespace parrun::test
