// How much of the files with values is still pointed to, and which files are worth emptying.
//
// Live bytes are the sum over the tables of one version; whatever else is in a file is dead, as far
// as that version goes: overwritten values, those of other entries, and the records around them.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "lsm/version/version.h"

namespace nokv::lsm {

struct ValueFileUse {
  manifest::ValueFileId file;
  uint64_t file_bytes = 0;  // without the header of a value file
  uint64_t live_bytes = 0;  // that tables point to
  uint64_t tables = 0;      // that point into it

  // From 0 to 1.
  double GarbageRatio() const {
    return file_bytes <= live_bytes
               ? 0
               : 1 - static_cast<double>(live_bytes) / static_cast<double>(file_bytes);
  }
};

// Of every file that tables point into, ascending.
std::vector<ValueFileUse> ValueUse(const Version& version);

// Files with at least `ratio` of garbage, the worst first, the older of equals first. Not among
// them: segments from `replay_segment` on, which stay for replay in any case.
std::vector<manifest::ValueFileId> FilesToEmpty(const Version& version, double ratio,
                                                uint64_t replay_segment);

}  // namespace nokv::lsm
