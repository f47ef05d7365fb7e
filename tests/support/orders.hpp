#pragma once
// What a dispatcher gives, in tests.

#include <vector>

#include "support/kept_bytes.hpp"
#include "wire/messages.hpp"

namespace parrun::test {

inline Give give_of(std::uint32_t epoch, const std::vector<AttemptOrder>& orders) {
  Bytes frames;
  for (const AttemptOrder& order : orders) frames += encode(order);
  return {epoch, kept(std::move(frames))};
}

inline std::vector<AttemptOrder> orders_of(const Give& give) {
  std::vector<AttemptOrder> orders;
  for_each_order(give.orders, [&](const AttemptOrder& order, BytesView) { orders.push_back(order); });
  return orders;
}

}  // namespace parrun::test
