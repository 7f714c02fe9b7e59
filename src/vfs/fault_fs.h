// FaultFileSystem: passes every operation on to another file system, counts it, shows it to an
// observer, and fails those that the observer picks. The tracing form is an observer that writes
// lines.
//
// Operations are numbered from 0 in the order in which they reach this object. Reads count too;
// what is prefetched is only shown, as that cannot fail.
// Thread safety: thread-safe; the observer is called with no lock held.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vfs/vfs.h"

namespace nokv::vfs {

enum class Op {
  kCreateAppend,
  kCreateMapped,
  kOpenRandom,
  kReadFile,
  kExists,
  kFileSize,
  kList,
  kCreateDirs,
  kRename,
  kLink,
  kRemove,
  kSyncDir,
  kFreeSpace,
  kLock,
  kAppend,
  kSync,
  kClose,
  kRead,
  kWritten,
  kWriteAhead,
  kMappedSync,
  kMappedClose,
  kAllocatedSize,
  kLockShared,
  kHasReaders,
  kMode,
  kPrefetch,
};

std::string_view OpName(Op op);
// False for operations that only look (read, list, exists, size) and for the close of an append
// file, which leaves the disk as it is.
bool ChangesDisk(Op op);

struct Operation {
  Op op;
  uint64_t number;      // 0-based; UINT64_MAX of kPrefetch
  std::string path;     // for kRename and kLink: "from -> to"
  uint64_t offset = 0;  // kRead, kWritten, kWriteAhead, kPrefetch
  uint64_t length = 0;  // kAppend, kRead, kWritten, kWriteAhead, kPrefetch
};

struct Fault {
  int error_number = 0;  // 0: no fault
  // For kAppend and kWritten: this many bytes reach the file before the error. For kRead with
  // error_number 0: at most this many are returned when short_read is set.
  uint64_t partial_bytes = 0;
  bool short_read = false;
  // For kSync, kMappedSync: the error is reported and the data are not made durable; nor does any
  // later Sync of the same open file, although it reports success, as after a write-back error
  // whose pages the kernel has marked clean. For kClose, kMappedClose: the error is reported, and
  // the file is closed but not cut. For all others: nothing is done but to report the error.
};

class FaultFileSystem : public FileSystem {
 public:
  // Called before each operation is carried out; returns the fault to inject. May look at the base
  // file system (to clone it, say).
  using Observer = std::function<Fault(const Operation&)>;
  virtual void SetObserver(Observer observer) = 0;
  virtual uint64_t operations() const = 0;
};

// `base` is borrowed.
std::unique_ptr<FaultFileSystem> NewFaultFileSystem(FileSystem& base);

// One line per operation that changes the disk ("sync 00001.wal"), for golden traces: names are
// relative to `root`. Each line is given to `sink`.
FaultFileSystem::Observer TraceObserver(std::string root, std::function<void(std::string)> sink);

}  // namespace nokv::vfs
