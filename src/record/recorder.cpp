#include "record/recorder.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>

#include "record/schema.hpp"

namespace parrun::record {
namespace {

// A run that has nothing to record still says that it lives.
constexpr Duration kHeartbeat = std::chrono::seconds(10);
constexpr Duration kUpdateEvery = std::chrono::seconds(1);
// For a writer that is not ours, somebody's sqlite3 say: rows wait meanwhile.
constexpr Duration kPatience = std::chrono::minutes(5);

void append(std::vector<Row>& to, std::vector<Row> rows) {
  if (to.empty()) return to.swap(rows);
  std::move(rows.begin(), rows.end(), std::back_inserter(to));
}

std::string failure_text(const std::string& path, const std::string& why) {
  return fmt::format("{}: {}; what was told before stands in the record: mend that, and go on with --resume",
                     path, why);
}

void drop_texts(Outcome& outcome) {
  for (std::string* text : {&outcome.stdout_text, &outcome.stderr_text, &outcome.value})
    std::string().swap(*text);
}

}  // namespace

// What the thread and its owner share; it may outlive the owner.
struct Recorder::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Row> waiting;
  std::vector<Row> committed;
  std::vector<Row> read_back;
  std::size_t bytes = 0;  ///< of waiting and committed, and of what is just being written
  std::size_t added = 0;  ///< rows, in all
  std::size_t taken = 0;  ///< of them
  std::uint64_t executing = 0;
  std::optional<int> exit_code;  ///< set: finish
  std::optional<std::string> failure;
  bool thread_sleeps = false;  ///< until it is called; else it looks itself soon
  bool expedite = false;
  bool gaps_pass = false;
  bool read_out = false;
  bool over = false;  ///< the owner is gone
  bool closed = false;
};

// The thread's side.
class Recorder::Writer {
 public:
  Writer(std::shared_ptr<Shared> shared, RecordFile file, ReadBack read_back)
      : shared_(std::move(shared)),
        file_(std::move(file)),
        cursor_(read_back, file_.settled().tasks, file_.tasks(), file_.shard()),
        texts_are_read_(read_back == ReadBack::all),
        row_writer_(std::in_place, file_.database()),
        old_row_(file_.database().prepare(
            fmt::format("SELECT {} FROM tasks WHERE task = ?", select_columns(Texts::without)))) {
    file_.database().execute("PRAGMA busy_timeout = 500");  // [ms]: patiently() asks again
  }

  void run() {
    std::unique_lock lock(shared_->mutex);
    try {
      while (!shared_->over && wait_for_work(lock)) {
        work(lock);
      }
    } catch (const DatabaseError& error) {
      fail(lock, error.is_full() ? "the disk is full" : error.what());
    } catch (const std::exception& error) {
      fail(lock, error.what());
    }
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void fail(Lock& lock, const std::string& why) {
    if (!lock.owns_lock()) lock.lock();
    shared_->failure = failure_text(file_.path(), why);
  }

  bool can_read() const { return !shared_->read_out && shared_->read_back.empty(); }

  // False where there is nothing to do any more.
  bool wait_for_work(Lock& lock) {
    const auto called = [&] {
      return shared_->over || !shared_->waiting.empty() || shared_->exit_code ||
             shared_->gaps_pass != gaps_passed_ || (can_read() && cursor_.due());
    };
    shared_->thread_sleeps = true;
    shared_->changed.wait_until(lock, last_update_ + kHeartbeat, called);
    shared_->thread_sleeps = false;
    if (shared_->waiting.empty() || shared_->expedite || shared_->exit_code) return !done_;
    shared_->changed.wait_until(lock, last_commit_ + kWindow, [&] {
      return shared_->over || shared_->expedite || shared_->exit_code || shared_->waiting.size() >= kGroup;
    });
    return !done_;
  }

  void work(Lock& lock) {
    std::vector<Row> rows = std::exchange(shared_->waiting, {});
    const std::optional<int> exit_code = shared_->exit_code;
    const std::uint64_t executing = shared_->executing;
    if (shared_->gaps_pass && !std::exchange(gaps_passed_, true)) cursor_.pass_gaps();
    const bool read = can_read();
    shared_->expedite = false;
    lock.unlock();
    const std::size_t before = commit(rows, executing);
    std::vector<Row> read_back;
    if (read) read_back = cursor_.read(file_.database());
    if (exit_code) end(*exit_code);
    lock.lock();
    std::size_t after = 0;
    for (const Row& row : rows) after += size_of(row);
    shared_->bytes -= before - after;
    append(shared_->committed, std::move(rows));
    if (read) {
      shared_->read_out = cursor_.at_end();
      shared_->read_back = std::move(read_back);
    }
  }

  // Writing.

  /// Returns the size that the rows had.
  std::size_t commit(std::vector<Row>& rows, std::uint64_t executing) {
    std::size_t bytes = 0;
    for (const Row& row : rows) bytes += size_of(row);
    const TimePoint now = Clock::now();
    const bool due = now >= last_update_ + kUpdateEvery;
    if (due) last_update_ = now;  // also where there is no run to tell of: else it would be due for ever
    const bool update = due && file_.run() != 0;
    if (rows.empty() && !update) return bytes;
    std::optional<Transaction> transaction;
    patiently([&] { transaction.emplace(file_.database()); });
    for (Row& row : rows) write(row);
    if (update) {
      file_.require_in_place();
      file_.update_run(executing);
    }
    transaction->commit();
    last_commit_ = Clock::now();
    for (Row& row : rows) {
      cursor_.add(row.outcome.task);
      if (texts_are_read_) drop_texts(row.outcome);
    }
    return bytes;
  }

  void write(Row& row) {
    row.run = file_.run();
    if (file_.settled().again.contains(row.outcome.task)) keep_history(row);
    row_writer_->write(row);
  }

  // What an earlier run had of the task is among its earlier attempts.
  void keep_history(Row& row) {
    old_row_->bind(0, static_cast<std::int64_t>(row.outcome.task.get()));
    if (old_row_->step()) {
      Outcome old = read_row(*old_row_).outcome;
      std::vector<Outcome> history = std::exchange(old.earlier, {});
      history.push_back(std::move(old));
      std::move(row.outcome.earlier.begin(), row.outcome.earlier.end(), std::back_inserter(history));
      row.outcome.earlier = std::move(history);
    }
    old_row_->reset();
  }

  void end(int exit_code) {
    row_writer_.reset();
    old_row_.reset();
    patiently([&] { file_.end_run(exit_code); });
    done_ = true;
  }

  // Again as long as somebody else writes to the file.
  template <typename Begin>
  void patiently(Begin begin) {
    for (const TimePoint give_up = Clock::now() + kPatience;;) {
      try {
        return begin();
      } catch (const DatabaseError& error) {
        if (!error.is_busy() || is_over() || Clock::now() > give_up) throw;
      }
    }
  }

  bool is_over() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->over;
  }

  std::shared_ptr<Shared> shared_;
  RecordFile file_;
  ResultCursor cursor_;
  bool texts_are_read_;  ///< back later
  std::optional<RowWriter> row_writer_;
  std::optional<Statement> old_row_;
  TimePoint last_commit_{};
  TimePoint last_update_ = Clock::now();
  bool gaps_passed_ = false;
  bool done_ = false;
};

// The owner's side.

Recorder::Recorder(RecordFile file, ReadBack read_back) : shared_(std::make_shared<Shared>()) {
  thread_ = std::thread([shared = shared_, file = std::move(file), read_back]() mutable {
    const std::string path = file.path();
    std::optional<std::string> failure;
    try {
      Writer(shared, std::move(file), read_back).run();
    } catch (const std::exception& error) {  // it could not even begin
      failure = failure_text(path, error.what());
    }
    const std::lock_guard lock(shared->mutex);
    if (failure) shared->failure = std::move(failure);
    shared->closed = true;
  });
}

Recorder::~Recorder() {
  bool closed = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->over = true;
    closed = shared_->closed;
  }
  shared_->changed.notify_one();
  if (closed) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void Recorder::add(Row&& row) {
  bool call = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->bytes += size_of(row);
    ++shared_->added;
    shared_->waiting.push_back(std::move(row));
    call = std::exchange(shared_->thread_sleeps, false) || shared_->waiting.size() == kGroup;
  }
  if (call) shared_->changed.notify_one();
}

void Recorder::expedite() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->expedite = true;
  }
  shared_->changed.notify_one();
}

std::vector<Row> Recorder::take_committed() {
  const std::lock_guard lock(shared_->mutex);
  for (const Row& row : shared_->committed) shared_->bytes -= size_of(row);
  shared_->taken += shared_->committed.size();
  return std::exchange(shared_->committed, {});
}

std::vector<Row> Recorder::take_read_back() {
  std::vector<Row> rows;
  {
    const std::lock_guard lock(shared_->mutex);
    rows = std::exchange(shared_->read_back, {});
  }
  if (!rows.empty()) shared_->changed.notify_one();
  return rows;
}

void Recorder::end_order() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->gaps_pass = true;
    shared_->expedite = true;
  }
  shared_->changed.notify_one();
}

bool Recorder::congested() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->bytes > kCongestedBytes || shared_->added - shared_->taken > kCongestedRows;
}

bool Recorder::committed() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->taken == shared_->added;
}

bool Recorder::read_out() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->read_out && shared_->read_back.empty();
}

std::optional<std::string> Recorder::failure() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->failure;
}

void Recorder::set_executing(std::uint64_t tasks) {
  const std::lock_guard lock(shared_->mutex);
  shared_->executing = tasks;
}

void Recorder::finish(int exit_code) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->exit_code = exit_code;
  }
  shared_->changed.notify_one();
}

bool Recorder::closed() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->closed;
}

}  // namespace parrun::record
