#include "lsm/compaction/level_targets.h"

#include <algorithm>

namespace nokv::lsm {

namespace {
constexpr int kLastLevel = kLevels - 1;
// Of a level above the base level that has tables: more than a level that is just full. Deeper ones
// score a little more, so that the tables above need not be merged into them.
constexpr double kDrainScore = 1.5;
constexpr double kDrainScorePerLevel = 0.01;
}  // namespace

LevelTargets TargetsOf(const Version& version, const CompactionOptions& options) {
  LevelTargets targets;
  // Data that another rule has left in upper levels is on its way to the last.
  for (int level = 1; level < kLevels; level++) {
    targets.bytes[kLastLevel] = std::max(targets.bytes[kLastLevel], version.LevelBytes(level));
  }
  for (int level = kLastLevel; level > 1; level--) {
    const uint64_t bytes = targets.bytes[static_cast<size_t>(level)];
    // A level that is in use goes only when what is below it has become much smaller.
    const bool used = version.LevelBytes(level - 1) > 0;
    if (bytes <= (used ? options.base_level_bytes / 2 : options.base_level_bytes)) break;
    targets.bytes[static_cast<size_t>(level - 1)] =
        std::max<uint64_t>(1, bytes / static_cast<uint64_t>(options.level_multiplier));
    targets.base_level = level - 1;
  }
  return targets;
}

std::array<double, kLevels> LevelScores(const Version& version, const CompactionOptions& options) {
  const LevelTargets targets = TargetsOf(version, options);
  std::array<double, kLevels> scores{};
  scores[0] = static_cast<double>(version.files(0).size()) / options.l0_trigger_files;
  for (int level = 1; level < kLastLevel; level++) {
    const auto index = static_cast<size_t>(level);
    const auto bytes = static_cast<double>(version.LevelBytes(level));
    if (level >= targets.base_level) {
      scores[index] = bytes / static_cast<double>(targets.bytes[index]);
    } else if (bytes > 0) {
      scores[index] = kDrainScore + kDrainScorePerLevel * level;
    }
  }
  return scores;
}

uint64_t PendingCompactionBytes(const Version& version, const CompactionOptions& options) {
  const LevelTargets targets = TargetsOf(version, options);
  uint64_t pending = 0;
  if (version.files(0).size() >= static_cast<size_t>(options.l0_trigger_files)) {
    pending += version.LevelBytes(0);
  }
  for (int level = 1; level < kLastLevel; level++) {
    const uint64_t bytes = version.LevelBytes(level);
    pending += bytes - std::min(bytes, targets.bytes[static_cast<size_t>(level)]);
  }
  return pending;
}

int OutputLevel(const Version& version, const LevelTargets& targets, int level,
                const PrefixRange& range) {
  int output = level + 1;
  while (output < targets.base_level && version.Overlapping(output, range).empty()) output++;
  return output;
}

}  // namespace nokv::lsm
