#include "doctor/group_limits.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_dir.hpp"

namespace {

using namespace parrun::doctor;
namespace fs = std::filesystem;

class Groups : public ::testing::Test {
 protected:
  void write(const std::string& folder, const std::string& file, const std::string& content) const {
    fs::create_directories(dir.path() / folder);
    dir.write(folder + "/" + file, content + "\n");
  }
  GroupLimits limits(const std::string& groups) const { return group_limits(groups, dir.path().string()); }

  const parrun::test::TempDir dir;
};

TEST_F(Groups, TheSmallestLimitOnTheWayUpCounts) {
  write(".", "cgroup.controllers", "memory pids");
  write("job", "memory.max", "1000");
  write("job/step", "memory.max", "max");
  write("job", "pids.max", "50");
  write("job/step", "pids.max", "20");
  const GroupLimits found = limits("0::/job/step\n");
  EXPECT_EQ(found.memory_bytes, 1000U);
  EXPECT_EQ(found.processes, 20U);
}

TEST_F(Groups, WithoutLimitsThereIsNone) {
  write(".", "cgroup.controllers", "memory pids");
  write("job", "memory.max", "max");
  EXPECT_EQ(limits("0::/job\n").memory_bytes, 0U);
  EXPECT_EQ(limits("").processes, 0U);
}

TEST_F(Groups, VersionOneHasAGroupForEachController) {
  write("memory/slurm/job", "memory.limit_in_bytes", "4096");
  write("memory", "memory.limit_in_bytes", "9223372036854771712");
  write("pids/other", "pids.max", "30");
  const GroupLimits found = limits("5:cpu,memory:/slurm/job\n4:pids:/other\n1:name=systemd:/x\n");
  EXPECT_EQ(found.memory_bytes, 4096U);
  EXPECT_EQ(found.processes, 30U);
}

TEST_F(Groups, AGroupThatIsNotToBeSeenFromAContainerDoesNotMatter) {
  write(".", "cgroup.controllers", "memory");
  write(".", "memory.max", "2048");
  EXPECT_EQ(limits("0::/docker/0123\n").memory_bytes, 2048U);
}

}  // namespace
