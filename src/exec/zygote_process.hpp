#pragma once
// What the zygote's own process does: forks executors, ends them, watches their limits, until the rank is
// gone.

#include <signal.h>

#include <optional>
#include <vector>

#include "base/descriptor.hpp"
#include "exec/process_tree.hpp"
#include "exec/zygote.hpp"

namespace parrun {

/// What a rank asks of its zygote: one character a message.
enum class ZygoteRequest : char {
  spawn = 'S',
  kill = 'K',
  watch_limits = 'L',
  release_kept = 'R',
  leave = 'Q'
};

class ZygoteProcess {
 public:
  /// `socket` leads to the rank.
  ZygoteProcess(int socket, const Zygote::Plan& plan);
  ZygoteProcess(const ZygoteProcess&) = delete;
  ZygoteProcess& operator=(const ZygoteProcess&) = delete;

  /// Serves requests until the rank is gone. Sleeps until there is one, or a child's end, or until it is time
  /// to look for what does not announce itself: an executor that stays stopped, an attempt above its limits.
  void serve();
  /// Ends all that ran for the rank, and its launcher where the rank has died and the launcher does not end.
  void end();
  /// The same where one of the above has thrown. The rank may live: it finds its zygote gone from now on.
  void give_up();

 private:
  void see_off_launcher() const;
  bool on_request();
  void on_child_signal();
  bool is_stopped();
  void look_for_stop();
  void look_at_limits();
  int next_look_ms() const;
  void end_all();
  void kill_all();
  void keep_orphans();
  void note(const Reaped& reaped);
  void report_death();
  void spawn();
  [[noreturn]] void become_executor(pid_t zygote);

  int socket_;
  const Zygote::Plan& plan_;
  Descriptor signals_;
  sigset_t child_signal_{};
  pid_t living_ = 0;  ///< the executor, or 0
  std::optional<Death> died_;
  Death sentence_;  ///< why we kill it: what of it is set
  Death used_;      ///< by the executor and what ran under it: the sums
  int stopped_looks_ = 0;
  int stopped_by_ = 0;
  std::optional<AttemptLimits> limits_;
  std::vector<pid_t> kept_;
  bool released_ = false;
  bool left_ = false;  ///< the rank ends as it should
};

}  // namespace parrun
