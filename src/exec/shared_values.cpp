#include "exec/shared_values.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "parrun/shared.hpp"

namespace parrun {
namespace {

// A handle comes out of an archive, which knows nothing of the executor that reads it.
thread_local SharedValues* values_here = nullptr;

}  // namespace

SharedValues::SharedValues(const ShareTable& table) : table_(table) { values_here = this; }
SharedValues::~SharedValues() { values_here = nullptr; }

std::shared_ptr<const void> SharedValues::find(std::uint64_t id, std::uint64_t bytes) {
  const std::optional<SharePlace> place = table_.find(id);
  if (!place) throw std::runtime_error("it was released before this task began");
  if (place->bytes != bytes) throw std::runtime_error("its handle tells another size");
  const auto known = mapped_.find(id);
  if (known != mapped_.end() && known->second.place == *place) return known->second.data;
  return mapped_.insert_or_assign(id, Mapped{*place, map_shared(*place)}).first->second.data;
}

bool SharedValues::drop_released() {
  return std::erase_if(mapped_,
                       [this](const auto& one) { return table_.find(one.first) != one.second.place; }) > 0;
}

// What a handle asks for.

namespace {

std::shared_ptr<const void> find_here(std::uint64_t id, std::uint64_t bytes) {
  if (values_here == nullptr) {
    throw std::runtime_error(
        "a handle that came out of a task, or another archive, is read in tasks alone, on their own thread");
  }
  return values_here->find(id, bytes);
}

}  // namespace

std::shared_ptr<const void> detail::find_shared(std::uint64_t id, std::uint64_t bytes) {
  try {
    return find_here(id, bytes);
  } catch (const std::runtime_error&) {  // told when it is used: see throw_not_shared()
    return nullptr;
  }
}

void detail::throw_not_shared(std::uint64_t id, std::uint64_t bytes) {
  std::string why = "its handle was read before it was there";
  try {
    find_here(id, bytes);
  } catch (const std::runtime_error& error) {
    why = error.what();
  }
  throw std::runtime_error(fmt::format("shared value {} is not there: {}", id, why));
}

}  // namespace parrun
