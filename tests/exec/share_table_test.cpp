#include "exec/share_table.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace {

using namespace parrun;

SharePlace place(std::int32_t number) { return {1000 + number, number, 5, 17}; }

TEST(ShareTable, TellsWhereAValueLiesUntilItIsRemoved) {
  ShareTable table;
  EXPECT_FALSE(table.find(1));
  EXPECT_TRUE(table.put(1, place(1)));
  EXPECT_TRUE(table.put(2, place(2)));
  EXPECT_EQ(table.find(1), place(1));
  EXPECT_EQ(table.find(2), place(2));
  table.remove(1);
  EXPECT_FALSE(table.find(1));
  EXPECT_EQ(table.find(2), place(2));
}

TEST(ShareTable, NoValueHasTheIdOfAFreeEntry) { EXPECT_FALSE(ShareTable().find(0)); }

TEST(ShareTable, RemovingWhatIsNotThereIsNothing) {
  ShareTable table;
  table.remove(7);
  EXPECT_TRUE(table.put(7, place(7)));
}

TEST(ShareTable, AnIdMeansWhatItWasLastPutFor) {
  ShareTable table;
  table.put(1, place(1));
  table.put(1, place(2));
  EXPECT_EQ(table.find(1), place(2));
  table.remove(1);
  EXPECT_FALSE(table.find(1));
}

TEST(ShareTable, SaysWhenItIsFullAndTakesAnotherOnceOneHasGone) {
  ShareTable table;
  for (std::uint64_t id = 1; id <= ShareTable::kCapacity; ++id) EXPECT_TRUE(table.put(id, place(1)));
  EXPECT_FALSE(table.put(5000, place(1)));
  table.remove(3);
  EXPECT_TRUE(table.put(5000, place(5)));
  EXPECT_EQ(table.find(5000), place(5));
}

TEST(ShareTable, AProcessThatWasForkedBeforeSeesWhatIsPutAndCannotWriteOverIt) {
  ShareTable table;
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    table.make_read_only();
    char any = 0;
    if (read(told[0], &any, 1) != 1 || table.find(1) != place(1)) _exit(1);
    signal(SIGSEGV, SIG_DFL);  // a sanitizer has a handler
    table.remove(1);
    _exit(2);
  }
  table.put(1, place(1));
  ASSERT_EQ(write(told[1], "x", 1), 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(table.find(1), place(1));
  close(told[0]);
  close(told[1]);
}

TEST(ShareTable, AReaderNeverSeesOneValuesPlaceUnderAnothersId) {
  ShareTable table;
  std::atomic<bool> over{false};
  std::jthread writer([&] {
    for (std::int32_t id = 1; id <= 200'000; ++id) {
      table.put(static_cast<std::uint64_t>(id), place(id));
      table.remove(static_cast<std::uint64_t>(id));
    }
    over = true;
  });
  while (!over) {
    for (std::int32_t id = 1; id < 200'000 && !over; id += 7) {
      const auto found = table.find(static_cast<std::uint64_t>(id));
      ASSERT_TRUE(!found || *found == place(id));
    }
  }
}

}  // namespace
