#include "exec/scratch.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "support/temp_dir.hpp"

namespace {

namespace fs = std::filesystem;
using namespace parrun;
using parrun::test::TempDir;

constexpr Assignment kAttempt{TaskId(7), 2};

TEST(Scratch, UnaskedForThereIsNone) { EXPECT_FALSE(Scratch().wanted()); }

TEST(Scratch, EachAttemptHasAnEmptyFolderOfItsOwnUnderTheRoot) {
  const TempDir dir;
  const Scratch scratch(dir.file("a/b"), false);
  const std::string folder = scratch.make(kAttempt);
  EXPECT_TRUE(fs::is_empty(folder));
  EXPECT_EQ(fs::path(folder).parent_path(), dir.file("a/b"));
  EXPECT_NE(scratch.make({TaskId(7), 3}), folder);
  EXPECT_NE(scratch.make({TaskId(8), 2}), folder);
}

TEST(Scratch, OneThatIsThereAlreadyIsNotShared) {
  const TempDir dir;
  const Scratch scratch(dir.file("root"), false);
  scratch.make(kAttempt);
  EXPECT_THROW(scratch.make(kAttempt), std::system_error);
}

TEST(Scratch, IsRemovedWithAllItHoldsWhateverRightsATaskTookFromIt) {
  const TempDir dir;
  const Scratch scratch(dir.file("root"), false);
  const std::string folder = scratch.make(kAttempt);
  fs::create_directories(folder + "/deep/er");
  std::ofstream(folder + "/deep/er/file") << "text";
  fs::create_symlink(dir.write("outside", "kept"), folder + "/link");
  fs::permissions(folder + "/deep/er", fs::perms::none);
  fs::permissions(folder + "/deep", fs::perms::owner_read);
  scratch.remove(kAttempt);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::exists(dir.file("outside")));
}

// Nor what is mounted behind it. (In a child, whose mounts are its own.)
TEST(Scratch, ALinkInItsPlaceIsRemovedAndNotWhatItLeadsTo) {
  const TempDir dir;
  const Scratch scratch(dir.file("root"), false);
  const std::string folder = scratch.make(kAttempt);
  fs::create_directories(dir.file("elsewhere/mounted"));
  fs::create_directory(dir.file("precious"));
  fs::remove(folder);
  fs::create_directory_symlink(dir.file("elsewhere"), folder);
  constexpr int kMayNotMount = 2;
  const pid_t child = fork();
  if (child == 0) {
    const std::string there = dir.file("elsewhere/mounted");
    const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount(dir.file("precious").c_str(), there.c_str(), nullptr, MS_BIND, nullptr) == 0;
    scratch.remove(kAttempt);
    if (!mounted) _exit(kMayNotMount);
    _exit(umount(there.c_str()) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(fs::is_symlink(folder));
  EXPECT_TRUE(fs::exists(dir.file("elsewhere/mounted")));
  if (WEXITSTATUS(status) == kMayNotMount) GTEST_SKIP() << "nobody may mount here";
  EXPECT_EQ(status, 0) << "it was unmounted";
}

// It is elsewhere too. (In a child, whose mounts are its own.)
TEST(Scratch, WhatATaskHasMountedInItIsNotRemovedWithIt) {
  const TempDir dir;
  const Scratch scratch(dir.file("root"), false);
  const std::string folder = scratch.make(kAttempt);
  fs::create_directories(folder + "/a place");
  fs::create_directory(dir.file("precious"));
  dir.write("precious/file", "kept");
  constexpr int kMayNotMount = 77;
  const pid_t child = fork();
  if (child == 0) {
    const bool mounted =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount(dir.file("precious").c_str(), (folder + "/a place").c_str(), nullptr, MS_BIND, nullptr) == 0;
    if (!mounted) _exit(kMayNotMount);
    scratch.remove(kAttempt);
    _exit(fs::exists(folder) ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == kMayNotMount) GTEST_SKIP() << "nobody may mount here";
  EXPECT_EQ(status, 0) << "it was unmounted, and the folder removed";
  EXPECT_TRUE(fs::exists(dir.file("precious/file")));
}

TEST(Scratch, RemovingOneThatIsGoneIsNoError) {
  const TempDir dir;
  EXPECT_NO_THROW(Scratch(dir.file("root"), false).remove(kAttempt));
}

}  // namespace
