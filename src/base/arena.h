// Arena: memory that is handed out piece by piece and freed all at once.
//
// Thread safety: Allocate may be called by many threads at once; the rest is thread-compatible.
// Invariant: what Allocate returned stays valid and in place until the arena is destroyed.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/system_memory.h"

namespace nokv::base {

class Arena {
 public:
  explicit Arena(size_t block_bytes = SystemMemory::kUnitBytes);
  // Has its blocks from `units`, and gives them back, but for the first ones, which are smaller.
  explicit Arena(std::shared_ptr<MemoryUnits> units);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `bytes` > 0 of uninitialised memory, aligned to 8.
  char* Allocate(size_t bytes);
  // Bytes taken for it so far.
  size_t MemoryUsage() const { return usage_.load(std::memory_order_relaxed); }

 private:
  // A block that threads cut by an atomic add; the next one is made under the mutex.
  struct Block;

  char* AllocateSlow(size_t bytes) EXCLUDES(mu_);

  const size_t block_bytes_;
  const std::shared_ptr<MemoryUnits> units_;  // may be null
  // Paired with the release store in AllocateSlow: a reader sees the block's fields.
  std::atomic<Block*> current_{nullptr};
  std::atomic<size_t> usage_{0};
  Mutex mu_;
  std::vector<std::unique_ptr<Block>> blocks_ GUARDED_BY(mu_);
};

}  // namespace nokv::base
