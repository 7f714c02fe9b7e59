// Disk: the state behind a MemoryFileSystem and its open files, which share it: the tree, the space
// that is left, and the lock over both.
//
// Thread safety: the fields, and the nodes of the tree, are used under `mu` only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "nokv/status.h"
#include "vfs/memory_tree.h"
#include "vfs/vfs.h"

namespace nokv::vfs {

struct Disk {
  base::Mutex mu;
  Tree tree GUARDED_BY(mu);
  uint64_t capacity GUARDED_BY(mu) = UINT64_MAX;
  uint64_t used GUARDED_BY(mu) = 0;  // bytes of the files that have a name

  uint64_t FreeBytes() const REQUIRES(mu) { return capacity > used ? capacity - used : 0; }
  // Writes into a file; like write(2), what still fits when the disk is full is written before the
  // error.
  Status Write(std::string_view operation, const std::string& path, Node& node, uint64_t offset,
               std::string_view bytes) REQUIRES(mu);
  // Cuts or grows a file; all or nothing.
  Status Resize(std::string_view operation, const std::string& path, Node& node, uint64_t size)
      REQUIRES(mu);
  // Gives back the space of a file that lost its name; null is fine.
  void Release(const NodePtr& node) REQUIRES(mu);
};

// The open files of such a disk. `path` is for messages.
std::unique_ptr<AppendFile> NewMemoryAppendFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                std::string path);
// The file has `size` bytes already.
std::unique_ptr<MappedFile> NewMemoryMappedFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                std::string path, uint64_t size);
// `size` is what Size() answers: the size at opening.
std::unique_ptr<RandomFile> NewMemoryRandomFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                uint64_t size);

}  // namespace nokv::vfs
