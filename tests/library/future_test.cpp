#include "parrun/future.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

namespace {

using namespace parrun;
using namespace std::chrono_literals;

// Notes until when it is waited for, and never ends.
class Endless final : public detail::Submission {
 public:
  std::uint64_t index() const override { return 0; }
  bool ready() const override { return false; }
  bool wait(const std::function<bool()>& /*enough*/, Until until) override {
    waited_until = until;
    return false;
  }
  bool cancel() override { return false; }
  const Outcome& outcome() const override { return outcome_; }
  void when_ready(std::function<void()> /*then*/) override {}

  Until waited_until = std::chrono::steady_clock::time_point::min();

 private:
  Outcome outcome_;
};

TEST(Future, IsWaitedForAsLongAsAsked) {
  const auto task = std::make_shared<Endless>();
  const Future<int> future(task);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(future.wait_for(10s));
  ASSERT_TRUE(task->waited_until);
  EXPECT_GE(*task->waited_until, begin + 10s);
  EXPECT_LE(*task->waited_until, std::chrono::steady_clock::now() + 10s);
}

TEST(Future, IsWaitedForWithoutEndWhereTheLongestTimeIsGiven) {
  const auto task = std::make_shared<Endless>();
  EXPECT_FALSE(Future<int>(task).wait_for(std::chrono::nanoseconds::max()));
  EXPECT_FALSE(task->waited_until);
}

TEST(Future, IsNotWaitedForWhereTheTimeIsBelowZero) {
  const auto task = std::make_shared<Endless>();
  EXPECT_FALSE(Future<int>(task).wait_for(std::chrono::nanoseconds::min()));
  ASSERT_TRUE(task->waited_until);
  EXPECT_LT(*task->waited_until, std::chrono::steady_clock::now());
}

}  // namespace
