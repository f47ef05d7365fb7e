#include "record/row.hpp"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "core/outcome.hpp"
#include "core/outcome_json.hpp"
#include "record/schema.hpp"

namespace parrun::record {
namespace {

// In the order of kTaskColumns.
enum Column {
  kTask,
  kLabel,
  kState,
  kAttempt,
  kRank,
  kHost,
  kStarted,
  kElapsed,
  kUser,
  kSystem,
  kMaxRss,
  kExitCode,
  kSignal,
  kError,
  kStdout,
  kStderr,
  kValue,
  kWarning,
  kEarlier,
  kErrorType,
  kRun,
  kChecksum
};

std::int64_t checksum(const Row& row, std::string_view earlier) {
  const Outcome& outcome = row.outcome;
  ByteWriter fields;
  fields.put(outcome.task.get()).put(row.label).put(outcome.state).put(outcome.attempt);
  fields.put(outcome.rank.get()).put(outcome.host).put(outcome.started_s).put(outcome.elapsed_s);
  fields.put(outcome.user_s).put(outcome.system_s).put(outcome.max_rss_kb).put(outcome.exit_code);
  fields.put(outcome.signal).put(outcome.error).put(outcome.warning).put(earlier).put(outcome.error_type);
  fields.put(row.run);
  const Bytes bytes = fields.take();
  return static_cast<std::int64_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

// Task functions and file names can bring any bytes.
void make_plain(std::string& text) {
  if (is_plain_text(text)) return;
  for (char& c : text) {
    if (c == '\0' || static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
}

std::size_t size_beside_texts(const Row& row, std::string_view earlier) {
  constexpr std::size_t kFields = 1024;  // and what is always short
  const Outcome& outcome = row.outcome;
  return kFields + row.label.size() + outcome.error.size() + outcome.warning.size() +
         outcome.error_type.size() + outcome.value.size() + earlier.size();
}

// What is left of it is stored in `room`, also where it cannot be compressed.
void cut(std::string& text, std::size_t room) {
  constexpr std::string_view kMark = "\n[parrun: cut here, more does not fit into the record]\n";
  constexpr std::size_t kFrame = 64;
  const std::size_t around = kMark.size() + kFrame + room / 128;
  text.resize(room - std::min(room, around));
  text += kMark;
}

std::string text(const Statement& statement, int column) { return std::string(statement.bytes(column)); }

std::string restored(const Statement& statement, int column) {
  return restore_text({statement.bytes(column), statement.is_blob(column)});
}

State state_at(const Statement& statement) {
  const std::optional<State> state = parse_state(statement.bytes(kState));
  if (!state) throw FormatError("an unknown state");
  return *state;
}

}  // namespace

std::size_t size_of(const Row& row) { return sizeof row - sizeof row.outcome + size_of(row.outcome); }

// Writing.

RowWriter::RowWriter(const Database& database, std::size_t most)
    : insert_(database.prepare(
          fmt::format("INSERT OR REPLACE INTO tasks({}) VALUES({})", kTaskColumns, kTaskParameters))),
      most_(most) {}

void RowWriter::bind(int parameter, const std::string& text) {
  text.empty() ? insert_.bind_null(parameter) : insert_.bind_text(parameter, text);
}

void RowWriter::bind(int parameter, std::string& text, std::string& buffer, std::size_t& room) {
  StoredText stored = store_.store(text, buffer);
  if (stored.bytes.size() > room) {
    cut(text, room);
    stored = store_.store(text, buffer);
  }
  room -= std::min(room, stored.bytes.size());
  stored.is_blob ? insert_.bind_blob(parameter, stored.bytes) : insert_.bind_text(parameter, stored.bytes);
}

void RowWriter::bind_value(int parameter, const Outcome& outcome) {
  if (outcome.value.empty()) {
    insert_.bind_null(parameter);
  } else if (outcome.value_is_json) {
    insert_.bind_text(parameter, outcome.value);
  } else {
    insert_.bind_blob(parameter, outcome.value);
  }
}

void RowWriter::write(Row& row) {
  Outcome& outcome = row.outcome;
  for (std::string* plain :
       {&row.label, &outcome.host, &outcome.error, &outcome.warning, &outcome.error_type}) {
    make_plain(*plain);
  }
  const std::string earlier = earlier_to_json(outcome.earlier);
  const auto number = [&](Column column, std::int64_t value) { insert_.bind(column, value); };
  const auto real = [&](Column column, double value) { insert_.bind(column, value); };
  number(kTask, static_cast<std::int64_t>(outcome.task.get()));
  bind(kLabel, row.label);
  insert_.bind_text(kState, to_string(outcome.state));
  number(kAttempt, outcome.attempt);
  number(kRank, outcome.rank.get());
  insert_.bind_text(kHost, outcome.host);
  real(kStarted, outcome.started_s);
  real(kElapsed, outcome.elapsed_s);
  real(kUser, outcome.user_s);
  real(kSystem, outcome.system_s);
  number(kMaxRss, outcome.max_rss_kb);
  number(kExitCode, outcome.exit_code);
  number(kSignal, outcome.signal);
  bind(kError, outcome.error);
  std::size_t room = most_ - std::min(most_, size_beside_texts(row, earlier));
  bind(kStdout, outcome.stdout_text, stdout_buffer_, room);
  bind(kStderr, outcome.stderr_text, stderr_buffer_, room);
  bind_value(kValue, outcome);
  bind(kWarning, outcome.warning);
  bind(kEarlier, earlier);
  bind(kErrorType, outcome.error_type);
  number(kRun, row.run);
  number(kChecksum, checksum(row, earlier));
  insert_.execute();
}

// Reading.

std::string select_columns(Texts texts) {
  std::string columns(kTaskColumns);
  if (texts == Texts::without) {
    constexpr std::string_view kTexts = "stdout, stderr, value";
    columns.replace(columns.find(kTexts), kTexts.size(), "NULL, NULL, NULL");
  }
  return columns;
}

Row read_row(const Statement& statement) try {
  Row row;
  Outcome& outcome = row.outcome;
  outcome.task = TaskId(static_cast<std::uint64_t>(statement.integer(kTask)));
  row.label = text(statement, kLabel);
  outcome.state = state_at(statement);
  outcome.attempt = static_cast<int>(statement.integer(kAttempt));
  outcome.rank = Rank(static_cast<int>(statement.integer(kRank)));
  outcome.host = text(statement, kHost);
  outcome.started_s = statement.real(kStarted);
  outcome.elapsed_s = statement.real(kElapsed);
  outcome.user_s = statement.real(kUser);
  outcome.system_s = statement.real(kSystem);
  outcome.max_rss_kb = statement.integer(kMaxRss);
  outcome.exit_code = static_cast<int>(statement.integer(kExitCode));
  outcome.signal = static_cast<int>(statement.integer(kSignal));
  outcome.error = text(statement, kError);
  outcome.stdout_text = restored(statement, kStdout);
  outcome.stderr_text = restored(statement, kStderr);
  outcome.value = text(statement, kValue);
  outcome.value_is_json = !outcome.value.empty() && !statement.is_blob(kValue);
  outcome.warning = text(statement, kWarning);
  outcome.error_type = text(statement, kErrorType);
  row.run = statement.integer(kRun);
  const std::string_view earlier = statement.bytes(kEarlier);
  if (checksum(row, earlier) != statement.integer(kChecksum))
    throw FormatError("its checksum does not match");
  outcome.earlier = earlier_from_json(outcome.task, earlier);
  return row;
} catch (const std::exception& error) {
  throw FormatError(fmt::format("task {}: {}", statement.integer(kTask), error.what()));
}

}  // namespace parrun::record
