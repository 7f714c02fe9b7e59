// ValueFile: a file from which values are read by pointer. ValueFiles: all that are in use.
//
// Whoever holds a ValueFile pins the file: it stays in the directory, open. The tables that point
// into it hold it, and so does every version and every reader of those tables. So a file may go
// when it is no longer in use, and only then.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "nokv/status.h"
#include "vfs/vfs.h"
#include "vlog/value_pointer.h"

namespace nokv::vlog {

// A read that takes so long did not find the value in memory, if nothing held up its thread.
inline constexpr uint64_t kFromDiskMicros = 30;

// Thread safety: thread-safe.
class ValueFile {
 public:
  // Checks that the file is what its name says. kNotFound if it is not there; kDataLoss if it is
  // something else; kUnimplemented for a newer format.
  static Result<std::shared_ptr<const ValueFile>> Open(vfs::FileSystem& fs, const std::string& dir,
                                                       ValueFileId id, vfs::ReadMode mode);

  ValueFileId id() const { return id_; }
  // Of a value file; a segment of the log has none.
  ValueGroup group() const { return group_; }
  // In bytes, as it was when the file was opened: a segment may have shrunk to its end since.
  uint64_t size() const { return file_->Size(); }
  // Behind the last value that is known.
  uint64_t values_end() const { return values_end_.load(std::memory_order_relaxed); }

  // Values lie up to here: the file is read no further, as it may have been cut there since. An
  // `end` beyond size(), or before an earlier one, says nothing new. At first none do.
  void ExtendTo(uint64_t end) const;

  // Reads and checks a value. `*value` points into `*scratch` or into memory that lives as long as
  // this. REQUIRES: the pointer is into this file. kDataLoss, naming the place, for a pointer past
  // the end of the values or bytes that do not match the checksum.
  Status Read(const ValuePointer& pointer, std::string* scratch, std::string_view* value) const;
  // Hints that Read will be called soon: has the processor find where the pages of the value are in
  // memory, or fetch the value from there.
  void PrefetchPages(const ValuePointer& pointer) const;
  void Prefetch(const ValuePointer& pointer) const;
  // Hints that values in `length` bytes from `offset` on will be read: has the system bring them
  // from the disk.
  void Fetch(uint64_t offset, uint64_t length) const;

 private:
  ValueFile(ValueFileId id, std::string path, std::unique_ptr<vfs::RandomFile> file)
      : id_(id), path_(std::move(path)), file_(std::move(file)) {}

  Status ReadHeader();
  // True if the pointer leads to where values lie.
  bool Known(const ValuePointer& pointer) const;
  // The bytes of the value, not checked yet.
  Status ReadBytes(const ValuePointer& pointer, std::string* scratch,
                   std::string_view* value) const;
  Status Damage(const ValuePointer& pointer, std::string_view what) const;

  const ValueFileId id_;
  const std::string path_;
  const std::unique_ptr<vfs::RandomFile> file_;
  ValueGroup group_;  // constant after Open
  // Relaxed: whoever has a pointer got it from a version that was shown after the file was extended
  // for it.
  mutable std::atomic<uint64_t> values_end_{0};
};

// Thread safety: thread-safe.
class ValueFiles {
 public:
  // `fs` is borrowed.
  ValueFiles(vfs::FileSystem& fs, std::string dir, vfs::ReadMode mode)
      : fs_(fs), dir_(std::move(dir)), mode_(mode) {}

  // The file, opened if nobody uses it yet. Errors as for ValueFile::Open. Opens the file under
  // the lock.
  Result<std::shared_ptr<const ValueFile>> Use(ValueFileId id) EXCLUDES(mu_);
  // What somebody uses at this moment.
  std::set<ValueFileId> InUse() const EXCLUDES(mu_);
  // What somebody used, and nobody does any more; each is told once.
  std::vector<ValueFileId> TakeUnused() EXCLUDES(mu_);

 private:
  vfs::FileSystem& fs_;
  const std::string dir_;
  const vfs::ReadMode mode_;
  mutable base::Mutex mu_;
  std::map<ValueFileId, std::weak_ptr<const ValueFile>> files_ GUARDED_BY(mu_);
};

}  // namespace nokv::vlog
