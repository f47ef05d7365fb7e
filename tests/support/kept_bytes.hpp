#pragma once
#include <deque>
#include <utility>

#include "base/bytes.hpp"

namespace parrun::test {

/// A message has views of bytes that live on with it: these do until the end of the tests.
inline BytesView kept(Bytes bytes) {
  static std::deque<Bytes> all;
  return all.emplace_back(std::move(bytes));
}

}  // namespace parrun::test
