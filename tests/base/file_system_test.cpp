#include "base/file_system.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_dir.hpp"

namespace {

using namespace parrun;

TEST(FileSystem, NetworkOnesMayBeShared) {
  EXPECT_EQ(file_system_of_type(0x6969).name, "nfs");
  EXPECT_EQ(file_system_of_type(0x0BD00BD0).name, "lustre");
  for (const std::uint64_t type : {0x6969, 0x0BD00BD0, 0x47504653, 0x19830326, 0x00C36400})
    EXPECT_TRUE(file_system_of_type(type).shared);
}

TEST(FileSystem, DisksAndMemoryAreOfTheirHostAlone) {
  for (const std::uint64_t type : {0xEF53, 0x58465342, 0x01021994, 0x794C7630})
    EXPECT_FALSE(file_system_of_type(type).shared);
}

TEST(FileSystem, OneThatIsNotKnownIsCalledByItsNumberAndMayBeShared) {
  EXPECT_EQ(file_system_of_type(0x1234).name, "type 0x1234");
  EXPECT_TRUE(file_system_of_type(0x1234).shared);
  EXPECT_TRUE(file_system_of_type(0x65735546).shared) << "behind FUSE may be anything";
}

TEST(FileSystem, OfAFileThatIsNotThereIsThatOfTheNearestFolder) {
  const test::TempDir dir;
  const auto folder = file_system_of(dir.path().string());
  ASSERT_TRUE(folder);
  EXPECT_EQ(file_system_of(dir.file("a/b/jobs.record"))->name, folder->name);
  EXPECT_TRUE(file_system_of("jobs.record")) << "relative to the current folder";
}

TEST(FileSystem, TellsMemoryFromOthers) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP();
  EXPECT_EQ(file_system_of("/dev/shm")->name, "tmpfs");
  EXPECT_EQ(file_system_of("/proc/self/stat")->name, "type 0x9fa0");
}

}  // namespace
