// What a piece of work cost this machine: processor time, bytes written, memory, space.
//
// Thread safety: pure functions, but for what they read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nokv/status.h"

namespace nokv::bench {

struct Counters {
  uint64_t wall_us = 0;
  uint64_t process_cpu_us = 0;
  uint64_t machine_cpu_us = 0;  // of all processes
  // Bytes that this process caused to be written: it counts pages when they are dirtied.
  uint64_t process_written = 0;
  // Bytes that the disk has written, for whomever; nullopt if the directory is on none.
  std::optional<uint64_t> disk_written;

  // The difference of two readings.
  Counters Since(const Counters& before) const;
  // How many cores others kept busy meanwhile.
  double ForeignCores() const;
};

// `directory` says which disk.
Counters ReadCounters(const std::string& directory);

// Writes back everything that is dirty on the file system of `directory`.
Status SyncFileSystem(const std::string& directory);
// Anonymous memory that this process has now.
uint64_t AnonymousBytes();
// What the files below `directory` take on disk.
uint64_t SpaceBytes(const std::string& directory);

}  // namespace nokv::bench
