// vfs: the only door to files. Everything above opens, writes, syncs, renames and maps through
// these interfaces, so that the same code runs on a real disk, on a memory disk that forgets what
// was not synced, and on one where every operation can fail.
//
// Durability rules that all implementations share:
//   - File content is durable after Sync of the file. Until then any part of it may be lost or
//     kept, block by block, and the length may be anything in between.
//   - A directory entry (create, rename, remove) is durable after SyncDir of its directory.
//   - A failed Sync is final: what it covered may be lost even if a later Sync succeeds.
//
// Thread safety: FileSystem is thread-safe; a file object is thread-compatible unless its class
// says otherwise. Errors: Status::IoError of the errno, with operation and path in the message.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"

namespace nokv::vfs {

// A file written from front to back.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  virtual Status Append(std::string_view data) = 0;
  // Returns after the content is on stable storage.
  virtual Status Sync() = 0;
  // Idempotent. Does not sync.
  virtual Status Close() = 0;
};

// A file read at any position. Thread-safe.
class RandomFile {
 public:
  virtual ~RandomFile() = default;
  // Reads up to `length` bytes at `offset` into `scratch`; `*result` is what was read (shorter only
  // at the end of the file) and points into `scratch` or into memory that lives as long as the
  // file.
  virtual Status Read(uint64_t offset, size_t length, char* scratch,
                      std::string_view* result) const = 0;
  // In bytes, as it was when the file was opened.
  virtual uint64_t Size() const = 0;
  // The content, if it is mapped: readable without Read as long as this object lives, but for what
  // the file was cut by since, and as long as the device can be read (a page that cannot ends the
  // process). Empty otherwise.
  virtual std::string_view memory() const { return {}; }
  // Has the system bring the range into memory, and does not wait. A hint.
  virtual void Prefetch(uint64_t /*offset*/, uint64_t /*length*/) const {}
};

// How a RandomFile reads.
enum class ReadMode : uint8_t {
  kRead,    // a system call for each Read
  kMapped,  // from memory(), where the file system can map files
};

// A file of fixed size that is written through memory. The space is allocated when it is created,
// so a full disk is an error of creation and never a signal.
//
// Bytes stored through data() count as written once Written declares their range; the simulated
// file systems see exactly the declared ranges. Written and WriteAt may be called by many threads
// at once for ranges that do not overlap; Sync covers what was declared before it was called.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual char* data() = 0;
  virtual uint64_t size() const = 0;
  virtual Status Written(uint64_t offset, uint64_t length) = 0;
  // Stores `data` at `offset` and declares it. The range must lie within the file. For little that
  // a Sync follows at once: after each Sync, the first store through data() to a page costs more
  // than this does.
  virtual Status WriteAt(uint64_t offset, std::string_view data);
  // Tells that the range will be stored to soon, piece by piece: brings memory for all of it at
  // once. Nothing may be stored there yet, nor until this returns. A Sync may write all of a range
  // of which something changed. A hint.
  virtual void ExpectStores(uint64_t /*offset*/, uint64_t /*length*/) {}
  // Has what memory was brought for in this range written to the device as it stands, so that a
  // Sync of what is stored over it later writes data and nothing else: no allocation, and nothing
  // about it. Changes nothing, and others may store there at the same time. No sync; but an error
  // is as final as a Sync's. The range must lie within the file.
  virtual Status WriteAhead(uint64_t /*offset*/, uint64_t /*length*/) { return Status::Ok(); }
  virtual Status Sync() = 0;
  // Shrinks the file to `length` and unmaps it; data() is invalid afterwards. Idempotent.
  virtual Status Close(uint64_t length) = 0;
};

// An advisory lock; released when destroyed or when the process ends, however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Who may use a file.
struct FileMode {
  uint32_t permissions = 0600;  // as chmod takes them
  bool of_root = false;         // it belongs to the administrator
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Creates `path` (kAlreadyExists if it is there).
  virtual Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) = 0;
  // Creates `path` with `size` zero bytes allocated and mapped (kAlreadyExists if it is there).
  virtual Result<std::unique_ptr<MappedFile>> CreateMapped(const std::string& path,
                                                           uint64_t size) = 0;
  virtual Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path,
                                                         ReadMode mode) = 0;
  // The whole content; kResourceExhausted if it is longer than `limit` bytes.
  virtual Result<std::string> ReadFile(const std::string& path, uint64_t limit) = 0;

  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<uint64_t> FileSize(const std::string& path) = 0;
  virtual Result<FileMode> Mode(const std::string& path) = 0;
  // Bytes the file occupies on the device.
  virtual Result<uint64_t> AllocatedSize(const std::string& path) = 0;
  // Names (not paths) in `path`, sorted.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;
  // Creates the directory and its parents; fine if it is there.
  virtual Status CreateDirs(const std::string& path) = 0;
  // Atomically replaces `to`.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Gives the file `from` a second name (kAlreadyExists if `to` is there): both name the same bytes
  // until one is removed. kUnimplemented where they lie on different devices, or the file system
  // has no such names.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  // Removes a file or an empty directory.
  virtual Status Remove(const std::string& path) = 0;
  virtual Status SyncDir(const std::string& path) = 0;
  // Makes the content of a file durable that somebody else may have written.
  virtual Status SyncFile(const std::string& path) = 0;
  // Bytes free for an unprivileged writer on the device of `path`.
  virtual Result<uint64_t> FreeSpace(const std::string& path) = 0;

  // Takes the exclusive lock of the directory lock file `path`, creating it (mode 0600) if needed,
  // and writes `owner` into it. kUnavailable if another holder, in this process or another, has it;
  // the message then quotes the owner text found in the file.
  virtual Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                          std::string_view owner) = 0;
  // Takes a shared lock that tells a writer that a reader is looking; conflicts with nobody and
  // changes no byte. kNotFound if the lock file is not there.
  virtual Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) = 0;
  // True if a reader (this process or another) holds the shared lock. kNotFound if the lock file is
  // not there.
  virtual Result<bool> HasReaders(const std::string& path) = 0;
};

// The operating system's files; lives for ever.
FileSystem& PosixFileSystem();

// "dir/name".
std::string JoinPath(std::string_view dir, std::string_view name);
// What comes before the last slash; "." if there is none.
std::string DirName(std::string_view path);
// What comes after the last slash.
std::string BaseName(std::string_view path);

// Writes `content` to `path` so that it is either the old or the new whole content at every moment:
// write PATH.tmp, sync, rename, sync the directory. Durable on return.
Status WriteFileAtomically(FileSystem& fs, const std::string& path, std::string_view content);

// Copies the file `from` to `to`, which must not be there. Its content is durable on return, its
// name after a SyncDir. After an error there may be part of it.
Status CopyFile(FileSystem& fs, const std::string& from, const std::string& to);
// Link, or CopyFile where that cannot be.
Status LinkOrCopyFile(FileSystem& fs, const std::string& from, const std::string& to);

// kPermissionDenied, with the way out, if others than its owner may use the file; the group may
// read one that belongs to root.
Status CheckSecret(FileSystem& fs, const std::string& path);
// ReadFile for what must pass CheckSecret.
Result<std::string> ReadSecret(FileSystem& fs, const std::string& path, uint64_t limit);

}  // namespace nokv::vfs
