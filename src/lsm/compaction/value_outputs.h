// ValueOutputs: the value files that a compaction writes. The hash of a key picks its bucket, and
// values that were moved before (old) lie apart from those that leave the log (young): what has
// lived for long will, so that files of old values seldom have garbage. Within a file values are in
// the order of their keys.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "vlog/value_writer.h"

namespace nokv::lsm {

struct ValueOutputOptions {
  uint16_t buckets = 1;  // at least 1
  uint64_t target_file_bytes = uint64_t{64} << 20;
};

class ValueOutputs {
 public:
  // `fs` is borrowed.
  ValueOutputs(vfs::FileSystem& fs, std::string dir, std::function<uint64_t()> new_file_number,
               const ValueOutputOptions& options);

  // As ValueWriter::Add.
  Result<vlog::ValuePointer> Add(std::string_view engine_key, bool old, std::string_view value,
                                 uint32_t crc);
  // Makes all that was added durable, but for the directory entries.
  Status Finish();
  // Removes what was written. Best effort: a file that stays is an orphan for the next open.
  void Remove();

  bool empty() const { return numbers_.empty(); }
  uint64_t bytes_written() const { return bytes_written_; }  // of finished files

 private:
  Status FinishFile(std::unique_ptr<vlog::ValueWriter>* file);

  vfs::FileSystem& fs_;
  const std::string dir_;
  const std::function<uint64_t()> new_file_number_;
  const ValueOutputOptions options_;
  std::vector<std::unique_ptr<vlog::ValueWriter>> open_;  // young and old of each bucket
  std::vector<uint64_t> numbers_;                         // of all files created
  uint64_t bytes_written_ = 0;
};

}  // namespace nokv::lsm
