#pragma once
#include <optional>
#include <string>

#include "record/database.hpp"

namespace parrun::record {

/// A copy of a record and of its log as they were at one moment, whoever writes them meanwhile; nothing of it
/// stays when the connection ends. None where there is no log any more. Throws InputError where no copy can
/// be made.
///
/// For file systems that several hosts share: all who open an SQLite file with a log must be on one host, as
/// they share the log's index in memory (https://www.sqlite.org/wal.html). A reader on another one would see
/// an old index, and could write it over the run's.
std::optional<Database> open_copied(const std::string& path);

}  // namespace parrun::record
