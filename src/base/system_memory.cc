#include "base/system_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace nokv::base {

SystemMemory::SystemMemory(size_t bytes) : bytes_(bytes) {
  NOKV_CHECK(bytes > 0 && bytes % kUnitBytes == 0);
  // Where it begins is the system's choice: a unit more is taken, and what lies beside the units is
  // given back.
  const size_t taken = bytes + kUnitBytes;
  void* const memory = ::mmap(  // lint: allow(file) memory, no file
      nullptr, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NOKV_CHECK(memory != MAP_FAILED) << "out of memory: mmap of " << taken << ": errno " << errno;
  char* const begin = static_cast<char*>(memory);
  const size_t skipped = -reinterpret_cast<uintptr_t>(begin) % kUnitBytes;
  data_ = begin + skipped;
  if (skipped > 0) (void)::munmap(begin, skipped);         // lint: allow(file) as above
  (void)::munmap(data_ + bytes, taken - skipped - bytes);  // lint: allow(file) as above
  (void)::madvise(data_, bytes, MADV_HUGEPAGE);
}

SystemMemory::~SystemMemory() {
  (void)::munmap(data_, bytes_);  // lint: allow(file) as above
}

std::unique_ptr<SystemMemory> MemoryUnits::Take() {
  {
    const MutexLock lock(mu_);
    if (!units_.empty()) {
      std::unique_ptr<SystemMemory> unit = std::move(units_.back());
      units_.pop_back();
      return unit;
    }
  }
  return std::make_unique<SystemMemory>(SystemMemory::kUnitBytes);
}

void MemoryUnits::Give(std::unique_ptr<SystemMemory> unit) {
  const MutexLock lock(mu_);
  if (units_.size() < most_) units_.push_back(std::move(unit));
}

}  // namespace nokv::base
