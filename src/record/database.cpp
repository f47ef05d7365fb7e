#include "record/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace parrun {
namespace {

constexpr int kPrimary = 0xff;       // an extended code's lowest byte is its family
constexpr int kBusyLimit_ms = 5000;  // a reader that copies the file, a checkpoint of somebody else's

[[noreturn]] void fail(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  const int system = sqlite3_system_errno(database);
  std::string what = sqlite3_errmsg(database);
  if ((code & kPrimary) == SQLITE_IOERR && system != 0) what += fmt::format(" (errno {})", system);
  throw DatabaseError(code, what);
}

int open_flags(Database::Access access) {
  switch (access) {
    case Database::Access::read_only:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    case Database::Access::immutable:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    case Database::Access::read_write:
    case Database::Access::without_locks:
      break;
  }
  return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
}

// See https://www.sqlite.org/uri.html.
std::string immutable_uri(const std::string& path) {
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path)
    uri += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02x}", c) : std::string(1, c);
  return uri + "?immutable=1";
}

}  // namespace

// Errors.

bool DatabaseError::is_full() const { return (code_ & kPrimary) == SQLITE_FULL; }

bool DatabaseError::is_foreign() const { return (code_ & kPrimary) == SQLITE_NOTADB; }

bool DatabaseError::is_damaged() const { return (code_ & kPrimary) == SQLITE_CORRUPT; }

bool DatabaseError::is_about_schema() const { return code_ == SQLITE_ERROR; }

bool DatabaseError::is_busy() const { return (code_ & kPrimary) == SQLITE_BUSY; }

bool DatabaseError::is_read_only() const {
  const int family = code_ & kPrimary;
  return family == SQLITE_READONLY || family == SQLITE_CANTOPEN;
}

bool DatabaseError::is_about_locks() const {
  switch (code_) {
    case SQLITE_IOERR_LOCK:
    case SQLITE_IOERR_RDLOCK:
    case SQLITE_IOERR_UNLOCK:
    case SQLITE_IOERR_CHECKRESERVEDLOCK:
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMLOCK:
    case SQLITE_IOERR_SHMMAP:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

// Statements.

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement, nullptr) != SQLITE_OK) {
    fail(database);
  }
  statement_.reset(statement);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()));
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), parameter + 1, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(statement_.get(), parameter + 1, value));
  return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), parameter + 1, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_.get(), parameter + 1, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(statement_.get(), parameter + 1));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(sqlite3_db_handle(statement_.get()));
  return false;
}

void Statement::execute() {
  while (step()) {
  }
  reset();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view Statement::bytes(int column) const {
  const void* const data = is_blob(column)
                               ? sqlite3_column_blob(statement_.get(), column)
                               : static_cast<const void*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

bool Statement::is_blob(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_BLOB;
}

// Connections.

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Database::Database(const std::string& path, Access access) {
  sqlite3* handle = nullptr;
  // A path that begins with "file:" would be a URI, and ":memory:" no file at all.
  const std::string plain = path.starts_with('/') ? path : "./" + path;
  const std::string name = access == Access::immutable ? immutable_uri(plain) : plain;
  const char* const system = access == Access::without_locks ? "unix-none" : nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, open_flags(access), system);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(handle);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyLimit_ms);
}

void Database::execute(const char* sql) const {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(handle_.get());
}

int Database::changes() const { return sqlite3_changes(handle_.get()); }

std::int64_t Database::integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  statement.step();
  return statement.integer(0);
}

std::string Database::text(std::string_view sql) const {
  Statement statement = prepare(sql);
  statement.step();
  return std::string(statement.bytes(0));
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const DatabaseError&) {  // SQLite has rolled back itself: a full disk
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace parrun
