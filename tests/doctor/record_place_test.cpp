#include "doctor/record_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_dir.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(RecordPlaceTest, AFolderThatTakesARecordIsLeftAsItWas) {
  const parrun::test::TempDir dir;
  for (const std::string& place : {dir.path().string(), dir.file("jobs.record")}) {
    const RecordPlace seen = look_at_record(place);
    EXPECT_EQ(seen.path, place);
    EXPECT_EQ(seen.problem, "");
    EXPECT_TRUE(seen.locks);
    EXPECT_TRUE(seen.shared_memory);
    EXPECT_GT(seen.free_bytes, 0U);
    EXPECT_TRUE(seen.file_system);
    EXPECT_TRUE(fs::is_empty(dir.path()));
  }
}

TEST(RecordPlaceTest, ARecordThatIsThereIsNotTouched) {
  const parrun::test::TempDir dir;
  const std::string file = dir.write("jobs.record", "mine");
  look_at_record(file);
  EXPECT_EQ(fs::file_size(file), 4U);
}

TEST(RecordPlaceTest, AFolderThatIsNotThereIsAProblem) {
  const RecordPlace seen = look_at_record("/no/such/folder/jobs.record");
  EXPECT_THAT(seen.problem, HasSubstr("cannot be recorded in /no/such/folder/"));
  EXPECT_TRUE(seen.file_system) << "of what is there of it";
}

}  // namespace
