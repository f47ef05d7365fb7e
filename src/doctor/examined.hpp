#pragma once
// What the doctor has seen. Each part is filled in as far as the examination came; what is missing was not
// tried, or got no answer.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file_system.hpp"
#include "doctor/cores.hpp"
#include "doctor/group_limits.hpp"
#include "parrun/id.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun::doctor {

/// What a rank tells of itself.
struct RankFacts {
  Numbers cores;  ///< on which it may run
  int host_cores = 0;
  std::uint64_t host_memory_bytes = 0;
  GroupLimits limits;
  std::string mpi;
  ThreadLevel thread_level = ThreadLevel::single;
  double wall_clock_s = 0;  ///< at the moment of telling
};

/// Another host's clock against rank 0's.
struct ClockOffset {
  double ahead_s = 0;
  double uncertainty_s = 0;
};

/// What became of an endless task.
struct Ending {
  bool timed_out = false;
  double late_s = 0;        ///< behind its limit
  std::string reason = {};  ///< where it was not its limit that ended it
};

struct RankExamined {
  std::string host;
  std::optional<RankFacts> facts;
  std::optional<ClockOffset> clock;  ///< not of rank 0
  std::optional<Numbers> executor_cores;
  std::vector<Ending> endless;                ///< of the kinds of kEndless, as far as they were tried
  std::optional<std::vector<int>> survivors;  ///< processes of the endless tasks that live
  std::string trouble;                        ///< what did not work at this rank, in words; the first
};

/// A job of our own over the same hosts, that its limit ends.
struct AbortTrial {
  std::string launcher;  ///< "mpirun", "srun" or "parrun" alone
  int exit_code = 0;
  bool ended_by_us = false;           ///< it did not end within its bound
  double elapsed_s = 0;               ///< from the start of the launcher
  std::optional<double> late_s = {};  ///< from the limit to the end of the launcher
  std::string said = {};              ///< its last line on stderr
};

struct RecordPlace {
  std::string path;
  std::optional<FileSystem> file_system;
  std::uint64_t free_bytes = 0;
  std::string problem = {};  ///< why there can be no record, or empty
  bool locks = false;
  bool shared_memory = false;  ///< others can read the record while it is written
};

struct JobSeen {
  std::string id;
  bool squeue_answers = false;
  std::optional<double> left_s = {};  ///< until it is ended; none: no limit
  bool scontrol = false;
};

enum class Launcher { none, mpirun, srun };
const char* to_string(Launcher launcher);

struct Examined {
  std::string program;  ///< with its version
  Launcher launcher = Launcher::none;
  bool keepalive = false;       ///< mpirun was told to notice a host that is cut off
  bool mpirun_is_here = false;  ///< on rank 0's host, which ends it where it hangs
  bool yields = false;          ///< ranks that wait were told to let others have their core
  std::map<Rank, RankExamined> ranks;
  std::optional<AbortTrial> abort;
  std::optional<RecordPlace> record;
  std::optional<JobSeen> job;
  std::string ended;       ///< why the examination ended early, or empty
  bool undecided = false;  ///< what ended it, a signal or its own limit, says nothing of the place
};

/// The kinds of endless tasks, in words.
inline constexpr std::array kEndless = {"function", "command"};
/// The limit of each of them.
inline constexpr Duration kEndlessLimit = std::chrono::milliseconds(500);

}  // namespace parrun::doctor
