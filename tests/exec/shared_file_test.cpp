#include "exec/shared_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/children.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

SharedFile sealed(BytesView value) {
  SharedFile file(value.size());
  file.append(value);
  file.seal();
  return file;
}

std::string text_of(const std::shared_ptr<const void>& mapping, std::size_t size) {
  return {static_cast<const char*>(mapping.get()), size};
}

/// What the kernel says the mappings of this process are of: /proc/self/maps.
bool maps(const SharePlace& place) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/map_files")) {
    struct stat status {};
    if (stat(entry.path().c_str(), &status) == 0 && status.st_ino == place.inode) return true;
  }
  return false;
}

TEST(SharedFile, IsReadWhereItIsMapped) {
  SharedFile file(5);
  file.append("ab");
  EXPECT_EQ(file.filled(), 2U);
  file.append("cde");
  file.seal();
  EXPECT_EQ(file.place().bytes, 5U);
  EXPECT_EQ(text_of(map_shared(file.place()), 5), "abcde");
}

TEST(SharedFile, AProcessThatWasForkedBeforeReadsIt) {
  int to_child[2];
  ASSERT_EQ(pipe(to_child), 0);
  const pid_t child = fork();
  if (child == 0) {
    SharePlace place;
    if (read(to_child[0], &place, sizeof place) != sizeof place) _exit(1);
    _exit(text_of(map_shared(place), 5) == "abcde" ? 0 : 2);
  }
  const SharedFile file = sealed("abcde");
  ASSERT_EQ(write(to_child[1], &file.place(), sizeof(SharePlace)), ssize_t{sizeof(SharePlace)});
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(to_child[0]);
  close(to_child[1]);
}

TEST(SharedFile, NobodyCanWriteToIt) {
  const SharedFile file = sealed("abcde");
  const auto mapping = map_shared(file.place());
  EXPECT_NE(mprotect(const_cast<void*>(mapping.get()), 5, PROT_READ | PROT_WRITE), 0);
  const auto write = [&] {
    signal(SIGSEGV, SIG_DFL);  // a sanitizer has a handler
    const_cast<char*>(static_cast<const char*>(mapping.get()))[0] = 'x';
  };
  EXPECT_EXIT(write(), ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EQ(ftruncate(file.place().fd, 0), -1);
  EXPECT_EQ(pwrite(file.place().fd, "x", 1, 0), -1);
}

TEST(SharedFile, OutlivesItsKeeperWhereItIsMapped) {
  std::optional<SharedFile> file = sealed("abcde");
  const SharePlace place = file->place();
  const auto mapping = map_shared(place);
  file.reset();
  EXPECT_EQ(text_of(mapping, 5), "abcde");
  EXPECT_THAT([&] { map_shared(place); },
              ThrowsMessage<std::runtime_error>(HasSubstr("cannot open this node's copy")));
}

TEST(SharedFile, IsNotMistakenForAnotherBehindTheSameNumber) {
  std::optional<SharedFile> file = sealed("abcde");
  const SharePlace place = file->place();
  file.reset();
  const SharedFile other = sealed("vwxyz");
  ASSERT_EQ(other.place().fd, place.fd);
  EXPECT_THAT([&] { map_shared(place); }, ThrowsMessage<std::runtime_error>(HasSubstr("is gone")));
}

TEST(SharedFile, OneThatIsNotSealedIsNotTaken) {
  SharedFile file(5);
  file.append("abcde");
  EXPECT_THROW(map_shared(file.place()), std::runtime_error);
}

TEST(SharedFile, MoreThanTheNodesMemoryIsRefusedBeforeItIsWritten) {
  EXPECT_THAT([] { SharedFile(std::uint64_t{1} << 50); },
              ThrowsMessage<std::runtime_error>(AllOf(
                  HasSubstr("a shared value of 1.0 PB does not fit in the "), HasSubstr("share less"))));
}

TEST(SharedFile, ALimitOfFilesIsToldAndKillsNobody) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      sealed(std::string(2000, 'x'));
    } catch (const std::runtime_error& error) {
      _exit(std::string(error.what()).find("ulimit -f") != std::string::npos ? 0 : 1);
    }
    _exit(2);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SharedFile, MoreBytesThanWereSaidAreRefused) {
  SharedFile file(2);
  EXPECT_THROW(file.append("abc"), std::runtime_error);
}

TEST(SharedFile, NothingIsMappedAndNoDescriptorIsLeftBehind) {
  const auto count = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = count();
  {
    const SharedFile file = sealed("abcde");
    auto mapping = map_shared(file.place());
    EXPECT_TRUE(maps(file.place()));
    EXPECT_EQ(count(), before + 1) << "the keeper's own";
    mapping.reset();
    EXPECT_FALSE(maps(file.place()));
  }
  EXPECT_EQ(count(), before);
}

TEST(SharedUse, CountsWhatOfAValueIsResidentAndNothingElse) {
  constexpr std::size_t kBytes = 8 << 20;
  const SharedFile file = sealed(std::string(kBytes, 'x'));
  const std::string own(kBytes, 'y');
  EXPECT_EQ(shared_use("self").resident_bytes, 0U);
  const auto mapping = map_shared(file.place());
  EXPECT_EQ(text_of(mapping, kBytes).back(), 'x');  // reads all of it
  const SharedUse use = shared_use(std::to_string(getpid()));
  EXPECT_EQ(use.resident_bytes, kBytes);
  EXPECT_EQ(use.proportional_bytes, kBytes) << "nobody else maps it";
}

}  // namespace
