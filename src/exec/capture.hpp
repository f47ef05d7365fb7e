#pragma once
// Where a task's output goes: two files in memory (memfd), which the worker made, so that it can read what a
// task wrote even after the task's process has died under it.

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/descriptor.hpp"

namespace parrun {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

class Capture {
 public:
  Capture();  ///< throws std::system_error

  struct Text {
    Bytes stdout_text;
    Bytes stderr_text;
  };
  /// What was written since the last take(), which is forgotten here. Of a stream longer than `limit` bytes
  /// what is beyond is missing, and a line says so.
  Text take(std::optional<std::uint64_t> limit = {});
  /// The same in a process that executes tasks: none where a task has closed or replaced our descriptors.
  std::optional<Text> take_here(std::optional<std::uint64_t> limit);
  /// Gives back the memory of what is beyond the limit. May be called at any time, by any process: it bounds
  /// what a task that never stops writing can take.
  void trim(std::uint64_t limit) const;

  /// Makes the two files this process's stdout and stderr.
  void redirect_here() const;
  /// This process's stdout and stderr still lead to them: a task may have closed or replaced any descriptor.
  bool leads_here() const;

  int stdout_fd() const { return out_.get(); }
  int stderr_fd() const { return err_.get(); }

 private:
  Descriptor out_;
  Descriptor err_;
  FileIdentity out_file_;
  FileIdentity err_file_;
};

}  // namespace parrun
