#include "base/keep_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/sanitizers.hpp"

namespace {

// Whether huge pages have been asked for where it lies (proc(5), smaps: VmFlags).
bool is_advised(const void* memory) {
  const auto address = reinterpret_cast<unsigned long>(memory);
  std::ifstream maps("/proc/self/smaps");
  bool there = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) there = begin <= address && address < end;
    if (there && line.starts_with("VmFlags:")) return line.find(" hg") != std::string::npos;
  }
  return false;
}

// In a process of their own: what malloc was told stays.
TEST(KeepMemoryDeathTest, MuchMemoryLiesInHugePagesAndLittleDoesNot) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage")) GTEST_SKIP() << "there are none here";
  const auto check = [] {
    parrun::keep_memory(std::size_t{64} << 20);
    parrun::ask_for_huge_pages();
    const char* const little = static_cast<char*>(std::malloc(1 << 16));
    const char* const much = static_cast<char*>(std::malloc(16 << 20));
    _exit(is_advised(much + (8 << 20)) && !is_advised(little) ? 0 : 1);
  };
  EXPECT_EXIT(check(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
