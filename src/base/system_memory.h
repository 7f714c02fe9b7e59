// SystemMemory: zeroed bytes straight from the system, in huge pages where it has them, so that
// reading all over them costs few misses of address translation. They are given back as a whole
// when this is destroyed, where an allocator would keep them for the threads that had them.
//
// Thread safety: immutable; what is in the bytes is the owner's business.
#pragma once

#include <cstddef>

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

}  // namespace nokv::base
