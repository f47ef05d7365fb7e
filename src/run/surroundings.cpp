#include "run/surroundings.hpp"

#include <signal.h>

namespace parrun {

Again comes_again(const EarlyEnd& end) {
  constexpr int kMostFruitless = 3;
  const bool warned = end.signal == 0 || end.signal == SIGUSR1 || end.signal == SIGUSR2;
  if (!warned || !end.left) return Again::no;
  return end.fruitless && end.fruitless_before + 1 >= kMostFruitless ? Again::in_vain : Again::yes;
}

}  // namespace parrun
