#pragma once
#include <string>
#include <vector>

namespace parrun::doctor {

/// Numbers of cores, or of ranks: ascending, each once.
using Numbers = std::vector<int>;

/// "0-3,8", as the kernel and taskset(1) write it.
std::string ranges(const Numbers& numbers);

/// The cores on which `pid` may run; 0: the caller. Empty where the kernel does not tell.
Numbers cores_of(int pid);

/// The cores of this host that are on line, whoever may use them.
int cores_of_host();

// As long as it lives, this process and those that it forks may run on all cores that it may be given,
// whatever its launcher has bound it to.
class Unbound {
 public:
  Unbound();
  Unbound(const Unbound&) = delete;
  Unbound& operator=(const Unbound&) = delete;
  ~Unbound();

 private:
  Numbers before_;
};

}  // namespace parrun::doctor
