#pragma once
// Folders of their own for attempts (--workdir).

#include <string>

#include "parrun/id.hpp"

namespace parrun {

/// Why attempts cannot get folders in `root`, in a line; empty where they can. Leaves nothing there.
std::string why_no_folders(const std::string& root);

class Scratch {
 public:
  Scratch() = default;  ///< none are wanted
  /// `root`: the folder that they are made in. Two runs may share one: names hold host and process of the
  /// rank.
  Scratch(const std::string& root, bool keep_failed);

  bool wanted() const { return !prefix_.empty(); }
  bool keep_failed() const { return keep_failed_; }
  std::string path(const Assignment& attempt) const;

  /// Makes the folder, and the root where it is missing. Throws std::system_error.
  std::string make(const Assignment& attempt) const;
  /// Removes it with all it holds, as far as can be: the attempt's outcome is told by then, so nobody hears.
  void remove(const Assignment& attempt) const;

 private:
  std::string prefix_;
  std::string owner_;
  bool keep_failed_ = false;
};

}  // namespace parrun
