#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "record/reader.hpp"

namespace parrun {

/// Records of shards of one batch, read as one.
class RecordSet {
 public:
  /// Throws InputError that names the file where one cannot be read (RecordReader), where they are not all of
  /// one batch, and where two of them may have the same task.
  explicit RecordSet(const std::vector<std::string>& paths);

  /// Rows of all, in the order of the tasks.
  void for_each(const record::Selection& selection, record::Texts texts,
                const std::function<void(const record::Row&)>& visit) const;

 private:
  std::vector<std::unique_ptr<RecordReader>> readers_;
};

}  // namespace parrun
