#pragma once
// Writes outcomes to the record from a thread of its own, and gives them back when they are safe: what is
// told to anybody was committed before. Nobody waits for the disk but that thread.
//
// Group commit: what has come together is committed kWindow after the last commit, or at once if kGroup rows
// wait. So an outcome waits for at most kWindow and the commit before it.
//
// With results in the order of the batch, rows are not kept until their turn comes: they are read back, when
// all before them are there. So memory holds what is on its way, whatever the order.

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "record/record_file.hpp"
#include "record/result_cursor.hpp"
#include "record/row.hpp"

namespace parrun::record {

class Recorder {
 public:
  static constexpr Duration kWindow = std::chrono::milliseconds(10);
  static constexpr std::size_t kGroup = 5000;  // rows
  // What is on its way: above either, whoever adds should pause. More small rows than a cache holds cost more
  // than they bring (tests/bench/record_bench.cpp: half of bare SQLite's rate at 140,000, 0.87 of it at
  // 16,000).
  static constexpr std::size_t kCongestedRows = 16'384;
  static constexpr std::size_t kCongestedBytes = std::size_t{16} << 20;

  Recorder(RecordFile file, ReadBack read_back);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// Waits for nothing: what a disk that does not answer has not taken by then, it never will.
  ~Recorder();

  /// Never waits. REQUIRES: finish() was not called.
  void add(Row&& row);
  /// What waits is committed without waiting for more.
  void expedite();
  /// What has been committed since the last call, in the order in which it was added. With ReadBack::all
  /// without its texts.
  std::vector<Row> take_committed();
  /// The next results that were read back. Empty: there are none now.
  std::vector<Row> take_read_back();
  /// Nothing more is added: when all of it is committed, results whose turn has not come because earlier
  /// tasks have none are read back too.
  void end_order();

  bool congested() const;
  /// All that was added was committed and taken.
  bool committed() const;
  /// All that is to be read back, as far as it is there, was read and taken.
  bool read_out() const;
  /// Why nothing can be recorded any more, in a line.
  std::optional<std::string> failure() const;

  /// For the record's readers.
  void set_executing(std::uint64_t tasks);
  /// After all rows the run's end is recorded, and the file closed: then closed() is true.
  void finish(int exit_code);
  bool closed() const;

 private:
  struct Shared;
  class Writer;

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace parrun::record
