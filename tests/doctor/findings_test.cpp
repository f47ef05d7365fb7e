#include "doctor/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/seen.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Spoilt : public ::testing::Test {
 protected:
  RankExamined& rank(int number) { return seen.ranks.at(Rank(number)); }
  void bind(int number, const Numbers& cores) { rank(number).facts->cores = cores; }

  Examined seen = test::all_is_well();
};

TEST_F(Spoilt, WhereAllIsWellThereIsNothingToSay) {
  EXPECT_THAT(broken(seen), IsEmpty());
  EXPECT_THAT(advice(seen), IsEmpty());
}

// What a timeout depends on.

TEST_F(Spoilt, RanksThatDoNotAnswerAreNamedTogether) {
  for (const int number : {2, 5, 6}) rank(number).trouble = "did not answer within 15.0 s";
  EXPECT_THAT(broken(seen), ElementsAre("ranks 2,5-6 did not answer within 15.0 s"));
}

TEST_F(Spoilt, AnEndlessTaskThatFailedInPlaceOfTimingOutIsTold) {
  rank(3).endless[1] = {.timed_out = false, .reason = "failed: killed by signal 9 (SIGKILL)"};
  EXPECT_THAT(broken(seen),
              ElementsAre("rank 3 did not end an endless command at its limit (failed: killed by "
                          "signal 9 (SIGKILL))"));
}

TEST_F(Spoilt, AnEndThatIsALittleLateIsAdviceAndOneThatIsVeryLateIsBroken) {
  rank(1).endless[0].late_s = 0.5;
  EXPECT_THAT(broken(seen), IsEmpty());
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("rank 1 ended tasks more than 200 ms behind their limit")));
  rank(1).endless[0].late_s = 4;
  EXPECT_THAT(broken(seen), ElementsAre("rank 1 ended an endless function more than 3.0 s behind its limit"));
}

TEST_F(Spoilt, ProcessesThatSurviveAreTold) {
  rank(4).survivors = {77, 78};
  EXPECT_THAT(broken(seen), ElementsAre("rank 4 left processes of an ended task alive (pid 77-78)"));
}

TEST_F(Spoilt, AJobThatDoesNotEndAtItsLimitIsTold) {
  seen.abort->exit_code = 137;
  seen.abort->ended_by_us = true;
  seen.abort->elapsed_s = 60;
  EXPECT_THAT(broken(seen), ElementsAre(HasSubstr("(mpirun) still ran after 1 min 0 s")));
  seen.abort->ended_by_us = false;
  seen.abort->exit_code = 0;
  seen.abort->said = "parrun: no";
  EXPECT_THAT(broken(seen), ElementsAre(HasSubstr("(mpirun) ended with code 0, not 124: parrun: no")));
}

TEST_F(Spoilt, WhatEndedTheExaminationComesFirst) {
  rank(2).trouble = "did not answer";
  seen.ended = "rank 2 (node1) was silent for 10.0 s";
  EXPECT_THAT(broken(seen), ElementsAre("rank 2 (node1) was silent for 10.0 s", "rank 2 did not answer"));
}

// Advice.

TEST_F(Spoilt, RanksOnOneCoreAreToldToBindToNone) {
  for (const int number : {0, 1, 2, 3}) bind(number, {0});
  EXPECT_THAT(advice(seen), ElementsAre(AllOf(HasSubstr("node1: 4 ranks bound to core 0"),
                                              HasSubstr("mpirun --bind-to none"))));
}

TEST_F(Spoilt, MoreRanksThanCoresAreToldToYieldOnceForHostsAlike) {
  for (int number = 0; number < 8; ++number) {
    bind(number, {0, 1});
    rank(number).facts->host_cores = 2;
  }
  EXPECT_THAT(advice(seen), ElementsAre(AllOf(HasSubstr("node1, node2: 4 ranks, 2 cores"),
                                              HasSubstr("OMPI_MCA_mpi_yield_when_idle=1"))));
  seen.yields = true;
  EXPECT_THAT(advice(seen), IsEmpty()) << "they do already";
}

TEST_F(Spoilt, UnboundRanksThatHaveACoreEachAreWell) {
  for (int number = 0; number < 8; ++number) bind(number, {0, 1, 2, 3});
  EXPECT_THAT(advice(seen), IsEmpty());
}

TEST_F(Spoilt, DifferentMpiLibrariesAreNamedWithTheirRanks) {
  rank(7).facts->mpi = "Open MPI v4.1.5";
  EXPECT_THAT(advice(seen), ElementsAre(AllOf(HasSubstr("Open MPI v4.1.4 on ranks 0-6"),
                                              HasSubstr("Open MPI v4.1.5 on rank 7"))));
}

TEST_F(Spoilt, AThreadLevelBelowFunneledIsTold) {
  rank(0).facts->thread_level = ThreadLevel::single;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("rank 0 has no thread level from FUNNELED up")));
}

TEST_F(Spoilt, ClocksThatAreApartAreToldUnlessThatCannotBeKnown) {
  rank(5).clock = {.ahead_s = -7, .uncertainty_s = 0.01};
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("clocks are seconds apart, node2's from rank 0's")));
  rank(5).clock = {.ahead_s = -7, .uncertainty_s = 6};
  EXPECT_THAT(advice(seen), IsEmpty());
}

TEST_F(Spoilt, SeveralHostsUnderAnMpirunElsewhereAreToldOfKeepalive) {
  seen.keepalive = false;
  EXPECT_THAT(advice(seen), IsEmpty()) << "rank 0 ends it";
  seen.mpirun_is_here = false;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("OMPI_MCA_oob_tcp_keepalive_time=5")));
  seen.launcher = Launcher::srun;
  seen.abort->launcher = "srun";
  EXPECT_THAT(advice(seen), IsEmpty()) << "mpirun's business alone";
}

TEST_F(Spoilt, OneHostNeedsNoKeepaliveAndNoSharedFileSystem) {
  seen.keepalive = false;
  seen.mpirun_is_here = false;
  seen.record->file_system = FileSystem{"ext4", false};
  for (auto& [number, one] : seen.ranks) one.host = "node1";
  for (int number = 0; number < 8; ++number) {
    bind(number, {number});
    rank(number).facts->host_cores = 8;
  }
  EXPECT_THAT(advice(seen), IsEmpty());
}

TEST_F(Spoilt, ANodeLocalRecordIsTold) {
  seen.record->file_system = FileSystem{"ext4", false};
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("node-local file system, ext4")));
}

TEST_F(Spoilt, WhatTheFileSystemLacksIsTold) {
  seen.record->shared_memory = false;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("no shared memory works")));
  seen.record->locks = false;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("locks do not work")));
  seen.record->free_bytes = 1000;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("locks"), HasSubstr("less than 1 GB is free")));
  seen.record->problem = "the run cannot be recorded in /x";
  EXPECT_THAT(advice(seen), ElementsAre("the run cannot be recorded in /x")) << "the rest is not known then";
}

TEST_F(Spoilt, AnAbortThatTakesLongIsTold) {
  seen.abort->late_s = 8;
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("an abort takes 8.0 s")));
  EXPECT_THAT(broken(seen), IsEmpty());
}

TEST_F(Spoilt, ALauncherThatWasNotFoundIsTold) {
  seen.abort->launcher = "parrun";
  EXPECT_THAT(advice(seen), ElementsAre(HasSubstr("there is no mpirun in PATH")));
}

TEST_F(Spoilt, ASlurmThatDoesNotAnswerIsTold) {
  seen.job = JobSeen{.id = "17"};
  EXPECT_THAT(advice(seen),
              ElementsAre(HasSubstr("squeue does not answer"), HasSubstr("there is no scontrol")));
}

}  // namespace
