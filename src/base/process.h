// What the operating system and the allocator say about this process.
#pragma once

#include <cstdint>

namespace nokv::base {

struct ProcessUsage {
  uint64_t id = 0;
  uint64_t allocated_bytes = 0;      // given out by the allocator; 0 if it does not tell
  uint64_t resident_bytes = 0;       // in memory
  uint64_t peak_resident_bytes = 0;  // the most there ever was
  uint64_t machine_bytes = 0;        // of memory in this machine
  // Processor time.
  uint64_t user_us = 0;
  uint64_t system_us = 0;
  // That of the calling thread.
  uint64_t thread_user_us = 0;
  uint64_t thread_system_us = 0;
};

// Thread-safe. Numbers that cannot be had are 0.
ProcessUsage ReadProcessUsage();

// Has the allocator give what was freed back to the system. By itself jemalloc keeps it for
// seconds, to hand it out again; with another allocator nothing happens. About a millisecond for
// every few MiB: for background work that has just freed much. Thread-safe.
void ReturnFreedMemory();

}  // namespace nokv::base
