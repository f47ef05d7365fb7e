#include "record/result_cursor.hpp"

#include <fmt/format.h>

namespace parrun::record {

ResultCursor::ResultCursor(ReadBack which, const TaskSet& settled, std::uint64_t end, Shard shard)
    : which_(which),
      there_(which == ReadBack::none ? TaskSet() : settled),
      end_(end),
      shard_(shard),
      next_(which == ReadBack::none ? end_ : shard.first()),
      gaps_hold_(which == ReadBack::all) {}

TaskId ResultCursor::next() const { return gaps_hold_ ? next_ : there_.next_present(next_, end_); }

std::vector<Row> ResultCursor::read(const Database& database) {
  std::vector<Row> results;
  next_ = next();
  if (next_ >= end_ || !there_.contains(next_)) return results;
  Statement rows = database.prepare(
      fmt::format("SELECT {} FROM tasks WHERE task >= ? ORDER BY task", select_columns(Texts::with)));
  rows.bind(0, static_cast<std::int64_t>(next_.get()));
  for (std::size_t bytes = 0; bytes < kReadBytes && rows.step();) {
    const TaskId task(static_cast<std::uint64_t>(rows.integer(0)));
    if (!there_.contains(task)) {  // of an earlier run, and run again
      if (gaps_hold_) break;       // a gap, and all that are to be run again may lie behind it
      continue;
    }
    if (next() != task) break;
    results.push_back(read_row(rows));
    bytes += size_of(results.back());
    next_ = TaskId(task.get() + shard_.count);
  }
  next_ = next();
  return results;
}

}  // namespace parrun::record
