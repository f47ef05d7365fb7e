#include "cluster/requeue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace {

using parrun::cluster::requeue;
using parrun::test::TempDir;
using ::testing::HasSubstr;

// A scontrol that notes how it was called, and does what `body` says.
class Requeue : public ::testing::Test {
 protected:
  std::string scontrol(const std::string& body) {
    const std::string path =
        dir.write("scontrol", "#!/bin/sh\necho \"$*\" > '" + dir.file("call") + "'\n" + body + "\n");
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string call() {
    std::string line;
    std::getline(std::ifstream(dir.file("call")), line);
    return line;
  }
  TempDir dir;
};

TEST_F(Requeue, IsAskedOfScontrol) {
  EXPECT_EQ(requeue("17", scontrol("true")), "");
  EXPECT_EQ(call(), "requeue 17");
}

TEST_F(Requeue, IsRefusedInALineAndThatIsTold) {
  const std::string why = requeue("17", scontrol("echo 'Requested operation is presently disabled'\nexit 1"));
  EXPECT_THAT(why, HasSubstr("presently disabled scontrol ended with code 1"));
}

TEST_F(Requeue, WithoutScontrolThatIsTold) {
  EXPECT_THAT(requeue("17", dir.file("none")), HasSubstr("ended with code 127"));
}

TEST_F(Requeue, WhatIsNoJobIsNotAskedFor) {
  EXPECT_THAT(requeue("1; true", scontrol("true")), HasSubstr("is no job"));
  EXPECT_EQ(call(), "");
}

}  // namespace
