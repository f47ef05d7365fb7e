// Shared values, one behaviour a call: see cases.hpp. The file is a folder for tasks to meet in.

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cases.hpp"
#include "parrun/parrun.hpp"

using namespace std::chrono_literals;

namespace {

using Numbers = parrun::Shared<double>;

template <typename Condition>
bool wait_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Comes back when as many as `count` tasks are in here, each in an executor of its own.
void meet(const std::string& folder, int count) {
  std::ofstream(folder + "/" + std::to_string(getpid()) + "-" +
                std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id())))
      << std::endl;
  const bool met =
      wait_until([&] { return std::distance(std::filesystem::directory_iterator(folder), {}) >= count; });
  if (!met) throw std::runtime_error("the other tasks do not come");
}

double sum(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }

}  // namespace

// The pid, after it has read all of them.
int reader_pid(const Numbers& numbers, const std::string& folder, int count) {
  if (sum(numbers) != static_cast<double>(numbers.size())) throw std::runtime_error("a wrong sum");
  meet(folder, count);
  return getpid();
}
PARRUN_TASK(reader_pid);

double total(const Numbers& numbers) { return sum(numbers); }
PARRUN_TASK(total);

double scaled(const Numbers& numbers, double factor) { return factor * sum(numbers); }
PARRUN_TASK(scaled);

Numbers hands_back(const Numbers& numbers) { return numbers; }
PARRUN_TASK(hands_back);

struct Grid {
  int cells;
  double spacing;
};
double length(const parrun::Shared<Grid>& grid) { return grid->cells * grid->spacing; }
PARRUN_TASK(length);

std::string reversed(const parrun::Shared<char>& text) {
  return {std::make_reverse_iterator(text.end()), std::make_reverse_iterator(text.begin())};
}
PARRUN_TASK(reversed);

namespace {

template <typename R>
std::vector<R> on_each_worker(parrun::Pool& pool, const parrun::Task<R>& task) {
  return pool.map(std::vector(static_cast<std::size_t>(pool.workers()), task));
}

/// The pids of all executors, which are all at work at once.
std::set<int> readers(parrun::Pool& pool, const Numbers& numbers, const std::string& folder) {
  std::filesystem::create_directory(folder);
  const auto pids = on_each_worker(pool, parrun::task<reader_pid>(numbers, folder, pool.workers()));
  return {pids.begin(), pids.end()};
}

// What the kernel says.

/// A process's mappings of shared values, by inode: resident bytes in proportion to those who map them.
std::map<std::string, double> mapped_mb(int pid) {
  std::map<std::string, double> mapped;
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps");
  std::string inode;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, second, skip;
    words >> first >> second;
    if (first.back() != ':') {
      words >> skip >> skip >> inode;
      if (line.find("memfd:parrun-shared") == line.npos) inode.clear();
    } else if (first == "Pss:" && !inode.empty()) {
      mapped[inode] += std::stod(second) / 1024;
    }
  }
  return mapped;
}

/// Those that run this program, on whatever node: ranks and executors.
std::vector<int> all_processes() {
  std::error_code gone;
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  std::vector<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && std::filesystem::read_symlink(entry.path() / "exe", gone) == program) pids.push_back(pid);
  }
  return pids;
}

bool has_open(int pid, const std::string& inode) {
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    struct stat status {};
    const std::string name = std::filesystem::read_symlink(entry.path(), gone).string();
    if (name.find("memfd:parrun-shared") == name.npos || stat(entry.path().c_str(), &status) != 0) continue;
    if (std::to_string(status.st_ino) == inode) return true;
  }
  return false;
}

/// Any of them maps it or has it open.
bool is_held(const std::string& inode) {
  return std::ranges::any_of(all_processes(),
                             [&](int pid) { return mapped_mb(pid).contains(inode) || has_open(pid, inode); });
}

// The cases.

constexpr std::size_t kMany = std::size_t{25} << 20;  // 200 MiB of doubles

void one_copy(parrun::Pool& pool, const std::string& folder) {
  const auto before = readers(pool, Numbers(), folder + "-before");
  const auto numbers = pool.share(std::vector<double>(kMany, 1.0));
  const auto pids = readers(pool, numbers, folder);
  std::cout << (before == pids ? "the same executors\n" : "other executors\n");
  std::map<std::string, double> mapped = mapped_mb(getpid());
  for (const int pid : pids) {
    for (const auto& [inode, megabytes] : mapped_mb(pid)) mapped[inode] += pid == getpid() ? 0 : megabytes;
  }
  double megabytes = 0;
  for (const auto& one : mapped) megabytes += one.second;
  std::cout << mapped.size() << " copy\n"
            << (megabytes > 195 && megabytes < 205 ? "200" : std::to_string(megabytes)) << " MB\n";
}

void carries(parrun::Pool& pool, const std::string& /*folder*/) {
  const auto numbers = pool.share(std::vector<double>(1000, 1.0));
  const auto task = parrun::task<total>(numbers);
  const std::size_t bytes = task.fields().function.size() + task.fields().arguments.size();
  std::cout << (bytes < 50 ? "less than 50" : std::to_string(bytes)) << " bytes\n";
}

void release(parrun::Pool& pool, const std::string& folder) {
  std::string inode;
  {
    const auto numbers = pool.share(std::vector<double>(kMany, 1.0));
    const auto copy = numbers;
    readers(pool, copy, folder);
    inode = mapped_mb(getpid()).begin()->first;
    std::cout << (is_held(inode) ? "held\n" : "not held\n");
  }
  // A lone rank's worker is not at work while its caller is.
  if (pool.workers() == 1) pool.map(cases::tasks_of<square>({1}));
  std::cout << (wait_until([&] { return !is_held(inode); }) ? "freed\n" : "still held\n");
}

void twice(parrun::Pool& pool, const std::string& /*folder*/) {
  std::optional one = pool.share(std::vector<double>(10, 1.0));
  const auto two = pool.share(std::vector<double>(10, 2.0));
  for (const double value : pool.map(std::vector{parrun::task<total>(*one), parrun::task<total>(two)})) {
    std::cout << value << '\n';
  }
  one.reset();
  std::cout << pool.map(std::vector{parrun::task<total>(two)})[0] << '\n';
}

// What came back from a task leads to the value, and keeps it not.
void handed_on(parrun::Pool& pool, const std::string& /*folder*/) {
  std::optional numbers = pool.share(std::vector<double>(10, 1.0));
  const Numbers same = pool.map(std::vector{parrun::task<hands_back>(*numbers)})[0];
  std::cout << pool.map(std::vector{parrun::task<total>(same)})[0] << '\n';
  numbers.reset();
  for (auto&& done : pool.unordered(std::vector{parrun::task<total>(same)}))
    std::cout << done.outcome().error << '\n';
}

// Only the tasks hold a handle: in a range, and each by a future.
void kept_by_tasks(parrun::Pool& pool, const std::string& /*folder*/) {
  const auto fresh = [&](int n) { return parrun::task<total>(pool.share(std::vector<double>(10, n))); };
  for (const double value : pool.map(std::views::iota(1, 4) | std::views::transform(fresh)))
    std::cout << value << '\n';
  auto future = pool.submit(fresh(4));
  std::cout << future.get() << '\n';
}

// Another value while results of a call are still to come, and one while the call asks for its next task.
void while_in_use(parrun::Pool& pool, const std::string& /*folder*/) {
  std::vector<Numbers> handles;
  const auto tasks = std::views::iota(1, 4) | std::views::transform([&](int n) {
                       handles.push_back(pool.share(std::vector<double>(10, n)));
                       return parrun::task<total>(handles.back());
                     });
  for (auto&& done : pool.ordered(tasks)) {
    handles.push_back(pool.share(std::vector<double>(kMany / 100, 1.0)));
    std::cout << done.value() << '\n';
  }
  std::cout << (pool.map(std::vector{parrun::task<total>(handles.back())})[0] == kMany / 100 ? "all\n"
                                                                                             : "some\n");
}

void kinds(parrun::Pool& pool, const std::string& /*folder*/) {
  const auto numbers = pool.share(std::vector<double>(3, 1.5));
  const auto none = pool.share(std::vector<double>());
  const auto grid = pool.share(Grid{4, 0.25});
  const auto text = pool.share(std::string("stressed"));
  std::cout << numbers.size() << ' ' << numbers[2] << ' ' << grid->cells << '\n';
  for (const double value :
       pool.map(std::vector{parrun::task<scaled>(numbers, 2.0), parrun::task<scaled>(none, 2.0),
                            parrun::task<length>(grid)})) {
    std::cout << value << '\n';
  }
  std::cout << pool.map(std::vector{parrun::task<reversed>(text)})[0] << '\n';
}

// As many copies as there are nodes, as those see that have them open.
void copies(parrun::Pool& pool, const std::string& folder) {
  std::set<std::string> inodes;
  {
    const auto numbers = pool.share(std::vector<double>(kMany, 1.0));
    readers(pool, numbers, folder);
    for (const int pid : all_processes()) {
      for (const auto& one : mapped_mb(pid)) inodes.insert(one.first);
    }
  }
  std::cout << inodes.size() << " copies of " << kMany * sizeof(double) / (1 << 20) << " MB\n";
  const bool freed = wait_until([&] { return std::ranges::none_of(inodes, is_held); });
  std::cout << (freed ? "freed\n" : "still held\n");
}

void sums(parrun::Pool& pool, const std::string& /*folder*/) {
  const auto numbers = pool.share(std::vector<double>(kMany, 1.0));
  double all = 0;
  for (const double value : pool.map(std::vector(6, parrun::task<total>(numbers)))) all += value;
  std::cout << (all == 6 * static_cast<double>(kMany) ? "right\n" : "wrong\n");
}

}  // namespace

int main(int argc, char** argv) {
  return cases::run(argc, argv,
                    {{"one_copy", one_copy},
                     {"carries", carries},
                     {"release", release},
                     {"twice", twice},
                     {"handed_on", handed_on},
                     {"kept_by_tasks", kept_by_tasks},
                     {"while_in_use", while_in_use},
                     {"kinds", kinds},
                     {"copies", copies},
                     {"sums", sums}});
}
