// SystemMemory: zeroed bytes straight from the system, in huge pages where it has them, so that
// reading all over them costs few misses of address translation. They are given back as a whole
// when this is destroyed, where an allocator would keep them for the threads that had them.
//
// Thread safety: immutable; what is in the bytes is the owner's business.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace nokv::base {

class SystemMemory {
 public:
  static constexpr size_t kUnitBytes = size_t{2} << 20;  // a huge page

  // REQUIRES: `bytes` is a multiple of kUnitBytes and not 0. Dies if the system has no more, as new
  // does.
  explicit SystemMemory(size_t bytes);
  ~SystemMemory();
  SystemMemory(const SystemMemory&) = delete;
  SystemMemory& operator=(const SystemMemory&) = delete;

  char* data() const { return data_; }

 private:
  char* data_;
  const size_t bytes_;
};

// Units of memory that were given back, kept for whoever takes one next: the system zeroes a new
// one when it is first stored to, and whoever stores waits for that; one that was used has its
// pages.
//
// Thread safety: thread-safe.
class MemoryUnits {
 public:
  // Keeps `most` units at most.
  explicit MemoryUnits(size_t most) : most_(most) {}

  // A unit, which need not be zeroed. Dies if the system has no more, as SystemMemory.
  std::unique_ptr<SystemMemory> Take() EXCLUDES(mu_);
  // REQUIRES: of one unit; nobody uses it any more.
  void Give(std::unique_ptr<SystemMemory> unit) EXCLUDES(mu_);

 private:
  const size_t most_;
  Mutex mu_;
  std::vector<std::unique_ptr<SystemMemory>> units_ GUARDED_BY(mu_);
};

}  // namespace nokv::base
