#include <gtest/gtest.h>

#include "support/run_program.hpp"

namespace parrun {
namespace {

using test::expect_refused;
using test::output_of;

TEST(DoctorCommand, AShortOrWrongDeadlineIsRefused) {
  expect_refused({"doctor", "--deadline", "3"}, "give at least 10 s");
  expect_refused({"doctor", "--deadline", "soon"}, "--deadline: ");
}

TEST(DoctorCommand, ThePlaceIsGivenOnce) {
  expect_refused({"doctor", "here", "--record", "there"}, "given twice");
  expect_refused({"doctor", "here", "there"}, "see parrun doctor --help");
}

TEST(DoctorCommand, ItsHelpTellsItsExitCodes) {
  EXPECT_NE(output_of({"doctor", "--help"}).find("0 a timeout works here; 1 it does not"), std::string::npos);
}

}  // namespace
}  // namespace parrun
