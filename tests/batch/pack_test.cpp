#include "batch/pack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "support/batches.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::command;
using test::input_error;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// Arguments stand for themselves; the one function there is is `f`.
Bytes as_text(std::string_view function, std::string_view json) {
  if (function != "f") throw InputError("unknown function");
  return Bytes(json);
}

template <typename Pack>
std::vector<TaskSpec> packed(const std::string& text, Pack pack) {
  const test::TempDir dir;
  std::istringstream in(text);
  BatchFileWriter out(dir.file("jobs.bin"));
  pack(in, out);
  out.finish();
  return test::tasks_of(BatchFile(dir.file("jobs.bin")));
}

std::vector<TaskSpec> from_lines(const std::string& text) {
  return packed(text, [](auto& in, auto& out) { pack_commands(in, "FILE", out); });
}

std::vector<TaskSpec> from_jsonl(const std::string& text) {
  return packed(text, [](auto& in, auto& out) { pack_jsonl(in, "FILE", as_text, out); });
}

// Five tasks, of which each says which it is.
std::vector<TaskSpec> selected(const std::string& indices) {
  const test::TempDir dir;
  const std::string path = dir.file("jobs.bin");
  test::write_batch(path, {command("0"), command("1"), command("2"), command("3"), command("4")});
  const BatchFile from(path);
  return packed(indices, [&](auto& in, auto& out) { pack_selection(in, "LIST", from, "jobs.bin", out); });
}

std::string selection_refusal(const std::string& indices) {
  return input_error([&] { selected(indices); });
}

TaskSpec one(const std::string& json) { return task_from_json(json, as_text); }

std::string refusal(const std::string& json) {
  return input_error([&] { from_jsonl(json); });
}

TEST(PackCommands, ALineIsACommandAsItStands) {
  EXPECT_EQ(from_lines("echo a\n  b | c  \n# note\nlast"),
            (std::vector{command("echo a"), command("  b | c  "), command("# note"), command("last")}));
}

TEST(PackCommands, BlankLinesAndCarriageReturnsAreDropped) {
  EXPECT_EQ(from_lines("\n a\r\n \t\n\r\nb\n\n"), (std::vector{command(" a"), command("b")}));
}

TEST(PackCommands, NoLinesAreNoTasks) {
  EXPECT_THAT(from_lines(""), IsEmpty());
  EXPECT_THAT(from_jsonl("\n"), IsEmpty());
}

TEST(PackCommands, BytesBeyondAsciiStayAsTheyAre) {
  EXPECT_EQ(from_lines("echo \xff\xfe\n"), std::vector{command("echo \xff\xfe")});
}

TEST(PackCommands, AByteOrderMarkIsNoneOfTheFirst) {
  EXPECT_EQ(from_lines("\xef\xbb\xbf"
                       "a\nb\n"),
            (std::vector{command("a"), command("b")}));
}

TEST(PackCommands, OneThatNoSystemTakesIsRefusedWithItsLine) {
  const auto most = static_cast<std::size_t>(32 * sysconf(_SC_PAGESIZE));
  EXPECT_THAT(from_lines(std::string(most - 1, 'x')), SizeIs(1));
  EXPECT_THAT(input_error([&] { from_lines("true\n" + std::string(most, 'x')); }),
              AllOf(StartsWith("FILE:2: the command is "), HasSubstr("write it into a file")));
}

TEST(PackCommands, ABinaryFileIsRefusedWithItsLine) {
  EXPECT_THAT(input_error([] { from_lines(std::string("ok\na\0b\n", 7)); }),
              StartsWith("FILE:2: a NUL byte"));
}

TEST(PackJsonl, TheThreeKindsOfWork) {
  EXPECT_EQ(one(R"({"command": "a b"})").work, decltype(TaskSpec::work)(ShellCommand{"a b"}));
  EXPECT_EQ(one(R"({"argv": ["a", ""]})").work, decltype(TaskSpec::work)(ArgvCommand{{"a", ""}}));
  EXPECT_EQ(one(R"({"call": "f", "args": [1, "x"]})").work,
            decltype(TaskSpec::work)(Call{"f", R"([1,"x"])"}));
  EXPECT_EQ(one(R"({"call": "f"})").work, decltype(TaskSpec::work)(Call{"f", "[]"}));
}

TEST(PackJsonl, AllSettings) {
  const TaskSpec spec = one(R"({"command": "x", "label": "l", "timeout": 0.25, "retries": 3,
                                "env": {"A": "b", "C": ""}, "cwd": "/tmp", "stdin": "a\u0000b"})");
  EXPECT_EQ(spec.label, "l");
  EXPECT_EQ(spec.timeout, 250ms);
  EXPECT_EQ(spec.retries, 3);
  EXPECT_EQ(spec.env, (decltype(spec.env){{"A", "b"}, {"C", ""}}));
  EXPECT_EQ(spec.cwd, "/tmp");
  EXPECT_EQ(spec.stdin_text, std::string("a\0b", 3));
}

TEST(PackJsonl, ATimeoutIsSecondsOrADuration) {
  EXPECT_EQ(one(R"({"command": "x", "timeout": 3})").timeout, 3s);
  EXPECT_EQ(one(R"({"command": "x", "timeout": 1e-3})").timeout, 1ms);
  EXPECT_EQ(one(R"({"command": "x", "timeout": "1h30m"})").timeout, 90min);
}

TEST(PackJsonl, ACostIsANumberFromZeroOn) {
  EXPECT_EQ(one(R"({"command": "x"})").cost, std::nullopt);
  EXPECT_EQ(one(R"({"command": "x", "cost": 0})").cost, 0.0);
  EXPECT_EQ(one(R"({"command": "x", "cost": 2.5})").cost, 2.5);
  EXPECT_THAT(refusal(R"({"command": "x", "cost": -1})"), HasSubstr("\"cost\" must be a number, 0 or above"));
  EXPECT_THAT(refusal(R"({"command": "x", "cost": "1"})"), HasSubstr("a number, 0 or above"));
}

// What an earlier run says of a task counts where the task itself says nothing.
TEST(Pack, TasksGetTheCostsThatAreKnownOfThem) {
  const CostOf known = [](const std::string& label, TaskId task) -> std::optional<double> {
    if (task == TaskId(1)) return std::nullopt;
    return label == "slow" ? 100.0 : static_cast<double>(task.get());
  };
  const auto costs = [](const std::vector<TaskSpec>& specs) {
    std::vector<std::optional<double>> found;
    for (const TaskSpec& spec : specs) found.push_back(spec.cost);
    return found;
  };
  EXPECT_THAT(
      costs(packed("a\n\nb\nc\n", [&](auto& in, auto& out) { pack_commands(in, "FILE", out, known); })),
      ElementsAre(0.0, std::nullopt, 2.0));
  EXPECT_THAT(costs(packed(R"({"command": "x", "label": "slow"}
                              {"command": "x"}
                              {"command": "x", "cost": 7}
                              {"command": "x"})",
                           [&](auto& in, auto& out) { pack_jsonl(in, "FILE", as_text, out, known); })),
              ElementsAre(100.0, std::nullopt, 7.0, 3.0));
  const test::TempDir dir;
  test::write_batch(dir.file("jobs.bin"), {command("0"), command("1"), command("2"), command("3")});
  const BatchFile from(dir.file("jobs.bin"));
  EXPECT_THAT(
      costs(packed("3\n1\n",
                   [&](auto& in, auto& out) { pack_selection(in, "LIST", from, "jobs.bin", out, known); })),
      ElementsAre(3.0, std::nullopt))
      << "of its number there";
  EXPECT_THAT(costs(packed("", [&](auto&, auto& out) { pack_all(from, out, known); })),
              ElementsAre(0.0, std::nullopt, 2.0, 3.0));
}

TEST(PackJsonl, WhatIsWrongIsToldWithItsLine) {
  EXPECT_THAT(refusal("{\"command\": \"x\"}\n\n{\"comand\": \"x\"}\n"),
              StartsWith("FILE:3: unknown key \"comand\"; known are command, argv"));
}

TEST(PackJsonl, WhatIsNoJsonObjectIsRefused) {
  EXPECT_THAT(refusal("{"), HasSubstr("no JSON (wrong at character 2)"));
  EXPECT_THAT(refusal("echo hi"), HasSubstr("no JSON (wrong at character 1)"));
  EXPECT_THAT(refusal(R"({"command": "x"} trailing)"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal("{\"command\": \"\xff\"}"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("null"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(R"({"call": "f", "args": [1e999]})"), HasSubstr("out of range"));
  EXPECT_THAT(refusal(std::string(1'000'000, '[')), HasSubstr("nested"));
  EXPECT_THAT(refusal(R"({"command": "x", "command": "y"})"), HasSubstr("a key stands there twice"));
}

TEST(PackJsonl, NoWorkOrTwoKindsOfItAreRefused) {
  EXPECT_THAT(refusal("{}"), HasSubstr("no work in it"));
  EXPECT_THAT(refusal(R"({"label": "x"})"), HasSubstr("no work in it"));
  EXPECT_THAT(refusal(R"({"command": "x", "argv": ["x"]})"), HasSubstr("more than one kind of work"));
  EXPECT_THAT(refusal(R"({"command": "x", "args": []})"), HasSubstr("\"args\" belongs to \"call\""));
  EXPECT_THAT(refusal(R"({"call": "f", "stdin": "x"})"), HasSubstr("\"stdin\" is for commands"));
}

TEST(PackJsonl, WrongValuesAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"command": 1})", "\"command\" must be a string"},
      {R"({"command": ""})", "\"command\" is empty"},
      {R"({"command": "a\u0000"})", "\"command\" holds a NUL"},
      {R"({"argv": "x"})", "\"argv\" must be an array"},
      {R"({"argv": []})", "\"argv\" must be an array"},
      {R"({"argv": ["x", 1]})", "\"argv[1]\" must be a string"},
      {R"({"argv": ["x", "a\u0000"]})", "\"argv[1]\" holds a NUL"},
      {R"({"argv": [""]})", "names no program"},
      {R"({"call": "g"})", "unknown function"},
      {R"({"call": ""})", "\"call\" is empty"},
      {R"({"call": "f", "args": {}})", "\"args\" must be an array"},
      {R"({"command": "x", "label": 1})", "\"label\" must be a string"},
      {R"({"command": "x", "timeout": 0})", "\"timeout\": '0' is no duration (it is zero)"},
      {R"({"command": "x", "timeout": -1})", "\"timeout\": '-1' is no duration (it is negative)"},
      {R"({"command": "x", "timeout": 1e-12})", "\"timeout\": '0.000000000001' is no duration (it is zero)"},
      {R"({"command": "x", "timeout": 1e300})", "longer than 100 years"},
      {R"({"command": "x", "timeout": "soon"})", "\"timeout\": 'soon' is no duration"},
      {R"({"command": "x", "cpu_limit": "soon"})", "\"cpu_limit\": 'soon' is no duration"},
      {R"({"command": "x", "memory_limit": "5X"})", "\"memory_limit\": '5X' is no size"},
      {R"({"command": "x", "output_limit": ""})", "\"output_limit\": '' is no size"},
      {R"({"command": "x", "timeout": true})", "\"timeout\" must be a number"},
      {R"({"command": "x", "retries": -1})", "\"retries\" must be"},
      {R"({"command": "x", "retries": 1.5})", "\"retries\" must be"},
      {R"({"command": "x", "retries": 3000000000})", "\"retries\" must be"},
      {R"({"command": "x", "env": ["A=b"]})", "\"env\" must be an object"},
      {R"({"command": "x", "env": {"A": 1}})", "\"env.A\" must be a string"},
      {R"({"command": "x", "env": {"A=": ""}})", "cannot be a variable"},
      {R"({"command": "x", "env": {"": ""}})", "cannot be a variable"},
      {R"({"command": "x", "cwd": ""})", "\"cwd\" is empty"},
      {R"({"command": "x", "stdin": null})", "\"stdin\" must be a string"},
  };
  for (const auto& [json, wanted] : cases) {
    EXPECT_THAT(refusal(json), HasSubstr(wanted)) << json;
    EXPECT_THAT(refusal(json), StartsWith("FILE:1: ")) << json;
  }
}

TEST(PackJsonl, WhatIsShownPacksToTheSameAgain) {
  test::RandomTasks random(7);
  for (int i = 0; i < 3000; ++i) {
    TaskSpec spec = random.next(true);
    if (auto* call = std::get_if<Call>(&spec.work)) *call = Call{"f", R"([1,"x",null])"};
    const std::string shown = task_to_json(spec, [](const Call& call) { return call.arguments; });
    ASSERT_EQ(one(shown), spec) << shown;
  }
}

TEST(PackJsonl, UnknownArgumentsAreShownByTheirSizeAndDoNotPackAgain) {
  const std::string shown = task_to_json(test::call("f", "1234"), [](const Call&) { return std::nullopt; });
  EXPECT_EQ(shown, R"json({"call":"f","args":"(4 bytes; --load its module to see them)"})json");
  EXPECT_THAT(refusal(shown), HasSubstr("\"args\" must be an array"));
}

TEST(PackSelection, TakesTheTasksOfTheListInItsOrder) {
  EXPECT_EQ(selected("4\n0\n2\n"), (std::vector{command("4"), command("0"), command("2")}));
}

TEST(PackSelection, BlankLinesAndBlanksAroundAnIndexAreIgnored) {
  EXPECT_EQ(selected("\n \t\n  3\t \r\n\r\n1"), (std::vector{command("3"), command("1")}));
}

TEST(PackSelection, NoIndicesAreNoTasks) {
  EXPECT_THAT(selected(""), IsEmpty());
  EXPECT_THAT(selected("\n\n"), IsEmpty());
}

TEST(PackSelection, AllTasksAreTheSameBatch) {
  const test::TempDir dir;
  std::vector<TaskSpec> specs;
  std::string indices;
  test::RandomTasks random(11);
  for (int i = 0; i < 300; ++i) {
    specs.push_back(random.next());
    indices += fmt::format("{}\n", i);
  }
  test::write_batch(dir.file("jobs.bin"), specs);
  const BatchFile from(dir.file("jobs.bin"));
  std::istringstream in(indices);
  BatchFileWriter out(dir.file("again.bin"));
  pack_selection(in, "LIST", from, "jobs.bin", out);
  out.finish();
  EXPECT_EQ(test::read_bytes(dir.file("again.bin")), test::read_bytes(dir.file("jobs.bin")));
}

TEST(PackSelection, WhatIsNoIndexIsRefusedWithItsLine) {
  EXPECT_THAT(selection_refusal("1\n\nx\n"), StartsWith("LIST:3: 'x' is no task index; "));
  for (const char* text : {"-1", "+1", "1.0", "0x1", "1 2", "1,2", "task 1"})
    EXPECT_THAT(selection_refusal(text), StartsWith(fmt::format("LIST:1: '{}' is no task index", text)));
}

TEST(PackSelection, ATaskThatTheBatchDoesNotHaveIsRefusedWithItsLine) {
  EXPECT_EQ(selection_refusal("4\n5\n"), "LIST:2: task 5 is not in jobs.bin, which has tasks 0 to 4");
  EXPECT_EQ(selection_refusal("18446744073709551616"),
            "LIST:1: task 18446744073709551616 is not in jobs.bin, which has tasks 0 to 4");
}

TEST(PackSelection, AnEmptyBatchHasNoTaskToName) {
  const test::TempDir dir;
  test::write_batch(dir.file("jobs.bin"), {});
  const BatchFile from(dir.file("jobs.bin"));
  const auto pack = [&](auto& in, auto& out) { pack_selection(in, "LIST", from, "jobs.bin", out); };
  EXPECT_EQ(input_error([&] { packed("0", pack); }), "LIST:1: task 0 is not in jobs.bin, which has no tasks");
}

TEST(PackSelection, ATaskNamedTwiceIsRefusedWithItsSecondLine) {
  EXPECT_THAT(selection_refusal("3\n1\n03\n"), StartsWith("LIST:3: task 3 stands there a second time; "));
}

}  // namespace
}  // namespace parrun
