#include "run/crew.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "base/host.hpp"
#include "base/limit.hpp"
#include "exec/registry.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::FakeTransport;
using parrun::test::ManualClock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Functions = std::vector<std::string>;

// Of a registry's fingerprint.
std::string line(const std::string& name, const std::string& build) {
  return name + kNameEnd + "int(int) " + build;
}

class CrewTest : public ::testing::Test {
 protected:
  void hello(int rank, const Functions& functions, const std::string& problem = {}) {
    transport.arrive(Hello{"node" + std::to_string(rank), 1000 + rank, problem, functions}, Rank(rank));
    EXPECT_FALSE(crew.receive(clock.now()));
  }

  const Functions ours{line("add", "build1"), line("mul", "build1")};
  ManualClock clock;
  FakeTransport transport{Rank(0), 3};
  Crew crew{transport, Limits{}, clock.now(), ours};
};

TEST_F(CrewTest, GathersWhenEveryWorkerHasSaidHello) {
  EXPECT_THAT(crew.workers(), ElementsAre(Rank(1), Rank(2)));
  hello(1, ours);
  EXPECT_FALSE(crew.gathered());
  hello(2, ours);
  EXPECT_TRUE(crew.gathered());
  EXPECT_FALSE(crew.mismatch());
  EXPECT_EQ(crew.member(Rank(2)).host, "node2");
  EXPECT_EQ(crew.member(Rank(2)).pid, 1002);
  EXPECT_EQ(crew.name(Rank(2)), "rank 2 (node2)");
}

TEST_F(CrewTest, ARankThatHasNotSaidHelloIsNamedWithoutAHost) { EXPECT_EQ(crew.name(Rank(1)), "rank 1"); }

TEST(LoneCrew, RankZeroWorksWhereItIsAlone) {
  FakeTransport transport(Rank(0), 1);
  const Crew crew(transport, Limits{}, Clock::now(), {});
  EXPECT_THAT(crew.workers(), ElementsAre(Rank(0)));
  EXPECT_FALSE(crew.gathered());
}

TEST_F(CrewTest, AWorkerThatLacksAFunctionIsNamedWithIt) {
  hello(2, {line("add", "build1")});
  ASSERT_TRUE(crew.mismatch());
  EXPECT_THAT(*crew.mismatch(), HasSubstr("rank 2 (node2) lacks the task function 'mul'"));
}

TEST_F(CrewTest, AWorkerWithAFunctionMoreIsNamedWithIt) {
  hello(1, {line("add", "build1"), line("mul", "build1"), line("sub", "build1")});
  EXPECT_THAT(crew.mismatch().value(),
              HasSubstr("rank 1 (node1) has a task function 'sub' that rank 0 lacks"));
}

TEST_F(CrewTest, AWorkerWithAFunctionMoreInTheMiddleIsNamedWithIt) {
  hello(1, {line("add", "build1"), line("div", "build1"), line("mul", "build1")});
  EXPECT_THAT(crew.mismatch().value(), HasSubstr("has a task function 'div' that rank 0 lacks"));
}

TEST_F(CrewTest, AWorkerOfAnotherBuildIsNamed) {
  hello(1, {line("add", "build1"), line("mul", "build2")});
  EXPECT_THAT(crew.mismatch().value(),
              HasSubstr("rank 1 (node1) has another build of the task function 'mul'"));
}

TEST_F(CrewTest, AFunctionIsNamedByAllOfItsName) {
  Functions theirs = ours;
  theirs.insert(theirs.begin() + 1, line("area of a circle", "build1"));
  hello(1, theirs);
  EXPECT_THAT(crew.mismatch().value(), HasSubstr("has a task function 'area of a circle' that rank 0 lacks"));
}

TEST_F(CrewTest, AFunctionIsTheSameOnlyWhereAllOfItsNameIs) {
  Crew squares(transport, Limits{}, clock.now(), {line("area of a square", "build1")});
  transport.arrive(Hello{"node1", 1001, "", {line("area of a circle", "build1")}}, Rank(1));
  EXPECT_FALSE(squares.receive(clock.now()));
  EXPECT_THAT(squares.mismatch().value(),
              HasSubstr("has a task function 'area of a circle' that rank 0 lacks"));
}

TEST_F(CrewTest, AWorkersOwnProblemIsTold) {
  hello(2, {}, "cannot load module x.so");
  EXPECT_EQ(crew.mismatch().value(), "rank 2 (node2): cannot load module x.so");
}

TEST_F(CrewTest, TheFirstMismatchStands) {
  hello(1, {line("add", "build1")});
  hello(2, {});
  EXPECT_THAT(crew.mismatch().value(), AllOf(HasSubstr("rank 1"), Not(HasSubstr("rank 2"))));
}

TEST_F(CrewTest, OtherMessagesAreHandedOnInOrder) {
  transport.arrive(Report{7, {}, {}}, Rank(1));
  transport.arrive(Stopped{8, true}, Rank(2));
  auto first = crew.receive(clock.now());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first, Rank(1));
  EXPECT_EQ(std::get<Report>(first->second).epoch, 7U);
  EXPECT_EQ(crew.receive(clock.now())->first, Rank(2));
  EXPECT_FALSE(crew.receive(clock.now()));
}

TEST_F(CrewTest, WhatCameWhileItOnlyListenedIsHandedOnFirst) {
  transport.arrive(Report{7, {}, {}}, Rank(1));
  transport.arrive(ShareReady{3, {}, "no memory"}, Rank(2));
  EXPECT_TRUE(crew.listen(clock.now()));
  EXPECT_FALSE(crew.listen(clock.now()));
  transport.arrive(Report{8, {}, {}}, Rank(1));
  EXPECT_EQ(std::get<Report>(crew.receive(clock.now())->second).epoch, 7U);
  EXPECT_EQ(std::get<Report>(crew.receive(clock.now())->second).epoch, 8U);
  EXPECT_FALSE(crew.receive(clock.now()));
}

TEST_F(CrewTest, AnswersAboutSharedValuesAreGivenOut) {
  transport.arrive(ShareReady{3, {}, "no memory"}, Rank(2));
  EXPECT_FALSE(crew.receive(clock.now()));
  const auto answers = crew.take_share_answers();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].first, Rank(2));
  EXPECT_EQ(answers[0].second.problem, "no memory");
  EXPECT_TRUE(crew.take_share_answers().empty());
}

TEST_F(CrewTest, TheFirstTroubleIsTold) {
  hello(2, ours);
  transport.arrive(Trouble{"cannot fork"}, Rank(2));
  transport.arrive(Trouble{"cannot fork either"}, Rank(1));
  EXPECT_FALSE(crew.receive(clock.now()));
  EXPECT_EQ(crew.take_trouble().value(), "rank 2 (node2): cannot fork");
}

TEST_F(CrewTest, BroadcastReachesEveryWorker) {
  crew.broadcast(Bye{});
  transport.take<Bye>(Rank(1));
  transport.take<Bye>(Rank(2));
  transport.expect_empty();
}

TEST_F(CrewTest, IsDismissedWhenAllHaveSaidFarewellAndAllHasLeft) {
  transport.arrive(Farewell{}, Rank(1));
  crew.receive(clock.now());
  EXPECT_TRUE(crew.member(Rank(1)).left);
  EXPECT_FALSE(crew.dismissed());
  transport.arrive(Farewell{}, Rank(2));
  crew.receive(clock.now());
  transport.set_idle(false);
  EXPECT_FALSE(crew.dismissed());
  transport.set_idle(true);
  EXPECT_TRUE(crew.dismissed());
}

TEST_F(CrewTest, AFarewellOfAWorkerThatFailedCountsOnce) {
  hello(1, ours);
  hello(2, ours);
  transport.arrive(Farewell{}, Rank(1));
  transport.fail(Rank(1));
  crew.take_failed();
  EXPECT_FALSE(crew.receive(clock.now()));
  EXPECT_FALSE(crew.abandoned()) << "the other one is there";
  transport.arrive(Farewell{}, Rank(2));
  crew.receive(clock.now());
  EXPECT_TRUE(crew.dismissed());
}

TEST_F(CrewTest, AWorkerThatFailedIsNeitherHeardNorMissed) {
  hello(1, ours);
  hello(2, ours);
  transport.arrive(Report{7, {}, {}}, Rank(1));
  crew.listen(clock.now());
  transport.fail(Rank(1));
  crew.take_failed();
  EXPECT_FALSE(crew.receive(clock.now())) << "what it had sent before";
  transport.arrive(Report{7, {}, {}}, Rank(1));
  transport.arrive(Hello{"node1", 1001, "", ours}, Rank(1));
  EXPECT_FALSE(crew.receive(clock.now())) << "or is read later";
  transport.arrive_piece(Rank(1));
  crew.listen(clock.now());
  EXPECT_TRUE(crew.member(Rank(1)).left);
  clock.advance(2 * Limits{}.lost_after);
  transport.arrive(Report{7, {}, {}}, Rank(2));
  EXPECT_TRUE(crew.receive(clock.now()));
  EXPECT_FALSE(crew.expired(clock.now()));
}

TEST_F(CrewTest, WhileItOnlyListensOnePieceOfALargeMessageIsTakenAtATime) {
  for (int i = 0; i < 2; ++i) transport.arrive_piece(Rank(1));
  EXPECT_TRUE(crew.listen(clock.now()));
  EXPECT_EQ(transport.waiting(), 1U);
  EXPECT_TRUE(crew.listen(clock.now()));
  EXPECT_FALSE(crew.listen(clock.now()));
}

// Silence.

TEST_F(CrewTest, AWorkerIsNotOrphanedByTheLongestLimitOfSilence) {
  Limits limits;
  limits.lost_after = kLongestLimit;
  const Crew patient(transport, limits, clock.now(), ours);
  EXPECT_EQ(patient.orphaned_after(), kLongestLimit);
  EXPECT_FALSE(patient.expired(clock.advance(1000h)));
}

// Host names are not always unique, and a container has processes of its own.
TEST_F(CrewTest, ADeadProcessIsOneOfThisNodeWhateverTheHostsAreCalled) {
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  ASSERT_EQ(waitpid(dead, nullptr, 0), dead);
  const auto hello = [&](const std::string& host, const std::string& node) {
    return Hello{
        .host = host, .pid = dead, .problem = "", .functions = ours, .processes = true, .node = node};
  };
  transport.arrive(hello(host_name(), "another"), Rank(1));
  transport.arrive(hello("another", node_identity()), Rank(2));
  EXPECT_FALSE(crew.receive(clock.now()));
  EXPECT_THAT(crew.dead_here(), ElementsAre(Rank(2)));
}

TEST_F(CrewTest, AWorkerThatWasNeverHeardIsLost) {
  const Duration limit = Limits{}.lost_after;
  EXPECT_FALSE(crew.expired(clock.advance(limit - 1s)));
  const auto expiry = crew.expired(clock.advance(2s));
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Expiry::Kind::lost);
}

TEST_F(CrewTest, AnyMessageIsALifeSignAndASilentWorkerIsNamedWithItsHost) {
  const Duration limit = Limits{}.lost_after;
  hello(1, ours);
  hello(2, ours);
  clock.advance(limit / 2);
  transport.arrive(Report{}, Rank(1));
  crew.receive(clock.now());
  EXPECT_FALSE(crew.expired(clock.advance(limit / 2 - 1ns)));
  const auto expiry = crew.expired(clock.advance(1ns));
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->rank, Rank(2));
  EXPECT_THAT(expiry->what, AllOf(HasSubstr("rank 2"), HasSubstr("node2")));
}

TEST_F(CrewTest, EachWorkerIsToldOftenEnoughThatRankZeroLives) {
  std::map<int, TimePoint> told{{1, clock.now()}, {2, clock.now()}};
  for (const TimePoint end = clock.now() + 10 * crew.orphaned_after(); clock.now() < end;) {
    crew.send_heartbeats(clock.advance(100ms));
    for (auto& [rank, at] : told) {
      if (!transport.has(Rank(rank))) continue;
      transport.take<Alive>(Rank(rank));
      at = clock.now();
    }
    EXPECT_LT(clock.now() - told[1], crew.orphaned_after() / 4);
    EXPECT_LT(clock.now() - told[2], crew.orphaned_after() / 4);
  }
}

TEST_F(CrewTest, HeartbeatsAreNoFlood) {
  int sent = 0;
  for (const TimePoint end = clock.now() + 10 * crew.orphaned_after(); clock.now() < end;) {
    crew.send_heartbeats(clock.advance(1ms));
    for (; transport.has(Rank(1)); ++sent) transport.take<Alive>(Rank(1));
    while (transport.has(Rank(2))) transport.take<Alive>(Rank(2));
  }
  EXPECT_LE(sent, 10 * 9 + 1) << "nine while a worker's patience lasts";
}

TEST_F(CrewTest, AWorkerThatLeftIsNotTold) {
  transport.arrive(Farewell{}, Rank(1));
  crew.receive(clock.now());
  crew.send_heartbeats(clock.now());
  transport.take<Alive>(Rank(2));
}

TEST_F(CrewTest, AWorkerThatLeftIsNotMissed) {
  for (const int rank : {1, 2}) {
    transport.arrive(Farewell{}, Rank(rank));
    crew.receive(clock.now());
  }
  EXPECT_FALSE(crew.expired(clock.advance(1000h)));
}

}  // namespace
