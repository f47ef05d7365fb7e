#pragma once
// How an executor executes one attempt: on a thread of the rank, or in a process of its own with a clean
// place for each.

#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/resource_limits.hpp"
#include "batch/task_spec.hpp"
#include "core/attempt_order.hpp"
#include "exec/attempt_note.hpp"
#include "exec/capture.hpp"
#include "exec/clean_place.hpp"
#include "exec/registry.hpp"
#include "exec/scratch.hpp"
#include "exec/shared_values.hpp"
#include "exec/syscall_watch.hpp"
#include "exec/usage.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// What executors are told once, before they are forked.
struct ExecutorSettings {
  std::string workdir;         ///< where attempts get folders of their own; empty: they get none
  bool keep_failed = false;    ///< the folder of a failed attempt stays
  bool keep_children = false;  ///< processes that a task leaves behind live on until the run ends badly
};

/// What holds for all tasks of a run at one worker.
struct AttemptTerms {
  bool json_values = false;            ///< results as JSON where the type allows
  int rank = 0;                        ///< the worker's
  int ranks = 1;                       ///< of the run
  ResourceLimits resources = {};       ///< of tasks that have none of their own
  std::uint64_t most_value_bytes = 0;  ///< that a result may have; 0: as many as it likes
  bool operator==(const AttemptTerms&) const = default;
};
void append(const AttemptTerms& terms, ByteWriter& out);
AttemptTerms decode_terms(ByteReader& in);

class Attempter {
 public:
  enum class Place {
    as_it_was,  ///< nothing had to be done
    cleaned,    ///< that took a while
    spoilt      ///< no other attempt may be made here
  };

  /// To be made on the thread that makes the attempts.
  explicit Attempter(const ShareTable& table) : shared_(table) {}
  virtual ~Attempter() = default;
  /// Of the orders that follow.
  void set_terms(const AttemptTerms& terms) { terms_ = terms; }
  /// `now`: when it starts, and then when its execution has ended. `outcome`: as reset() makes it.
  virtual void attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) = 0;
  /// Cleans up, once the outcome is on its way.
  virtual Place clean_up() { return Place::as_it_was; }
  /// Some values are shared no more.
  virtual void drop_released() { shared_.drop_released(); }

 protected:
  void begin(const AttemptOrder& order, TimePoint start, Outcome& outcome);
  void call_function(const CallView& call, Outcome& outcome);

  SharedValues shared_;
  AttemptTerms terms_;

 private:
  const Function* find(BytesView name);

  Calendar calendar_;
  const Function* last_ = nullptr;  ///< that was called
};

class ThreadAttempter final : public Attempter {
 public:
  using Attempter::Attempter;
  void attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) override;
};

class ProcessAttempter final : public Attempter {
 public:
  /// In the executor's process, once its stdout and stderr are the capture's.
  ProcessAttempter(const ExecutorSettings& settings, const Scratch& scratch, Capture& capture,
                   AttemptNote& note, const ShareTable& table);
  void attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) override;
  Place clean_up() override;
  void drop_released() override;

 private:
  // The variables that tell a task who it is, in memory of ours: a new value is only written there.
  class Variables {
   public:
    explicit Variables(bool workdir);
    void set(const Assignment& attempt, const AttemptTerms& terms);
    void set_workdir(const std::string& workdir);

   private:
    class Number {
     public:
      explicit Number(const char* name);
      Number(const Number&) = delete;
      Number& operator=(const Number&) = delete;
      void set(std::uint64_t value);
      char* text() { return text_.data(); }

     private:
      std::array<char, 48> text_{};
      char* digits_;  ///< behind the name, in text_
      std::uint64_t value_ = 0;
    };
    Number index_{"PARRUN_TASK_INDEX"};
    Number attempt_{"PARRUN_ATTEMPT"};
    Number rank_{"PARRUN_RANK"};
    Number ranks_{"PARRUN_RANKS"};
    std::array<char, 4200> workdir_{};
  };

  std::string enter(const Assignment& attempt, const ResourceLimits& own);
  void flush();
  void leave(const Assignment& attempt, Outcome& outcome);
  bool is_touched() const;
  void take_output(Outcome& outcome);
  void end_children(Outcome& outcome);
  void drop_scratch(const Assignment& attempt, bool failed);
  bool is_light();

  const ExecutorSettings& settings_;
  const Scratch& scratch_;
  Capture& capture_;
  AttemptNote& note_;
  pid_t pid_ = getpid();
  Variables variables_;
  CleanPlace place_;  ///< after the variables: they are part of it
  UsageMeter meter_;
  SyscallWatch watch_;
  bool some_opened_ = false;        ///< files, by functions
  std::optional<Assignment> died_;  ///< with the executor before this one
  // Of the last attempt.
  std::optional<std::uint64_t> output_limit_;
  Duration elapsed_{};
  bool is_command_ = false;
  bool touched_ = true;  ///< it may have changed what is the kernel's
  bool failed_ = false;
  bool left_children_ = false;
  bool captured_ = true;
};

}  // namespace parrun
