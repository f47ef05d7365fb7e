#pragma once
// The state of an executor's process that one task must not hand on to the next. Functions are called in a
// process that outlives them, for a fork each would cost more than most of them do; so what a function left
// changed is put back, and where that is not possible the process is not used again.
//
// Looked at and put back after every attempt: environment, folder, umask, the handlers that matter to most
// programs, signal mask, timers, rounding mode, locale, the state of the standard streams (callbacks that
// were registered with them where a system call was made), threads. Other handlers and timers, resource
// limits, share of the processor, descriptors, users, groups, capabilities, seccomp's filters, the root
// folder and namespaces take some 50 system calls to look at: that is done as long as it takes 1 % of the
// attempts' time, so after each one that took a hundred times as long as a look (2 to 15 ms, by how long a
// system call takes). In a row of shorter functions one that leaves one of these changed can be followed by
// others until a look has been earned.

#include <fenv.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <ios>
#include <locale>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace parrun {

/// How this thread computes, and what it has met: dear to set, and cheap to look at.
class FloatingPoint {
 public:
  FloatingPoint() : seen_(look()) { fegetenv(&all_); }
  void restore() const {
    if (look() != seen_) fesetenv(&all_);
  }

 private:
  // All of it in one number: on x86-64 SSE's control and status, x87's control, x87's status; elsewhere the
  // rounding mode, the exceptions that trap, and those that were raised.
  static std::uint64_t look();

  fenv_t all_{};
  std::uint64_t seen_;
};

class CleanPlace {
 public:
  // Of an attempt's time, what it earns for close looks; and what can be saved up.
  static constexpr int kLookShare = 100;
  static constexpr Duration kMostSaved = std::chrono::milliseconds(4);

  /// The place is as this process is now. REQUIRES: it lives as long as this process uses its environment.
  CleanPlace();
  CleanPlace(const CleanPlace&) = delete;
  CleanPlace& operator=(const CleanPlace&) = delete;

  /// Puts things back behind an attempt that took `elapsed`. False: this process must not run another task.
  bool restore(Duration elapsed);
  /// The same behind one that made no system call.
  bool restore_untouched();
  /// The same behind a command, which can change of this process only what any other can; and what short
  /// functions before it may have left.
  bool restore_behind_command(Duration elapsed);
  /// Something does not work as it did: the next look is a close one, whatever it takes.
  void suspect();
  /// No thread lives on here that a former task has started, which may make system calls in the next one.
  bool alone() const { return alone_; }
  /// What is written to std::cout lies in stdout.
  bool cout_is_stdout() const;

 private:
  /// What cannot be had back once it was given away.
  struct Rights {
    Rights();  ///< this process's
    bool operator==(const Rights&) const = default;

    std::array<uid_t, 3> users{};   ///< real, effective, saved
    std::array<gid_t, 3> groups{};  ///< likewise
    int no_new_privileges = 0;
    int filters = 0;  ///< seccomp's mode
    int personality = 0;
    std::array<std::uint32_t, 4> capabilities{};  ///< effective, permitted: the lower words, then the others
    std::array<ino_t, 7> places{};  ///< the root folder, and namespaces; 0 where there is none of the kind
  };

  void restore_environment();
  bool restore_streams();
  void restore_formats();
  bool look_now_and_then(Duration elapsed);
  bool look_closely();
  bool look_from_outside() const;
  bool return_to_folder() const;
  bool restore_handler(int number) const;
  bool restore_handlers() const;
  bool restore_limits() const;
  bool same_share_of_the_processor() const;
  bool too_many_descriptors() const;
  bool made_timers();
  bool threads_are_gone();

  std::vector<char*> environment_;  ///< with the null pointer at its end
  char** environment_at_ = environ;
  std::string folder_;
  mode_t umask_;
  sigset_t mask_{};
  FloatingPoint floating_point_;
  std::string locale_;
  std::ios out_{nullptr};
  std::ios err_{nullptr};
  std::locale out_locale_;
  std::locale err_locale_;
  std::streambuf* out_buffer_;
  std::streambuf* err_buffer_;
  bool synchronised_;   ///< streams with stdio
  bool out_passes_on_;  ///< out_buffer_ keeps nothing, and passes all to stdout
  std::array<struct sigaction, NSIG> handlers_{};
  std::array<rlimit, RLIM_NLIMITS> limits_{};
  std::locale global_locale_;
  int priority_;
  int policy_;
  cpu_set_t affinity_{};
  int parent_death_signal_ = 0;
  unsigned long timer_slack_ = 0;
  Rights rights_;
  int first_free_descriptor_;
  int last_timer_;
  unsigned long threads_;
  bool alone_ = true;
  bool looked_ = true;           ///< closely, since the last function that made a system call
  Duration saved_ = kMostSaved;  ///< for close looks
};

}  // namespace parrun
