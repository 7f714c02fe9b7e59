// DB: an embedded, ordered, durable key-value store in one directory.
//
//   nokv::Options options;
//   auto db = nokv::DB::Open(options, "/var/lib/app");
//   if (!db.ok()) return db.status();
//   Status status = (*db)->Put({}, "hello", "world");
//   auto value = (*db)->Get({}, "hello");          // Result<std::optional<Value>>
//
// Contract: an acknowledged write with WriteOptions::sync survives power loss; without it, the
// death of the process. A batch is all or nothing. After power loss the state is a prefix of what
// was acknowledged, with no holes. A read sees every write acknowledged before it began.
//
// Errors that any call may return, beside those listed with it:
//   kFailedPrecondition  the database is closed
//   kDataLoss            bytes on disk are not what was written; the message names file and offset
//   kUnavailable         the operating system failed an operation
// Errors that any write may return:
//   kInvalidArgument     a key or value is over its limit, or a range is empty
//   kResourceExhausted   the disk is full
//   kFailedPrecondition  the database is read-only, by request or after a background error, which
//                        the message quotes; reads go on, and a reopen is the way back
//
// Thread safety: every method may be called by any thread at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/compaction_filter.h"
#include "nokv/iterator.h"
#include "nokv/options.h"
#include "nokv/stats.h"
#include "nokv/status.h"
#include "nokv/transaction.h"
#include "nokv/value.h"
#include "nokv/write_batch.h"

namespace nokv {

// A state of the database that reads can name. Release it by destroying it; entries that only it
// can see keep their space until then. It must be destroyed before the DB.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual uint64_t sequence() const = 0;
};

class DB {
 public:
  // Opens or creates the database in directory `path`. Further errors:
  //   kUnavailable         another process has it open; the message names its pid
  //   kFailedPrecondition  MODE.json says that the directory belongs to a cluster
  //   kNotFound            nothing there and create_if_missing is off, or read_only is on
  //   kAlreadyExists       something there and error_if_exists is on
  //   kInvalidArgument     an option is out of range
  //   kUnimplemented       a file has a format newer than this version reads
  // A failed Open loses nothing, repairs nothing, and leaves data and log as they were.
  static Result<std::unique_ptr<DB>> Open(const Options& options, const std::string& path);

  virtual ~DB() = default;

  // The value of `key`, or nullopt if it is missing, deleted or expired.
  virtual Result<std::optional<Value>> Get(const ReadOptions& options, std::string_view key) = 0;
  // As Get, without a copy.
  virtual Result<std::optional<PinnedValue>> GetPinned(const ReadOptions& options,
                                                       std::string_view key) = 0;
  // As Get for each key, all read from one state, in the order of `keys`.
  virtual Result<std::vector<std::optional<Value>>> MultiGet(
      const ReadOptions& options, std::span<const std::string_view> keys) = 0;

  virtual Status Put(const WriteOptions& options, std::string_view key, std::string_view value,
                     const PutOptions& put_options = {}) = 0;
  virtual Status Delete(const WriteOptions& options, std::string_view key) = 0;
  // Deletes the keys in [begin, end) in constant time.
  virtual Status DeleteRange(const WriteOptions& options, std::string_view begin,
                             std::string_view end) = 0;
  // Applies the batch atomically. Empty batches succeed.
  virtual Status Write(const WriteOptions& options, WriteBatch batch) = 0;
  // As Write; returns at once and calls `done` when the write is acknowledged or refused, on a
  // thread of the database or, if the outcome is known at once, before it returns. `done` must not
  // block.
  virtual void WriteAsync(const WriteOptions& options, WriteBatch batch,
                          std::function<void(Status)> done) = 0;
  // Makes everything acknowledged so far survive power loss.
  virtual Status SyncLog() = 0;

  // Never null; errors show as an invalid iterator with a status.
  virtual std::unique_ptr<Iterator> NewIterator(const IteratorOptions& options = {}) = 0;
  virtual std::unique_ptr<Snapshot> GetSnapshot() = 0;
  // Begins a transaction on the state that is visible now (transaction.h). Never null; after the
  // close all of its calls answer so.
  virtual std::unique_ptr<Transaction> BeginTransaction(const TransactionOptions& options = {}) = 0;

  // Writes all that is in memory into tables; returns when it is durable.
  virtual Status Flush() = 0;
  // Merges the tables that hold keys of [begin, end) (empty: unbounded) down to the deepest level,
  // dropping what no snapshot needs. Returns when done.
  virtual Status CompactRange(std::string_view begin, std::string_view end) = 0;

  // Empties files of which at least `discard_ratio` (between 0 and 1) holds values that nothing
  // points to any more: the rest moves to other files, in key order. Returns when done.
  // kInvalidArgument for another ratio, kUnavailable if such a call runs already, kNotFound if no
  // file has that much garbage.
  virtual Status RunValueLogGC(double discard_ratio) = 0;

  // Makes `path`, which must not exist or be empty, a directory that opens as this database, with
  // all that was acknowledged before the call, and that lives on without it. Files that never
  // change are linked, or copied to another device; the database goes on meanwhile. Durable when it
  // returns. After an error, or a crash, nothing is in `path`; what a crash leaves beside it
  // (`path`.nokv-checkpoint) goes with the next call. kAlreadyExists if there is something in it at
  // first, kUnavailable if another checkpoint is being made.
  virtual Status CreateCheckpoint(const std::string& path) = 0;

  // Takes tables of SstWriter in, which must not overlap: their keys are as if they were written in
  // this moment, all at once, seen by no snapshot from before. Durable when it returns. What is in
  // memory is flushed first; writes meanwhile are answered when the tables are there. After an
  // error the files are as they were, and nothing of them is in the database:
  //   kInvalidArgument     a file is no table of SstWriter, its keys have another order, it lies in
  //                        the directory of a database, or two overlap; or there are no files
  //   kDataLoss            a file is damaged
  //   kNotFound            a file is not there
  //   kResourceExhausted   the disk is full, or very many calls wait: one is served at a time
  // Every file is read and checked whole. A file that kMove leaves after all is only space.
  virtual Status Ingest(const std::vector<std::string>& files,
                        const IngestOptions& options = {}) = 0;

  virtual nokv::Stats Stats() = 0;
  virtual ManifestStats Manifest() = 0;
  // Looks at the directory.
  virtual Result<ValueFilesStats> ValueFiles() = 0;

  // Syncs the log, ends background work and releases the directory. Idempotent: every call returns
  // the result of the first. Called by the destructor. Every other call answers "closed"
  // afterwards.
  virtual Status Close() = 0;
};

}  // namespace nokv
