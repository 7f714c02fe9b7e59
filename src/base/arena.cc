#include "base/arena.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nokv::base {

namespace {
constexpr size_t kFirstBlockBytes = 1024;
}  // namespace

struct Arena::Block {
  Block(size_t size, MemoryUnits* units)
      : capacity(size),
        heap(Large() ? nullptr : new char[size]),
        memory(Large() ? Take(size, units) : nullptr),
        data(Large() ? memory->data() : heap.get()) {}
  static std::unique_ptr<SystemMemory> Take(size_t size, MemoryUnits* units) {
    if (units != nullptr && size == SystemMemory::kUnitBytes) return units->Take();
    return std::make_unique<SystemMemory>(size);
  }
  bool Large() const { return capacity % SystemMemory::kUnitBytes == 0; }

  const size_t capacity;
  std::atomic<size_t> used{0};
  const std::unique_ptr<char[]> heap;  // one of these two
  std::unique_ptr<SystemMemory> memory;
  char* const data;
};

Arena::Arena(size_t block_bytes) : block_bytes_(block_bytes) {}
Arena::Arena(std::shared_ptr<MemoryUnits> units)
    : block_bytes_(SystemMemory::kUnitBytes), units_(std::move(units)) {}
Arena::~Arena() {
  if (units_ == nullptr) return;
  for (const auto& block : blocks_) {
    if (block->capacity == SystemMemory::kUnitBytes) units_->Give(std::move(block->memory));
  }
}

char* Arena::Allocate(size_t bytes) {
  NOKV_CHECK(bytes > 0);
  bytes = (bytes + 7) & ~size_t{7};
  Block* block = current_.load(std::memory_order_acquire);
  if (block != nullptr && bytes <= block_bytes_ / 4) {
    const size_t offset = block->used.fetch_add(bytes, std::memory_order_relaxed);
    if (offset + bytes <= block->capacity) return block->data + offset;
  }
  return AllocateSlow(bytes);
}

char* Arena::AllocateSlow(size_t bytes) {
  MutexLock lock(mu_);
  if (bytes > block_bytes_ / 4) {
    // A large piece gets a block of its own, so that it wastes nothing of the shared one.
    blocks_.push_back(std::make_unique<Block>(bytes, units_.get()));
    usage_.fetch_add(bytes, std::memory_order_relaxed);
    return blocks_.back()->data;
  }
  Block* block = current_.load(std::memory_order_acquire);
  if (block != nullptr) {
    const size_t offset = block->used.fetch_add(bytes, std::memory_order_relaxed);
    if (offset + bytes <= block->capacity) return block->data + offset;
  }
  // Blocks grow with the arena, so that a small one takes little.
  const size_t grown = std::max(usage_.load(std::memory_order_relaxed), kFirstBlockBytes);
  const size_t capacity = std::max(bytes, std::min(grown, block_bytes_));
  blocks_.push_back(std::make_unique<Block>(capacity, units_.get()));
  block = blocks_.back().get();
  block->used.store(bytes, std::memory_order_relaxed);
  usage_.fetch_add(capacity, std::memory_order_relaxed);
  current_.store(block, std::memory_order_release);
  return block->data;
}

}  // namespace nokv::base
