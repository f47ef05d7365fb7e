#include "exec/plain_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using parrun::plain_words;
using ::testing::ElementsAre;
using ::testing::Optional;

constexpr const char* kNothing[] = {nullptr};

TEST(PlainWords, AreThoseOfALineThatAShellWouldOnlySplit) {
  EXPECT_THAT(plain_words("/bin/true", kNothing), Optional(ElementsAre("/bin/true")));
  EXPECT_THAT(plain_words(" \tgrep  -c x:1,2+3%@ ./file_7.txt\t", kNothing),
              Optional(ElementsAre("grep", "-c", "x:1,2+3%@", "./file_7.txt")));
}

TEST(PlainWords, ThereAreNoneInALineWithAnythingThatAShellMightTakeForItsOwn) {
  for (const char* line : {"",
                           " ",
                           "a;b",
                           "a|b",
                           "a&",
                           "a>b",
                           "a<b",
                           "a b(c",
                           "$HOME/a",
                           "a `b`",
                           "a 'b'",
                           "a \"b\"",
                           "a\\ b",
                           "a *",
                           "a ?",
                           "a [b]",
                           "~/a",
                           "a #b",
                           "X=1 a",
                           "a X=1",
                           "! a",
                           "{ a",
                           "a {1..2}",
                           "a\nb",
                           "a ^b",
                           "a\x80"
                           "b"}) {
    EXPECT_FALSE(plain_words(line, kNothing)) << line;
  }
}

TEST(PlainWords, ThereAreNoneWhereTheProgramIsABuiltinOrAKeyword) {
  for (const char* line :
       {". ./setup", ": x", "cd /tmp", "chdir /tmp", "echo a", "exec a", "false", "if a", "kill 1",
        "printf a", "pwd", "test a", "time a", "true", "type a", "ulimit 3", "wait", "while a"}) {
    EXPECT_FALSE(plain_words(line, kNothing)) << line;
  }
  EXPECT_TRUE(plain_words("/bin/echo echo", kNothing));
}

TEST(PlainWords, ThereAreNoneWhereTheProgramIsAFunctionThatBashTakesFromTheEnvironment) {
  const char* const environment[] = {"A=1", "BASH_FUNC_module%%=() { :; }", nullptr};
  EXPECT_FALSE(plain_words("module load x", environment));
  EXPECT_TRUE(plain_words("mod load x", environment));
  EXPECT_TRUE(plain_words("module2 load x", environment));
}

}  // namespace
