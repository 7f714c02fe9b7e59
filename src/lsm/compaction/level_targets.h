// LevelTargets: how much each level should hold, by how much the last one does.
//
// The last level has no target, and each level above aims at a `level_multiplier`-th of the one
// below; so nearly all data is in the last level, and what newer entries hide is little. Above the
// base level there are none: it is where level 0 goes, the last level itself while that is small
// enough for level 0 to be merged into it directly.
//
// Thread safety: pure functions and plain values.
#pragma once

#include <array>
#include <cstdint>

#include "lsm/version/version.h"

namespace nokv::lsm {

struct CompactionOptions {
  int l0_trigger_files = 12;
  // What level 0 is merged into directly at most. Every byte of level 0 would rewrite several of a
  // larger level, so that one gets another level above it.
  uint64_t base_level_bytes = uint64_t{256} << 20;
  int level_multiplier = 10;
  uint64_t target_file_bytes = uint64_t{64} << 20;
};

struct LevelTargets {
  int base_level = kLevels - 1;
  std::array<uint64_t, kLevels>
      bytes{};  // 0 above the base level; of the last: what it is taken for

  bool operator==(const LevelTargets&) const = default;
};

LevelTargets TargetsOf(const Version& version, const CompactionOptions& options);

// Size of each level relative to its target; 1 and more wants compaction. A level above the base
// level wants to be emptied.
std::array<double, kLevels> LevelScores(const Version& version, const CompactionOptions& options);
// Bytes that level targets say should still move down: what compaction is behind by.
uint64_t PendingCompactionBytes(const Version& version, const CompactionOptions& options);

// Where tables of `level` that cover `range` go: the next level, or deeper as far as there is
// nothing that they may not overtake, but not beyond the base level.
int OutputLevel(const Version& version, const LevelTargets& targets, int level,
                const PrefixRange& range);

}  // namespace nokv::lsm
