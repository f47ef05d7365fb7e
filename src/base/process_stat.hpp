#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace parrun {

// What /proc/PID/stat tells of a process or thread: proc(5).
class ProcessStat {
 public:
  /// None where there is no such process.
  static std::optional<ProcessStat> of(pid_t pid);
  /// Of this process's main thread.
  static std::optional<ProcessStat> of_main_thread();

  const std::string& name() const { return name_; }
  char state() const { return text(3).front(); }
  pid_t parent() const { return static_cast<pid_t>(number(4)); }
  /// By the number that proc(5) has for it, 3 to kLast.
  const std::string& text(std::size_t field) const { return fields_[field - kFirst]; }
  long long number(std::size_t field) const;

 private:
  static constexpr std::size_t kFirst = 3;
  static constexpr std::size_t kLast = 24;
  static std::optional<ProcessStat> read(const std::string& path);

  std::string name_;
  std::vector<std::string> fields_;
};

}  // namespace parrun
