// ValueWriter: writes a value file, front to back. docs/formats/value-file.md has the bytes.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "vlog/value_pointer.h"

namespace nokv::vlog {

class ValueWriter {
 public:
  // Creates value file `number` in `dir`, for values of `group`. `fs` is borrowed. A writer that is
  // destroyed before Finish leaves a partial file that its owner removes.
  static Result<std::unique_ptr<ValueWriter>> Create(vfs::FileSystem& fs, const std::string& dir,
                                                     uint64_t number, ValueGroup group);

  // Appends a value whose masked checksum is `crc`; the pointer to it may be followed after Finish.
  Result<ValuePointer> Add(std::string_view value, uint32_t crc);
  // So far, what is buffered included.
  uint64_t file_bytes() const { return written_ + pending_.size(); }
  // Makes the content durable and closes the file. The directory entry is the caller's to sync.
  Status Finish();

 private:
  ValueWriter(uint64_t number, ValueGroup group, std::unique_ptr<vfs::AppendFile> file);

  const uint64_t number_;
  const std::unique_ptr<vfs::AppendFile> file_;
  std::string pending_;  // not handed to the file yet
  uint64_t written_ = 0;
};

}  // namespace nokv::vlog
