#include "doctor/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "doctor/seen.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Variables = std::map<std::string, const char*>;

Launcher launcher_in(const Variables& variables) {
  return launcher_of([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second;
  });
}

TEST(Launch, LaunchersAreKnownByTheirVariables) {
  EXPECT_EQ(launcher_in({}), Launcher::none);
  EXPECT_EQ(launcher_in({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "0"}}), Launcher::mpirun);
  EXPECT_EQ(launcher_in({{"SLURM_STEP_ID", "0"}, {"PMIX_RANK", "0"}}), Launcher::srun);
  EXPECT_EQ(launcher_in({{"SLURM_STEP_ID", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}}), Launcher::mpirun)
      << "mpirun on several nodes starts its daemons by srun";
  EXPECT_EQ(launcher_in({{"SLURM_JOB_ID", "17"}}), Launcher::none) << "alone in a batch script";
}

TEST(Launch, RanksYieldWhereTheVariableIsSetAndDoesNotSayNo) {
  const auto yield = [](const char* value) {
    return yields_when_idle([&](const char* name) {
      return name == std::string("OMPI_MCA_mpi_yield_when_idle") ? value : nullptr;
    });
  };
  EXPECT_FALSE(yield(nullptr));
  for (const char* yes : {"1", "true", "yes", "enabled"}) EXPECT_TRUE(yield(yes)) << yes;
  for (const char* no : {"0", "false", "no", "disabled", ""}) EXPECT_FALSE(yield(no)) << no;
}

TEST(Launch, RankZerosHostIsTheFirst) {
  Examined seen = doctor::test::all_is_well();
  EXPECT_THAT(layout(seen), ElementsAre(Pair("node1", 4), Pair("node2", 4)));
  seen.ranks[Rank(0)].host = "node2";
  EXPECT_THAT(layout(seen), ElementsAre(Pair("node2", 5), Pair("node1", 3)));
}

TEST(Launch, AJobOfOurOwnHasTheSameHostsAndRanks) {
  const Layout hosts{{"node1", 4}, {"node2", 3}};
  EXPECT_THAT(launch_line(Launcher::mpirun, hosts, {"parrun", "x"}),
              ElementsAre("mpirun", "--host", "node1:4,node2:3", "--oversubscribe", "--bind-to", "none", "-n",
                          "7", "parrun", "x"));
  EXPECT_THAT(launch_line(Launcher::srun, hosts, {"parrun"}),
              ElementsAre("srun", "--overlap", "--overcommit", "--mpi=pmix", "--cpu-bind=none", "-N", "2",
                          "--nodelist", "node1,node2", "-n", "7", "parrun"));
  EXPECT_THAT(launch_line(Launcher::none, hosts, {"parrun"}), ElementsAre("parrun"));
}

TEST(Launch, TheUsersSettingsGoOnAndTheLaunchersDoNot) {
  const char* const environment[] = {"PATH=/bin",
                                     "OMPI_ALLOW_RUN_AS_ROOT=1",
                                     "OMPI_MCA_btl=self,tcp",
                                     "OMPI_MCA_btl_base_verbose=",
                                     "OMPI_MCA_orte_hnp_uri=1.0;tcp://10.0.0.1:1",
                                     "OMPI_MCA_ess_base_vpid=0",
                                     "OMPI_MCA_mpi_yield_when_idle=1",
                                     "OMPI_MCA_orte_tmpdir_base=/scratch",
                                     "OMPI_COMM_WORLD_RANK=0",
                                     "PMIX_RANK=0",
                                     nullptr};
  EXPECT_THAT(users_settings(environment),
              ElementsAre(Pair("OMPI_ALLOW_RUN_AS_ROOT", "1"), Pair("OMPI_MCA_btl", "self,tcp"),
                          Pair("OMPI_MCA_btl_base_verbose", ""), Pair("OMPI_MCA_mpi_yield_when_idle", "1"),
                          Pair("OMPI_MCA_orte_tmpdir_base", "/scratch")));
}

TEST(Launch, ProgramsAreLookedForInPath) {
  EXPECT_TRUE(is_in_path("sh"));
  EXPECT_FALSE(is_in_path("no-such-launcher"));
  EXPECT_FALSE(is_in_path(""));
}

}  // namespace
