#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/descriptor.hpp"

namespace parrun {

// A file that appears under its name complete or not at all: written beside it under a temporary name, which
// commit() renames; destroyed before that, it leaves nothing. It has the mode of a file that it replaces.
// What is no regular file already (a pipe, a device, a descriptor handed in) is written to directly. All
// throw InputError where the system refuses.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  /// Does not close `fd`. `name` stands for it in errors.
  OutputFile(int fd, std::string name);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(BytesView bytes);
  void commit();
  std::uint64_t size() const { return size_; }  ///< bytes written so far, buffered ones included

 private:
  void create_beside(const std::string& path, mode_t mode);
  void flush();
  void write_through(BytesView bytes);
  [[noreturn]] void refuse(int error) const;

  Descriptor owned_;
  int fd_ = -1;
  std::string name_;
  std::string target_;     ///< empty: written to directly
  std::string temporary_;  ///< empty: nothing to rename or remove
  Bytes buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace parrun
