#include "doctor/cores.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace parrun::doctor {
namespace {

constexpr int kMostCores = 1 << 16;

// A cpu_set_t of its own size: the usual one ends at 1024.
class CoreSet {
 public:
  explicit CoreSet(int cores) : size_(CPU_ALLOC_SIZE(cores)), set_(CPU_ALLOC(cores)) {
    CPU_ZERO_S(size_, set_.get());
  }
  void insert(int core) { CPU_SET_S(static_cast<std::size_t>(core), size_, set_.get()); }
  bool contains(int core) const { return CPU_ISSET_S(static_cast<std::size_t>(core), size_, set_.get()); }
  bool read(int pid) { return sched_getaffinity(pid, size_, set_.get()) == 0; }
  bool apply() const { return sched_setaffinity(0, size_, set_.get()) == 0; }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  std::size_t size_;
  std::unique_ptr<cpu_set_t, Free> set_;
};

}  // namespace

std::string ranges(const Numbers& numbers) {
  std::string text;
  for (std::size_t first = 0; first < numbers.size();) {
    std::size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[first]);
    if (last > first) text += fmt::format("-{}", numbers[last]);
    first = last + 1;
  }
  return text;
}

Numbers cores_of(int pid) {
  Numbers cores;
  for (int size = CPU_SETSIZE; size <= kMostCores; size *= 2) {
    CoreSet set(size);
    if (set.read(pid)) {
      for (int core = 0; core < size; ++core) {
        if (set.contains(core)) cores.push_back(core);
      }
      return cores;
    }
    if (errno != EINVAL) break;  // EINVAL: the kernel's set is larger
  }
  return cores;
}

int cores_of_host() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

Unbound::Unbound() : before_(cores_of(0)) {
  CoreSet all(kMostCores);  // the kernel takes of it what there is
  for (int core = 0; core < kMostCores; ++core) all.insert(core);
  all.apply();
}

Unbound::~Unbound() {
  if (before_.empty()) return;
  CoreSet set(kMostCores);
  for (const int core : before_) set.insert(core);
  set.apply();
}

}  // namespace parrun::doctor
