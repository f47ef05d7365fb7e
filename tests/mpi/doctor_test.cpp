// The doctor under real launchers: what it says where all is well, and where something is not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <list>
#include <regex>

#include "support/batches.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kWorks = "\nA timeout works here.\n";

class Doctor : public ::testing::Test {
 protected:
  JobResult doctor(int ranks, std::vector<std::string> args = {}, RunOptions options = {}) {
    if (options.cwd.empty()) options.cwd = dir.path().string();
    args.insert(args.begin(), "doctor");
    return run_parrun(ranks, args, options);
  }
  /// On 2 ranks, where the ranks find another mpirun than the one that started them.
  JobResult doctor_with_mpirun(const std::string& body, const std::vector<std::string>& args = {},
                               const JobOptions& options = {}) {
    ::chmod(dir.write("mpirun", "#!/bin/sh\n" + body + "\n").c_str(), 0755);
    std::vector<std::string> line = {
        "mpirun",      "-n",     "2",       "env", "PATH=" + dir.path().string() + ":/usr/bin:/bin",
        PARRUN_BINARY, "doctor", "/dev/shm"};
    line.insert(line.end(), args.begin(), args.end());
    Job job(line, with_mpi_environment(options));
    JobResult result = job.wait(60s);
    job.expect_nothing_left();
    return result;
  }

  const TempDir dir;
};

// All is well.

class DoctorOn : public Doctor, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, DoctorOn, ::testing::Values(0, 1, 2, 3, 4));

TEST_P(DoctorOn, FindsThatATimeoutWorks) {
  const int ranks = std::max(GetParam(), 1);
  const int workers = std::max(ranks - 1, 1);
  const JobResult result = doctor(GetParam());
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, EndsWith(kWorks));
  const std::string all = ranks == 1 ? "rank 0:" : "ranks 0-" + std::to_string(ranks - 1) + ":";
  const std::string ended = std::to_string(workers) + " of " + std::to_string(workers) + " worker";
  EXPECT_THAT(result.out, AllOf(HasSubstr(all), HasSubstr("were ended on " + ended),
                                HasSubstr("nothing of them is left\n"), HasSubstr("thread level")));
  EXPECT_TRUE(fs::is_empty(dir.path())) << "nothing stays where the record would be";
}

TEST_P(DoctorOn, MeasuresAnAbort) {
  const JobResult result = doctor(GetParam());
  const std::string what = GetParam() == 0 ? "a run alone" : R"(a job over the same hosts \(mpirun\))";
  std::smatch found;
  ASSERT_TRUE(std::regex_search(result.out, found,
                                std::regex(what + R"( ended with code 124 ([0-9.]+) s behind its limit)")))
      << result.out;
  EXPECT_LT(std::stod(found[1]), 5);
}

TEST_F(Doctor, LooksAtThePlaceThatIsNamed) {
  EXPECT_THAT(doctor(0, {"/dev/shm"}).out,
              HasSubstr("record    /dev/shm on tmpfs (of this host alone); locks work;"));
  EXPECT_THAT(doctor(0, {"--record", "/no/such/jobs.record"}).out,
              AllOf(HasSubstr("it cannot be there"), HasSubstr("\n- the run cannot be recorded in /no/such/"),
                    EndsWith(kWorks)));
}

TEST_F(Doctor, TheUsersSettingsReachTheJobThatItStartsAndTheLaunchersDoNot) {
  const std::string file = dir.file("environment");
  JobOptions options;
  options.env = {{"OMPI_MCA_btl_base_verbose", "0"}};
  doctor_with_mpirun("env > '" + file + "'; exit 1", {}, options);
  EXPECT_THAT(read_bytes(file),
              AllOf(HasSubstr("\nOMPI_MCA_btl_base_verbose=0\n"), Not(HasSubstr("OMPI_COMM_WORLD")),
                    Not(HasSubstr("PMIX_")), Not(HasSubstr("OMPI_MCA_orte_hnp_uri"))));
}

TEST_F(Doctor, RanksOnOneCoreAreToldOf) {
  Job job({"mpirun", "-n", "3", "taskset", "-c", "0", PARRUN_BINARY, "doctor", "/dev/shm"},
          with_mpi_environment({}));
  const JobResult result = job.wait(60s);
  job.expect_nothing_left();
  EXPECT_THAT(result.out, HasSubstr("3 ranks bound to core 0"));
  EXPECT_THAT(result.out, EndsWith(kWorks));
}

TEST_F(Doctor, InAJobArrayTheJobThatItStartsIsNoPartOfIt) {
  RunOptions options;
  options.env = {{"SLURM_JOB_ID", "18"},        {"SLURM_ARRAY_JOB_ID", "17"},
                 {"SLURM_ARRAY_TASK_ID", "2"},  {"SLURM_ARRAY_TASK_COUNT", "3"},
                 {"SLURM_ARRAY_TASK_MIN", "1"}, {"SLURM_ARRAY_TASK_MAX", "3"}};
  const JobResult result = doctor(0, {"/dev/shm"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, EndsWith(kWorks));
}

TEST_F(Doctor, TheJobThatItStartsDoesNotHeedTheEndOfTheJobAroundIt) {
  ::chmod(dir.write("squeue", "#!/bin/sh\ndate +%s\n").c_str(), 0755);
  RunOptions options;
  options.env = {{"PATH", dir.path().string() + ":" + std::getenv("PATH")}, {"SLURM_JOB_ID", "17"}};
  const JobResult result = doctor(0, {"/dev/shm"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr(" s behind its limit, "), EndsWith(kWorks)));
}

// A poor file system.

TEST_F(Doctor, AFileSystemWithoutLocksIsAdviceAndNoMore) {
  RunOptions options;
  options.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
                 {"PARRUN_TEST_FAILS", "locks shm"}};
  const JobResult result = doctor(2, {}, options);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("locks do not work; cannot be read while it is written"),
                    HasSubstr("\n- locks do not work where the record would be"), EndsWith(kWorks)));
}

TEST_F(Doctor, OneWithoutSharedMemoryToo) {
  RunOptions options;
  options.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
                 {"PARRUN_TEST_FAILS", "shm"}};
  EXPECT_THAT(doctor(0, {}, options).out, AllOf(HasSubstr("locks work; cannot be read while it is written"),
                                                HasSubstr("\n- no shared memory")));
}

TEST_F(Doctor, OneThatDoesNotAnswerHoldsNothingUp) {
  RunOptions options;
  options.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
                 {"PARRUN_TEST_FAILS", "stuck"}};
  const JobResult result = doctor(2, {}, options);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("record    no answer from its file system"));
  EXPECT_LT(result.seconds, 40);
}

TEST_F(Doctor, AReportThatIsLostIsNoSuccess) {
  Job job({"sh", "-c", R"("$0" doctor /dev/shm > /dev/full)", PARRUN_BINARY}, with_mpi_environment({}));
  const JobResult result = job.wait(60s);
  job.expect_nothing_left();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "parrun: cannot write to stdout: No space left on device; make room there\n");
}

// A timeout that does not work.

TEST_F(Doctor, AJobThatDoesNotEndAtItsLimitIsFoundWithinTheDeadline) {
  const JobResult result = doctor_with_mpirun("sleep 1000", {"--deadline", "20"});
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(
      result.out,
      HasSubstr("\nA timeout does NOT work here: a job that its limit was to end (mpirun) still ran"));
  EXPECT_LT(result.seconds, 20);
}

TEST_F(Doctor, AJobThatEndsWithAnotherCodeIsFound) {
  const JobResult result = doctor_with_mpirun("echo 'no slots' >&2; exit 1");
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("(mpirun) ended with code 1, not 124: no slots\n"));
}

TEST_F(Doctor, WhereItCannotLookForWhatIsLeftItDoesNotSayThatNothingIs) {
  RunOptions options;
  options.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
                 {"PARRUN_TEST_FAILS", "mute"}};
  const JobResult result = doctor(3, {"/dev/shm"}, options);
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(result.out,
              EndsWith("\nA timeout does NOT work here: ranks 1-2 did not tell the processes of the "
                       "endless tasks: what is left of them is not known\n"));
}

// Limits of its own.

bool runs_endless_command(const Process& process) {
  return process.command.find("while :") != std::string::npos;
}

/// Waits until the workers have an endless command.
bool is_trying(const Job& job) {
  return wait_until(
      [&] {
        const std::vector<Process> processes = job.processes();
        return std::any_of(processes.begin(), processes.end(), runs_endless_command);
      },
      20s);
}

TEST_F(Doctor, ARankThatStopsIsFound) {
  Job job = start_parrun(3, {"doctor", "/dev/shm", "--deadline", "60"});
  const pid_t worker = job.pid_of_rank(2);
  ASSERT_TRUE(is_trying(job)) << job.err();
  kill(worker, SIGSTOP);
  const JobResult result = job.wait(60s);
  job.expect_nothing_left();
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("A timeout does NOT work here: rank 2 was silent for 10 s"));
  EXPECT_LT(result.seconds, 20);
}

// A process that is held until it is let go: one that is only stopped would be continued.
class Held {
 public:
  explicit Held(pid_t pid) : pid_(pid) {
    EXPECT_EQ(ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr), 0) << std::strerror(errno);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr), 0);
    EXPECT_EQ(waitpid(pid_, nullptr, __WALL), pid_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { ptrace(PTRACE_DETACH, pid_, nullptr, nullptr); }

 private:
  pid_t pid_;
};

TEST_F(Doctor, ARankThatCannotEndItsTaskIsFound) {
  Job job = start_parrun(2, {"doctor", "/dev/shm", "--deadline", "60"});
  const pid_t worker = job.pid_of_rank(1);
  ASSERT_TRUE(is_trying(job)) << job.err();
  std::list<Held> zygotes;
  for (const Process& process : job.processes()) {
    if (process.name == "parrun-zygote" && process.parent == worker) zygotes.emplace_back(process.pid);
  }
  const JobResult result = job.wait(60s);
  zygotes.clear();
  job.expect_nothing_left();
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("record    not waited for"), HasSubstr("NOT work here: rank 1 ("),
                    EndsWith("an executor cannot be ended (stopped, or waiting for a dead file system)\n")));
}

TEST_F(Doctor, ARankThatDoesNotComeIsALimitsBusiness) {
  Job job({"mpirun", "-n", "2", "sh", "-c",
           R"([ "$OMPI_COMM_WORLD_RANK" = 0 ] || exec sleep 1000; exec "$0" doctor --deadline 10)",
           PARRUN_BINARY},
          with_mpi_environment({}));
  const JobResult result = job.wait(30s);
  job.expect_nothing_left();
  EXPECT_EQ(result.exit_code, 124) << result.out << result.err;
  EXPECT_LT(result.seconds, 15);
}

TEST_F(Doctor, ASignalEndsItAndSaysNothingOfThePlace) {
  Job job = start_parrun(2, {"doctor", "/dev/shm"});
  const pid_t rank0 = job.pid_of_rank(0);
  ASSERT_TRUE(is_trying(job)) << job.err();
  kill(rank0, SIGTERM);
  const JobResult result = job.wait(20s);
  job.expect_nothing_left();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.out << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("abort     not tried"), EndsWith("was not found out: SIGTERM ends the run\n")));
}

}  // namespace
}  // namespace parrun::test
