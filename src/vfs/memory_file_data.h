// FileData: what a file in memory contains, what of it is durable, and what happened in between.
//
// Thread safety: thread-compatible.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/memory_content.h"
#include "vfs/memory_fs.h"

namespace nokv::vfs {

class FileData {
 public:
  FileData() = default;
  // A file whose whole content is durable.
  explicit FileData(Content content) : current_(content), durable_(std::move(content)) {
    ForgetChanges();
  }

  const Content& current() const { return current_; }
  void Write(uint64_t offset, std::string_view bytes);
  void Resize(uint64_t size);
  // Makes the current content durable.
  void Sync();

  // What a crash may leave of it; `seed` chooses for kRandom.
  Content AfterCrash(MemoryFileSystem::Loss loss, uint64_t seed) const;

 private:
  struct Change {
    uint64_t offset;                           // of a write; the new size of a resize
    std::shared_ptr<const std::string> bytes;  // null: a resize
  };

  void ForgetChanges();
  void NoteSize();

  Content current_;
  Content durable_;
  std::vector<Change> changes_;  // since the last sync, in order
  // Bounds of the size since the last sync.
  uint64_t shortest_ = 0;
  uint64_t longest_ = 0;
};

}  // namespace nokv::vfs
