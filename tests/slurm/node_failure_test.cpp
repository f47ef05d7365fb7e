// A node that is lost under a run: SLURM ends the job, or starts it again.

#include <sstream>

#include "slurm/slurm_test.hpp"

namespace parrun::test {
namespace {

// A node that is down as long as this lives.
class DownNode {
 public:
  explicit DownNode(std::string name) : name_(std::move(name)) { set("state=down", "reason=test"); }
  DownNode(const DownNode&) = delete;
  DownNode& operator=(const DownNode&) = delete;
  ~DownNode() { set("state=resume", "reason="); }

 private:
  void set(const std::string& state, const std::string& reason) {
    slurm({"scontrol", "update", "NodeName=" + name_, state, reason});
  }
  std::string name_;
};

class NodeFailure : public EachLauncher {
 protected:
  void SetUp() override {
    EachLauncher::SetUp();
    if (!IsSkipped()) pack_ledger(120, 0.5);
  }
  // The script, and rank 0, are on the first.
  static std::string last_node_of(const SlurmJob& job) {
    std::istringstream names(slurm({"scontrol", "show", "hostnames", job.field("NodeList")}));
    std::string name;
    while (names >> name) continue;
    return name;
  }
};

INSTANTIATE_TEST_SUITE_P(By, NodeFailure, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

TEST_P(NodeFailure, EndsTheJobAndAnotherDoesTheRest) {
  const SlurmJob job = submit("exec " + run_line(), {"--exclusive"});
  ASSERT_TRUE(wait_for_ends(10, 3min));
  {
    const DownNode down(last_node_of(job));
    job.wait_for_end();
    EXPECT_EQ(job.state(), "NODE_FAIL");
    job.command().expect_nothing_left(30s);
  }
  expect_nothing_finished_lost();
  expect_the_rest_by_resuming(GetParam());
}

TEST_P(NodeFailure, OfAJobThatMayComeAgainIsGoneOnFrom) {
  const SlurmJob job = submit("exec " + run_line(), {"--exclusive", "--requeue"});
  ASSERT_TRUE(wait_for_ends(10, 3min));
  const DownNode down(last_node_of(job));
  ASSERT_TRUE(job.wait_for_state("PENDING"));
  expect_nothing_finished_lost();
  const auto before = states();
  const Ledger then = ledger();
  job.hurry_through_requeues(3min);
  job.expect_end("COMPLETED", "0:0");
  EXPECT_EQ(job.restarts(), 1);
  expect_done_after(before, then);
}

}  // namespace
}  // namespace parrun::test
