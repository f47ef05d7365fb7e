#pragma once
// An outcome as a row of the table `tasks` (record/schema.hpp), and back.

#include <cstdint>
#include <string>

#include "parrun/outcome.hpp"
#include "record/database.hpp"
#include "record/stored_text.hpp"

namespace parrun::record {

struct Row {
  Outcome outcome;
  std::string label;
  std::int64_t run = 1;
};

/// What it takes in memory [bytes].
std::size_t size_of(const Row& row);

/// What a row takes: less than SQLite's 1,000,000,000 bytes, https://www.sqlite.org/limits.html.
inline constexpr std::size_t kMostRowBytes = 950'000'000;
/// A task's result, beside which there is room for all else.
inline constexpr std::size_t kMostValueBytes = 900'000'000;

/// Writes rows, each in place of its task's earlier one. Not for two threads at once.
class RowWriter {
 public:
  /// Of what tasks wrote a row takes no more than leaves it at `most` bytes.
  explicit RowWriter(const Database& database, std::size_t most = kMostRowBytes);

  /// What SQLite clients could not show in its short texts (label, error, ...) is replaced in `row` too, and
  /// what is too large of what the task wrote is cut there, and marked. REQUIRES: its value has at most
  /// kMostValueBytes.
  void write(Row& row);

 private:
  void bind(int parameter, const std::string& text);
  void bind(int parameter, std::string& text, std::string& buffer, std::size_t& room);
  void bind_value(int parameter, const Outcome& outcome);

  Statement insert_;
  std::size_t most_;
  TextStore store_;
  std::string stdout_buffer_, stderr_buffer_;
};

enum class Texts { with, without };

/// The columns to select for read_row(); without: stdout, stderr and value are not touched.
std::string select_columns(Texts texts);

/// The row on which `statement` stands. Throws FormatError where it is damaged: an unknown state, a checksum
/// that does not match, a text that cannot be decompressed.
Row read_row(const Statement& statement);

}  // namespace parrun::record
