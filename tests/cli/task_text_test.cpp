#include "cli/task_text.hpp"

#include <gtest/gtest.h>

#include "parrun/task.hpp"
#include "support/batches.hpp"

namespace task_text_test {

// A user's type that does not want to be shown.
struct Shy {
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
void to_json(nlohmann::json& /*json*/, const Shy& /*shy*/) { throw 1; }
void from_json(const nlohmann::json& /*json*/, Shy& /*shy*/) {}

int twice(int value) { return 2 * value; }
void meet(const Shy& /*shy*/) {}

PARRUN_TASK(twice);
PARRUN_TASK(meet);

}  // namespace task_text_test

namespace parrun {
namespace {

std::optional<std::string> unknown(const Call& /*call*/) { return std::nullopt; }

TEST(TaskText, IsOneLineWhateverTheTaskHolds) {
  EXPECT_EQ(shown_work(test::command("a\n\tb\x1b[0m\x7f"), unknown), "a\\n\\tb\\x1b[0m\\x7f");
}

TEST(TaskText, ArgvIsShownAsAShellWouldTakeIt) {
  TaskSpec spec;
  spec.work = ArgvCommand{{"sort", "-n", "it's", ""}};
  EXPECT_EQ(shown_work(spec, unknown), R"(sort -n 'it'\''s' '')");
}

TEST(TaskText, SettingsFollowTheWork) {
  TaskSpec spec = test::command("x");
  spec.timeout = std::chrono::seconds(3);
  spec.retries = 2;
  spec.cost = 1.5;
  spec.env = {{"A", "b c"}};
  spec.cwd = "/tmp";
  spec.stdin_text = "123";
  EXPECT_EQ(shown_work(spec, unknown),
            "x  [timeout 3.0 s, retries 2, cost 1.5, A='b c', cwd /tmp, stdin 3 bytes]");
}

TEST(TaskText, ACallIsShownWithItsArgumentsWhereTheyAreKnown) {
  const TaskSpec spec = test::call("simulate", "1234");
  EXPECT_EQ(shown_work(spec, unknown), "simulate(4 bytes; --load its module to see them)");
  EXPECT_EQ(shown_work(spec, [](const Call&) { return "[1,2.0]"; }), "simulate(1,2.0)");
}

TEST(TaskText, InALogACallIsNotRefusedThatIsNoneAnyMore) {
  EXPECT_EQ(logged_work(test::call("twice", detail::to_bytes(3))), "twice(3)");
  EXPECT_EQ(logged_work(test::call("twice", "12")), "twice(2 bytes that cannot be shown here)");
  const Bytes shy = detail::to_bytes(task_text_test::Shy());
  EXPECT_EQ(logged_work(test::call("meet", shy)),
            "meet(" + std::to_string(shy.size()) + " bytes that cannot be shown here)");
  EXPECT_EQ(logged_work(test::command("true")), "true");
}

TEST(TaskText, ALongLabelIsCut) {
  TaskSpec spec;
  EXPECT_EQ(shown_label(spec), "-");
  spec.label = std::string(100, 'x');
  EXPECT_EQ(shown_label(spec), std::string(37, 'x') + "...");
}

}  // namespace
}  // namespace parrun
