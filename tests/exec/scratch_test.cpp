#include "exec/scratch.hpp"

#include <gtest/gtest.h>

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

TEST(Scratch, RemovingOneThatIsGoneIsNoError) {
  const TempDir dir;
  EXPECT_NO_THROW(Scratch(dir.file("root"), false).remove(kAttempt));
}

}  // namespace
