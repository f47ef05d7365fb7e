#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/descriptor.hpp"
#include "support/batches.hpp"
#include "support/run_program.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::expect_refused;
using test::Ran;
using test::run;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramTest : public ::testing::Test {
 protected:
  TempDir dir_;
  const std::string commands_ = dir_.write("commands.txt", "echo 1\necho 2\necho 3\n");
  const std::string jobs_ = dir_.file("jobs.bin");
};

TEST_F(ProgramTest, HelpAndVersionSucceed) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"pack", "--help"}, {"show", "--help"}}) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 0) << arguments.front();
    EXPECT_NE(ran.out, "") << arguments.front();
    EXPECT_EQ(ran.err, "") << arguments.front();
  }
}

TEST_F(ProgramTest, HelpAndVersionThatAreLostAreNoSuccess) {
  test::expect_full_stdout_refused({"--help"});
  test::expect_full_stdout_refused({"--version"});
  test::expect_full_stdout_refused({"pack", "--help"});
}

TEST_F(ProgramTest, PackedTasksAreShown) {
  const Ran packed = run({"pack", commands_, "-o", jobs_});
  EXPECT_EQ(packed.code, 0);
  EXPECT_THAT(packed.err, HasSubstr("packed 3 tasks"));
  const Ran shown = run({"show", jobs_, "--head", "1"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("echo 1\n"));
  EXPECT_THAT(shown.out, HasSubstr("and 2 more"));
}

TEST_F(ProgramTest, EachHelpTellsItsOwnExitCodes) {
  EXPECT_THAT(test::output_of({"--help"}), HasSubstr("124 a limit ended the run"));
  for (const char* command : {"pack", "show", "results", "status", "doctor"}) {
    const std::string help = test::output_of({command, "--help"});
    EXPECT_THAT(help, HasSubstr("\nExit codes: 0 ")) << command;
    EXPECT_THAT(help, Not(HasSubstr("a limit ended the run"))) << command;
    EXPECT_THAT(help, Not(HasSubstr("rank 0 dispatches"))) << command;
  }
}

TEST_F(ProgramTest, ShownJsonLinesPackToTheSameFile) {
  run({"pack", commands_, "-o", jobs_});
  const std::string lines = dir_.write("lines.jsonl", run({"show", jobs_, "--format", "jsonl"}).out);
  EXPECT_EQ(run({"pack", "--jsonl", lines, "-o", dir_.file("again.bin")}).code, 0);
  EXPECT_EQ(test::read_bytes(jobs_), test::read_bytes(dir_.file("again.bin")));
}

TEST_F(ProgramTest, WrongArgumentsAreRefusedInOneLine) {
  expect_refused({"--nonsense"}, "--nonsense");
  expect_refused({"pack"}, "see parrun pack --help");
  expect_refused({"pack", commands_}, "--output is required");
  expect_refused({"pack", commands_, "more", "-o", jobs_}, "more");
  expect_refused({"pack", commands_, "-o", jobs_, "--nonsense"}, "--nonsense");
  expect_refused({"show"}, "FILE is required");
  expect_refused({"show", jobs_, "--head", "-1"}, "-1 is below 0");
  expect_refused({"show", jobs_, "--head", "x"}, "--head");
  expect_refused({"show", jobs_, "--format", "csv"}, "csv");
}

TEST_F(ProgramTest, AMisspeltWordIsNamedAndWhatWasMeant) {
  expect_refused({"--timout", "3", jobs_},
                 "--timout: there is no such option (did you mean --timeout?); see parrun --help");
  expect_refused({"--timout=3", jobs_}, "--timout: there is no such option (did you mean --timeout?)");
  expect_refused({jobs_, "--nonsense"}, "--nonsense: there is no such option; see parrun --help");
  expect_refused({"pack", commands_, "--outptu", jobs_},
                 "--outptu: there is no such option (did you mean --output?); see parrun pack");
  expect_refused({"results", "x.record", "--timeout", "3"},
                 "--timeout: there is no such option; see parrun results");
  expect_refused({jobs_, "--jsonl"}, "--jsonl: it is an option of 'parrun pack', not of 'parrun'");
  expect_refused({"packk", commands_, "-o", jobs_}, "packk: there is no such command (did you mean pack?)");
  expect_refused({commands_, "-o", jobs_}, "-o: it is an option of 'parrun pack', not of 'parrun'");
  expect_refused({"stauts", "x.record"},
                 "stauts: there is no such command (did you mean status?); see parrun --help");
  expect_refused({"run", "more.bin"}, "more.bin: a run takes one batch, and 'run' is it");
  expect_refused({"run", "--", "-more"}, "-more: a run takes one batch, and 'run' is it");
  expect_refused({std::string(5000, 'x'), "--nonsense"}, "--nonsense: there is no such option");
  expect_refused({"show", jobs_, "more.bin"}, "not expected: more.bin");
}

TEST_F(ProgramTest, AnUnsetVariableInQuotesIsRefusedWhereverItStands) {
  const auto expect_refused_at = [](const std::string& name, const std::vector<std::string>& arguments) {
    expect_refused(arguments, "parrun: " + name + ": it is an empty word");
  };
  for (const char* option : {"--timeout", "--deadline", "--stall", "--margin", "--lost-after", "--grace",
                             "--retry-delay", "--memory-limit", "--cpu-limit", "--output-limit", "--workdir",
                             "--record", "--joblog", "--shard", "--load"}) {
    expect_refused_at(option, {option, ""});
  }
  expect_refused_at("--timeout", {"--timeout=", "jobs.bin"});  // and not jobs.bin, as its value
  expect_refused_at("--output", {"pack", commands_, "--output="});
  expect_refused_at("--overwrite", {"--overwrite=", "jobs.bin"});
  expect_refused({"--nonsense=", "jobs.bin"}, "--nonsense: there is no such option");
  expect_refused_at("batch", {"--quiet", ""});
  expect_refused_at("--deadline", {"doctor", "--deadline", "", "--record", "x", "x"});
  expect_refused_at("--record", {"doctor", "--record", "", "--deadline", "1"});
  expect_refused_at("FILE", {"pack", "", "-o", jobs_});
  expect_refused_at("--output", {"pack", commands_, "-o", ""});
  expect_refused_at("--costs-from", {"pack", commands_, "-o", jobs_, "--costs-from", ""});
  expect_refused_at("--head", {"show", jobs_, "--head", ""});
}

TEST_F(ProgramTest, WrongFilesAreRefusedInOneLine) {
  expect_refused({"show", jobs_}, "No such file");
  expect_refused({"show", commands_}, "is no batch file");
  expect_refused({"show", dir_.write("empty.bin", "")}, "is empty");
  expect_refused({"pack", dir_.file("missing"), "-o", jobs_}, "No such file");
  expect_refused({"pack", dir_.path().string(), "-o", jobs_}, "is a directory");
  expect_refused({"pack", commands_, "-o", commands_}, "would replace the input");
  const std::string record = dir_.write("jobs.record", std::string("SQLite format 3\0", 16) + "and more");
  expect_refused({"pack", commands_, "-o", record}, "would replace a run record");
  expect_refused({"pack", commands_, "-o", dir_.file("no/jobs.bin")}, "No such file");
  expect_refused({"pack", "--jsonl", commands_, "-o", jobs_}, "commands.txt:1: no JSON");
  expect_refused({"pack", "--load", dir_.file("missing.so"), commands_, "-o", jobs_}, "cannot load module");
}

TEST_F(ProgramTest, ABatchGoesIntoAFifoWithoutALookIntoIt) {
  const std::string fifo = dir_.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), S_IRUSR | S_IWUSR), 0);
  const Descriptor reader(open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(run({"pack", commands_, "-o", fifo}).code, 0);
  std::array<char, 8> begin{};
  EXPECT_EQ(read(reader.get(), begin.data(), begin.size()), static_cast<ssize_t>(begin.size()));
}

TEST_F(ProgramTest, ARefusedPackLeavesNoFile) {
  run({"pack", "--jsonl", commands_, "-o", jobs_});
  EXPECT_FALSE(std::filesystem::exists(jobs_));
}

}  // namespace
}  // namespace parrun
