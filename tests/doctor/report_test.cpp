#include "doctor/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/seen.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using parrun::doctor::test::kGiB;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportText : public ::testing::Test {
 protected:
  RankExamined& rank(int number) { return seen.ranks.at(Rank(number)); }
  Examined seen = doctor::test::all_is_well();
};

TEST_F(ReportText, SaysWhatIsThereAndThatATimeoutWorks) {
  seen.job = JobSeen{.id = "17", .squeue_answers = true, .left_s = 3600, .scontrol = true};
  rank(4).facts->host_memory_bytes = 32 * kGiB;  // node2 is another kind of host
  rank(7).facts->host_memory_bytes = 32 * kGiB;
  EXPECT_EQ(report(seen),
            R"(parrun 1.0.0: 8 ranks on 2 hosts, started by mpirun; Open MPI v4.1.4, thread level SERIALIZED

node1     ranks 0-3: 4 cores, each bound to one of 0-3; 16 GB
node2     ranks 4-7: 4 cores, each bound to one of 0-3; 32 GB
tasks     endless ones (function, command) were ended on 7 of 7 workers, at most 12 ms behind their limit; nothing of them is left
abort     a job over the same hosts (mpirun) ended with code 124 1.10 s behind its limit, 3.4 s after its start
clocks    node2's is 0.1 ms ahead of rank 0's, give or take 2.0 ms
record    jobs.record on nfs (other hosts may have it too); locks work; can be read while it is written; 100 GB free
job       SLURM job 17 ends in 1 h 0 min; squeue answers; scontrol is there

A timeout works here.
)");
}

TEST_F(ReportText, AdviceStandsBeforeTheLastLineAndDoesNotChangeIt) {
  seen.mpirun_is_here = false;
  seen.keepalive = false;
  EXPECT_THAT(report(seen),
              AllOf(HasSubstr("\nAdvice:\n- mpirun is not on"), EndsWith("\n\nA timeout works here.\n")));
}

TEST_F(ReportText, TheLastLineSaysWhyATimeoutDoesNotWork) {
  rank(3).trouble = "did not answer within 15.0 s";
  EXPECT_THAT(report(seen),
              EndsWith("\nA timeout does NOT work here: rank 3 did not answer within 15.0 s\n"));
}

TEST_F(ReportText, ManyReasonsAreCounted) {
  for (int number = 20; number < 40; ++number)
    seen.ranks[Rank(number)].trouble = "trouble " + std::to_string(number);
  EXPECT_THAT(report(seen), EndsWith("; and 10 more\n"));
}

TEST_F(ReportText, HostsOfWhichTheSameIsToBeSaidShareALine) {
  EXPECT_THAT(
      report(seen),
      HasSubstr("\nnode1, node2 ranks 0-7: 2 hosts, each 4 cores, each bound to one of 0-3; 16 GB\n"));
}

TEST_F(ReportText, ATenthOfAThousandHostsIsStillALine) {
  for (int number = 8; number < 1000; ++number) {
    seen.ranks[Rank(number)] = rank(7);
    seen.ranks[Rank(number)].host = "host" + std::to_string(number);
  }
  const std::string text = report(seen);
  EXPECT_THAT(text, AllOf(HasSubstr("host10, host100, "), HasSubstr("992 hosts, each")));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 15);
}

TEST_F(ReportText, LimitsOfTheHostsGroupsAreTold) {
  for (int number = 0; number < 4; ++number) {
    rank(number).facts->limits = {.memory_bytes = 2 * kGiB, .processes = 100};
    rank(number).facts->cores = {0, 1};
  }
  EXPECT_THAT(report(seen),
              HasSubstr("4 cores, bound to 0-1; 16 GB, of which 2.0 GB may be used; at most 100 processes"));
}

TEST_F(ReportText, RanksWithoutAnswerAndWithSurvivorsAreCounted) {
  rank(3).endless.clear();
  rank(3).survivors.reset();
  rank(5).survivors = {77};
  EXPECT_THAT(report(seen),
              HasSubstr("were ended on 6 of 6 workers, at most 12 ms behind their limit; nothing of "
                        "them is left on 5"));
}

TEST_F(ReportText, WhatWasNotTriedIsNotClaimed) {
  Examined early;
  early.program = "parrun 1.0.0";
  early.ranks[Rank(0)].host = "node1";
  early.ranks[Rank(0)].facts = rank(0).facts;
  early.ranks[Rank(1)].host = "(not there)";
  early.ended = "the run reached its deadline of 10.0 s";
  early.undecided = true;
  EXPECT_THAT(report(early),
              AllOf(HasSubstr("rank 1: no answer"), HasSubstr("tasks     not tried"),
                    HasSubstr("abort     not tried"), Not(HasSubstr("clocks")),
                    EndsWith("works here was not found out: the run reached its deadline of 10.0 s\n")));
}

TEST_F(ReportText, AJobThatHadToBeKilledIsTold) {
  seen.abort->ended_by_us = true;
  seen.abort->elapsed_s = 60;
  EXPECT_THAT(report(seen),
              HasSubstr("a job over the same hosts (mpirun) did not end; it was killed after 1 min 0 s"));
}

TEST_F(ReportText, AClockBehindIsCalledSoAndTheFurthestIsShown) {
  for (int number = 4; number < 8; ++number) rank(number).clock = {.ahead_s = -0.5, .uncertainty_s = 0.001};
  rank(6).clock->uncertainty_s = 0.0005;
  EXPECT_THAT(report(seen), HasSubstr("node2's is 500.0 ms behind rank 0's, give or take 0.5 ms\n"));
  rank(3).host = "node3";
  EXPECT_THAT(report(seen),
              HasSubstr("node2's is 500.0 ms behind rank 0's, give or take 0.5 ms; the others less"));
}

}  // namespace
