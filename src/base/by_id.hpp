#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace parrun {

// Things by number, of which most come in ascending order and go soon. Each has the place of its number
// modulo the places there are, of which there are twice as many as things; what is still there when another
// one is to have its place moves into a map. So almost all are found at the first look, and nothing is
// allocated for one.
template <typename T>
class ById {
 public:
  /// As T() makes it, or as leave() left it. REQUIRES: there is none for `id`.
  T& add(std::uint64_t id) {
    if (2 * size_ >= places_.size()) grow();
    Place& place = place_of(id);
    if (place.id != kNobody) displaced_.emplace(place.id, std::exchange(place.thing, T()));
    place.id = id;
    ++size_;
    return place.thing;
  }
  /// Null: there is none. Another's add() moves it.
  T* find(std::uint64_t id) {
    if (places_.empty()) return nullptr;
    if (Place& place = place_of(id); place.id == id) return &place.thing;
    if (displaced_.empty()) return nullptr;
    const auto found = displaced_.find(id);
    return found == displaced_.end() ? nullptr : &found->second;
  }
  const T* find(std::uint64_t id) const { return const_cast<ById*>(this)->find(id); }
  bool contains(std::uint64_t id) const { return find(id) != nullptr; }
  /// Throws std::out_of_range where there is none.
  T& at(std::uint64_t id) {
    if (T* thing = find(id)) return *thing;
    throw std::out_of_range("nothing has the number " + std::to_string(id));
  }
  /// REQUIRES: it is there.
  void erase(std::uint64_t id) {
    T* const left = leave(id);
    if (left == nullptr) return;
    static_assert(std::is_nothrow_default_constructible_v<T>);
    std::destroy_at(left);  // made anew where it lies: T() and a copy take twice as long
    std::construct_at(left);
  }
  /// The same, but what has a place of its own, and is returned, stays there as it is for the next one, which
  /// may use its memory.
  T* leave(std::uint64_t id) {
    --size_;
    Place& place = place_of(id);
    if (place.id == id) {
      place.id = kNobody;
      return &place.thing;
    }
    displaced_.erase(id);
    return nullptr;
  }
  /// What lies in the place of `id`, whosever it is. REQUIRES: something was added.
  const T& place(std::uint64_t id) const { return places_[index_of(id)].thing; }
  std::size_t size() const { return size_; }
  /// So many things may have been left.
  std::size_t places() const { return places_.size(); }

  /// Calls `each(id, thing)`, in no order.
  void for_each(auto each) const {
    for (const Place& place : places_) {
      if (place.id != kNobody) each(place.id, place.thing);
    }
    for (const auto& [id, thing] : displaced_) each(id, thing);
  }

 private:
  static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();
  struct Place {
    std::uint64_t id = kNobody;
    T thing;
  };

  std::size_t index_of(std::uint64_t id) const { return id & (places_.size() - 1); }
  Place& place_of(std::uint64_t id) { return places_[index_of(id)]; }
  // Those that had places of their own before have them afterwards too.
  void grow() {
    constexpr std::size_t kFirst = 16;
    std::vector<Place> before(places_.empty() ? kFirst : 2 * places_.size());
    before.swap(places_);
    for (Place& place : before) {
      if (place.id != kNobody) place_of(place.id) = std::move(place);
    }
  }

  std::vector<Place> places_;  ///< a power of two, or none
  std::unordered_map<std::uint64_t, T> displaced_;
  std::size_t size_ = 0;
};

}  // namespace parrun
