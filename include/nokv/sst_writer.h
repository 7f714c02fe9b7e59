// SstWriter: writes a table outside a database, to be taken in by DB::Ingest. Sorted data comes
// into a database that way without its log, its memory and its compactions.
//
//   auto writer = nokv::SstWriter::Create({}, "/data/part-1.sst");
//   if (!writer.ok()) return writer.status();
//   Status status = (*writer)->Put("a", "1");                  // keys ascend
//   auto table = (*writer)->Finish();
//   if (table.ok()) status = db->Ingest({table->path});
//
// Values lie in the table, however long; compaction puts them where the options of the database
// want them.
//
// Errors of every call: kInvalidArgument, which takes nothing in and leaves the writer as it was;
// kFailedPrecondition after Finish; those of the file system (kResourceExhausted: the disk is
// full), which every later call answers too.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nokv/options.h"
#include "nokv/status.h"

namespace nokv {

// A finished table.
struct ExternalTable {
  std::string path;
  uint64_t file_bytes = 0;
  uint64_t entries = 0;          // puts and deletions
  uint64_t range_deletions = 0;  // one that spans the reserved area counts twice
};

class SstWriter {
 public:
  // Begins the file `path` (kAlreadyExists if it is there). Of the options those of tables count:
  // filter_bits_per_key, key_index, restart_interval, and the last of compression.
  static Result<std::unique_ptr<SstWriter>> Create(const Options& options, const std::string& path);
  // Removes the file unless it is finished.
  virtual ~SstWriter() = default;

  // kInvalidArgument if `key` is not behind the one that was added last, or over a limit (that of
  // a write_batch.h).
  virtual Status Put(std::string_view key, std::string_view value,
                     const PutOptions& options = {}) = 0;
  virtual Status Delete(std::string_view key) = 0;
  // What the database has in [begin, end) will be gone; what this table puts there stays. In any
  // order.
  virtual Status DeleteRange(std::string_view begin, std::string_view end) = 0;
  // Makes the table durable. kInvalidArgument if nothing was added.
  virtual Result<ExternalTable> Finish() = 0;
};

}  // namespace nokv
