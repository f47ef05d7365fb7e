#pragma once
// Whether a function has made a system call. One that has made none has left nothing behind in the kernel: no
// process, thread, file, handler, timer, output. To look for all of these after each call would cost some
// twenty system calls, many times what most functions cost that only compute.
//
// The kernel tells by a signal (Syscall User Dispatch, Linux 5.11): the first system call of a function that
// is watched is trapped, the watch ends, and the call is made. So a function meets it once, if at all.

namespace parrun {

/// Of the thread that makes it; one in a process.
class SyscallWatch {
 public:
  SyscallWatch();
  SyscallWatch(const SyscallWatch&) = delete;
  SyscallWatch& operator=(const SyscallWatch&) = delete;
  ~SyscallWatch();

  /// From here on.
  void begin();
  /// Until here.
  void end();
  /// A system call was made since begin(), or there might have been, where the kernel does not tell.
  bool touched() const;
};

}  // namespace parrun
