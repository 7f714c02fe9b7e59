// MemoryFileSystem: a disk in memory that can lose, from a seed, any legal part of what was not
// synced: blocks of data, the length of a file, directory entries and renames.
//
// What may be lost at a crash (the durability rules of vfs.h):
//   - per file: every unsynced write, 512-byte sector by sector, independently; the length is
//     anything between the shortest and longest it had since the last sync (never below the synced
//     length unless a truncation is pending);
//   - per directory: the unsynced creates, removes and renames; each may be kept or lost, but those
//     that touch the same name keep their order, and a rename is kept or lost whole.
//
// Locks are in-process. Thread safety: thread-safe.
#pragma once

#include <memory>

#include "vfs/vfs.h"

namespace nokv::vfs {

class MemoryFileSystem : public FileSystem {
 public:
  // How much of what was not synced a crash takes away.
  enum class Loss { kNothing, kEverything, kRandom };

  // The state that a machine would find after losing power now. `seed` chooses for kRandom. The
  // clone shares nothing that changes with this file system; its locks are free.
  virtual std::unique_ptr<MemoryFileSystem> CrashClone(Loss loss, uint64_t seed) = 0;
  // The state that a new process would find after this one is killed: everything written, locks
  // free.
  virtual std::unique_ptr<MemoryFileSystem> KillClone() = 0;
  // Total bytes that may be written before operations fail with ENOSPC; UINT64_MAX by default.
  virtual void SetCapacity(uint64_t bytes) = 0;
  // As the owner, or the administrator, of an existing file would. Nothing here asks who may.
  virtual Status SetMode(const std::string& path, const FileMode& mode) = 0;
  // Replaces the whole (durable and current) content of an existing file, for damage tests.
  virtual Status Overwrite(const std::string& path, std::string content) = 0;
};

std::unique_ptr<MemoryFileSystem> NewMemoryFileSystem();

}  // namespace nokv::vfs
