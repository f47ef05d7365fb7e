// The scratch folder of each attempt (--workdir): its own, empty, and gone behind it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The folders that attempts have left, by name.
std::set<std::string> left_in(const std::string& workdir) {
  std::set<std::string> names;
  if (!fs::exists(workdir)) return names;
  for (const auto& entry : fs::directory_iterator(workdir)) names.insert(entry.path().string());
  return names;
}

TEST(Workdir, GivesEachAttemptAnEmptyFolderThatIsGoneBehindIt) {
  const TempDir dir;
  const std::string workdir = dir.file("not/there/yet");
  const std::string look = "pwd; echo $PARRUN_WORKDIR; ls -A | wc -l; touch used; mkdir more";
  Batch batch = harm_batch();
  for (int i = 0; i < 5; ++i) batch.command(look).call("folders");
  batch.command(look + "; [ $PARRUN_ATTEMPT = 2 ]").with("retries", 1);
  const Outcomes run = run_jsonl(batch, 3, {"--workdir", workdir});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
  std::set<std::string> seen;
  for (const auto& [task, outcome] : run.by_task) {
    std::string folder;
    if (outcome["value"].is_null()) {
      const std::string text = outcome["stdout"];
      folder = text.substr(0, text.find('\n'));
      EXPECT_EQ(text, folder + "\n" + folder + "\n0\n");
    } else {
      folder = outcome["value"][0];
      EXPECT_EQ(outcome["value"][1], folder);
    }
    EXPECT_THAT(folder, StartsWith(workdir + "/"));
    EXPECT_TRUE(seen.insert(folder).second) << folder << " was another's";
  }
  EXPECT_EQ(left_in(workdir), std::set<std::string>());
}

// A folder with all that makes removing difficult (for who is not root): no rights, a link out of it.
std::string filled(const std::string& precious) {
  return "mkdir -p a/b/c && touch a/b/c/file a/b/file && ln -s " + precious +
         " a/link && chmod 500 a/b/c && chmod 0 a/b && chmod 500 a; ";
}

TEST(Workdir, IsRemovedBehindKilledAndCrashedAttemptsWhateverIsInIt) {
  const TempDir dir;
  const std::string workdir = dir.file("work");
  const std::string precious = dir.file("precious");
  fs::create_directory(precious);
  dir.write("precious/file", "content");
  Batch batch = harm_batch();
  batch.command(filled(precious) + "true").command(filled(precious) + "exit 1");
  batch.command(filled(precious) + "sleep 1000").command(filled(precious) + "kill -9 $PPID; sleep 1000");
  batch.call("segfaults").call("spins").call("exits_at_once", {1});
  const Outcomes run = run_jsonl(
      batch, 3, {"--workdir", workdir, "--timeout", "0.5", "--on-timeout", "kill", "--retries", "1"});
  EXPECT_EQ(count_state(run, "succeeded"), 1) << run.result.out;
  EXPECT_EQ(count_state(run, "timed_out"), 2);
  EXPECT_EQ(left_in(workdir), std::set<std::string>());
  EXPECT_TRUE(fs::exists(precious + "/file")) << "a link was followed";
}

TEST(Workdir, OfFailedAttemptsStaysWhereItIsToBeKeptAndAWarningNamesIt) {
  const TempDir dir;
  const std::string workdir = dir.file("work");
  Batch batch = harm_batch();
  batch.command("touch mine").command("touch mine; exit 1").command("touch mine; sleep 1000");
  batch.command("touch mine; kill -9 $PPID; sleep 1000").call("segfaults").call("throws_int").call("nothing");
  batch.command("touch mine; [ $PARRUN_ATTEMPT = 2 ]").with("retries", 1);
  const Outcomes run =
      run_jsonl(batch, 3, {"--workdir", workdir, "--keep-failed", "--timeout", "1", "--on-timeout", "kill"});
  const std::set<std::string> kept = left_in(workdir);
  for (const auto& [task, outcome] : run.by_task) {
    if (outcome["state"] == "succeeded") {
      EXPECT_EQ(warning_of(run, task), "");
      continue;
    }
    const auto named = std::find_if(kept.begin(), kept.end(), [&](const std::string& folder) {
      return warning_of(run, task).find(folder) != std::string::npos;
    });
    ASSERT_NE(named, kept.end()) << outcome;
    const bool made_a_file = task < 4;
    EXPECT_EQ(fs::exists(*named + "/mine"), made_a_file) << outcome;
  }
  EXPECT_EQ(count_state(run, "succeeded"), 3);
  EXPECT_EQ(kept.size(), 5U + 1) << "of five tasks, and of the first attempt of one that succeeded then";
}

TEST(Workdir, ComesBehindATasksOwnFolder) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.command("pwd; test -d $PARRUN_WORKDIR && echo there").with("cwd", "/usr");
  batch.call("folders").with("cwd", "/usr");
  const Outcomes run = run_jsonl(batch, 3, {"--workdir", dir.file("work")});
  EXPECT_EQ(stdout_of(run, 0), "/usr\nthere\n");
  EXPECT_EQ(run.by_task.at(1)["value"][0], "/usr");
  EXPECT_THAT(run.by_task.at(1)["value"][1].get<std::string>(), StartsWith(dir.file("work/")));
}

class WorkdirAfter : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(KillingOf, WorkdirAfter, ::testing::Values(-1, 0, 1), [](const auto& rank) {
  return rank.param < 0 ? "mpirun" : "rank" + std::to_string(rank.param);
});

TEST_P(WorkdirAfter, IsRemovedToo) {
  const TempDir dir;
  const std::string workdir = dir.file("work");
  const std::string started = dir.file("started");
  Batch batch = harm_batch();
  batch.command(filled("/usr") + "echo $$ >> " + started + "; sleep 1000");
  batch.call("leaves_family", {started, true});
  Job job = start_parrun(3, batch.run_args(batch.pack(dir), {"--workdir", workdir}));
  ASSERT_TRUE(wait_until([&] { return pids_in(started).size() == 6; }, 15s));
  EXPECT_EQ(left_in(workdir).size(), 2U);
  kill(GetParam() < 0 ? job.pid() : job.pid_of_rank(GetParam()), SIGKILL);
  job.wait(20s);
  job.expect_nothing_left(5s);
  EXPECT_TRUE(wait_until([&] { return left_in(workdir).empty(); }, 3s))
      << ::testing::PrintToString(left_in(workdir));
}

}  // namespace
}  // namespace parrun::test
