// To be preloaded: what some network file systems lack fails in the eyes of the program, as PARRUN_TEST_FAILS
// names it: "locks" (Lustre without flock, NFS without lockd), "shm" (memory that processes share by a file).
// "slow": what is written takes 2 s to be safe; "lazy": 0.5 s; "stuck": for ever. "late": each piece of a
// batch file takes 0.5 s to be read; "unread": for ever. "mute": what a task wrote to stdout cannot be read.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

bool fails(const char* what) {
  const char* const list = std::getenv("PARRUN_TEST_FAILS");
  return list != nullptr && std::strstr(list, what) != nullptr;
}

bool is_lock(int command) {
  return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

bool has_name_with(const char* end, int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  char path[4096];
  const ssize_t size = readlink(link.c_str(), path, sizeof path);
  return size > 0 && std::string_view(path, static_cast<std::size_t>(size)).ends_with(end);
}

template <typename F>
F* next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  if (is_lock(command) && fails("locks")) {
    errno = ENOLCK;
    return -1;
  }
  static auto* const real = next<int(int, int, ...)>("fcntl64");
  return real(fd, command, argument);
}

int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return fcntl64(fd, command, argument);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (fails("shm") && std::strstr(path, ".record-shm") != nullptr) {
    errno = EPERM;
    return -1;
  }
  static auto* const real = next<int(const char*, int, ...)>("open64");
  return real(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return open64(path, flags, mode);
}

int fdatasync(int fd) {
  while (fails("stuck")) pause();
  if (fails("slow") && has_name_with("-wal", fd)) sleep(2);
  if (fails("lazy") && has_name_with("-wal", fd)) usleep(500'000);
  return 0;
}

int fsync(int fd) { return fdatasync(fd); }

ssize_t pread(int fd, void* to, size_t size, off_t offset) {
  while (fails("unread") && has_name_with(".bin", fd)) pause();
  if (fails("mute") && has_name_with("parrun-stdout (deleted)", fd)) return 0;
  if (fails("late") && has_name_with(".bin", fd)) usleep(300'000);
  static auto* const real = next<ssize_t(int, void*, size_t, off_t)>("pread");
  return real(fd, to, size, offset);
}
}
