// What recording costs beside bare SQLite: rows of empty tasks through the recorder, and the same rows
// inserted by a loop that does nothing else, 5,000 a transaction. In turns, in one run.
//   record_bench [FOLDER] [ROWS] [ROUNDS]

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "record/recorder.hpp"
#include "record/schema.hpp"

namespace {

using namespace parrun;
using namespace parrun::record;

Row row(std::uint64_t task) {
  Row row;
  row.outcome.task = TaskId(task);
  row.outcome.rank = Rank(static_cast<int>(task % 7 + 1));
  row.outcome.host = "node17";
  row.outcome.started_s = 1.79e9 + static_cast<double>(task) * 1e-6;
  row.outcome.elapsed_s = 1e-6;
  row.outcome.max_rss_kb = 4096;
  row.outcome.value = "1";
  row.outcome.value_is_json = true;
  return row;
}

void remove(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

RecordFile open(const std::string& path, std::uint64_t tasks) {
  remove(path);
  return {{.path = path}, {.path = "jobs.bin", .content_hash = 1, .tasks = tasks}};
}

double seconds_since(TimePoint start) { return to_seconds(Clock::now() - start); }

// Rows a second, the last commit included.
double bare(const std::string& path, std::uint64_t rows) {
  const RecordFile file = open(path, rows);
  Statement insert =
      file.database().prepare(fmt::format("INSERT INTO tasks({}) VALUES({})", kTaskColumns, kTaskParameters));
  const TimePoint start = Clock::now();
  for (std::uint64_t task = 0; task < rows;) {
    Transaction transaction(file.database());
    for (std::size_t i = 0; i < Recorder::kGroup && task < rows; ++i, ++task) {
      const Row one = row(task);
      const Outcome& outcome = one.outcome;
      const auto integer = [](auto number) { return static_cast<std::int64_t>(number); };
      insert.bind(0, integer(task)).bind_null(1).bind_text(2, "succeeded").bind(3, integer(1));
      insert.bind(4, integer(outcome.rank.get())).bind_text(5, outcome.host).bind(6, outcome.started_s);
      insert.bind(7, outcome.elapsed_s).bind(8, 0.0).bind(9, 0.0).bind(10, outcome.max_rss_kb);
      insert.bind(11, integer(0)).bind(12, integer(0)).bind_null(13).bind_text(14, "").bind_text(15, "");
      insert.bind_text(16, outcome.value).bind_null(17).bind_null(18).bind_null(19);
      insert.bind(20, integer(1)).bind(21, integer(task * 0x9e3779b97f4a7c15));
      insert.execute();
    }
    transaction.commit();
  }
  return static_cast<double>(rows) / seconds_since(start);
}

double recorded(const std::string& path, std::uint64_t rows) {
  Recorder recorder(open(path, rows), ReadBack::none);
  const TimePoint start = Clock::now();
  for (std::uint64_t task = 0; task < rows;) {
    while (recorder.congested()) {
      recorder.take_committed();
      std::this_thread::yield();
    }
    for (int i = 0; i < 500 && task < rows; ++i, ++task) recorder.add(row(task));
    recorder.take_committed();
  }
  while (!recorder.committed()) {
    recorder.take_committed();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  const double rate = static_cast<double>(rows) / seconds_since(start);
  recorder.finish(0);
  while (!recorder.closed()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return rate;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const std::uint64_t rows = argc > 2 ? std::stoull(argv[2]) : 500'000;
  const int rounds = argc > 3 ? std::stoi(argv[3]) : 5;
  const std::string path = folder + "/bench.record";
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double without = bare(path, rows);
    const double with = recorded(path, rows);
    ratios.push_back(with / without);
    fmt::print("bare SQLite {:.0f} rows/s, recorder {:.0f} rows/s: {:.2f}\n", without, with, with / without);
  }
  remove(path);
  fmt::print("median of {} rounds: {:.2f}\n", rounds, median(ratios));
}
