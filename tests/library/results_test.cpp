#include "parrun/results.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace {

using namespace parrun;

// Comes to one outcome, then to an exception, then to its end.
class OneThenAFault final : public detail::CallRun {
 public:
  bool next(Outcome& outcome) override {
    if (++asked_ == 2) throw std::runtime_error("a limit");
    outcome.task = TaskId(7);
    return asked_ == 1;
  }

 private:
  int asked_ = 0;
};

TEST(Results, AreAtTheirEndBehindAnExceptionAndGiveNothingTwice) {
  Results<void> results(std::make_unique<OneThenAFault>());
  auto next = results.begin();
  ASSERT_NE(next, results.end());
  EXPECT_EQ((*next).index(), 7U);
  EXPECT_THROW(++next, std::runtime_error);
  EXPECT_EQ(next, results.end());
  ++next;
  EXPECT_EQ(next, results.end());
}

}  // namespace
