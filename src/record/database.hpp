#pragma once
// SQLite's C interface with owners. The only part of the program that calls it.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace parrun {

/// What SQLite could not do. what() says it in its words.
class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  int code() const { return code_; }  ///< extended result code, https://www.sqlite.org/rescode.html
  bool is_full() const;               ///< no room on the disk
  bool is_foreign() const;            ///< the file is no database
  bool is_damaged() const;
  bool is_about_schema() const;  ///< a table or a column is not there
  bool is_busy() const;          ///< another connection holds it
  bool is_read_only() const;
  /// The file system gives no locks, or no shared memory.
  bool is_about_locks() const;

 private:
  int code_;
};

/// A prepared statement. Parameters and columns count from 0.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  /// The bytes must live until the statement was executed or reset.
  Statement& bind_text(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  /// True where there is a row to look at.
  bool step();
  /// To its end, whatever rows there are; then it can be bound anew.
  void execute();
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  /// Text or blob; empty where it is NULL. Valid until the next step.
  std::string_view bytes(int column) const;
  bool is_null(int column) const;
  bool is_blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void check(int code) const;

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection to one file.
class Database {
 public:
  enum class Access {
    read_only,
    read_write,
    without_locks,  ///< read and write, on a file system that has none
    immutable  ///< read-only, while nobody writes the file: without locks, and with no other file beside it
  };
  Database(const std::string& path, Access access);

  Statement prepare(std::string_view sql) const { return {handle_.get(), sql}; }
  /// Statements without parameters, whose rows do not matter.
  void execute(const char* sql) const;
  /// The first column of the first row. REQUIRES: there is one.
  std::int64_t integer(std::string_view sql) const;
  std::string text(std::string_view sql) const;
  /// Rows that the last statement has changed.
  int changes() const;
  /// Ends the connection; merges the log into the file where nobody else has it open.
  void close() { handle_.reset(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(const Database& database) : database_(database) {
    database.execute("BEGIN IMMEDIATE");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace parrun
