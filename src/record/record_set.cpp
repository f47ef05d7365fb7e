#include "record/record_set.hpp"

#include <fmt/format.h>

#include <queue>
#include <utility>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

using record::Row;
using record::Run;

struct Opened {
  std::string path;
  Run run;
};

void require_together(const Opened& one, const Opened& other) {
  if (one.run.batch_hash != other.run.batch_hash || one.run.tasks != other.run.tasks) {
    throw InputError(fmt::format("{} is of another batch ({}) than {} ({}); give records of one batch",
                                 other.path, other.run.batch, one.path, one.run.batch));
  }
  if (!one.run.shard.overlaps(other.run.shard)) return;
  throw InputError(
      fmt::format("{} and {} have tasks in common: they are of shards {} and {}; give each task once",
                  one.path, other.path, to_string(one.run.shard), to_string(other.run.shard)));
}

// The next row of one record.
struct Head {
  Row row;
  std::size_t reader;
};
bool is_later(const Head& one, const Head& other) { return one.row.outcome.task > other.row.outcome.task; }

}  // namespace

RecordSet::RecordSet(const std::vector<std::string>& paths) {
  std::vector<Opened> opened;
  for (const std::string& path : paths) {
    readers_.push_back(std::make_unique<RecordReader>(path));
    const Opened next{path, readers_.back()->last_run()};
    for (const Opened& earlier : opened) require_together(earlier, next);
    opened.push_back(next);
  }
}

void RecordSet::for_each(const record::Selection& selection, record::Texts texts,
                         const std::function<void(const Row&)>& visit) const {
  std::vector<std::function<std::optional<Row>()>> rows;
  std::priority_queue<Head, std::vector<Head>, decltype(&is_later)> heads(&is_later);
  const auto advance = [&](std::size_t reader) {
    if (std::optional<Row> row = rows[reader]()) heads.push({std::move(*row), reader});
  };
  for (const auto& reader : readers_) {
    rows.push_back(reader->rows(selection, texts));
    advance(rows.size() - 1);
  }
  while (!heads.empty()) {
    const std::size_t reader = heads.top().reader;
    visit(heads.top().row);
    heads.pop();
    advance(reader);
  }
}

}  // namespace parrun
