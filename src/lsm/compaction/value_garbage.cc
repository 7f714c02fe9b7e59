#include "lsm/compaction/value_garbage.h"

#include <algorithm>
#include <map>

#include "vlog/format.h"

namespace nokv::lsm {

std::vector<ValueFileUse> ValueUse(const Version& version) {
  std::map<manifest::ValueFileId, ValueFileUse> uses;
  for (const auto& file : version.value_files()) {
    const bool moved = file->id().kind == manifest::ValueFileId::Kind::kMoved;
    const uint64_t header = moved ? vlog::kHeaderBytes : 0;
    uses[file->id()] = {file->id(), file->size() - std::min(header, file->size()), 0, 0};
  }
  for (int level = 0; level < kLevels; level++) {
    for (const auto& table : version.files(level)) {
      for (const manifest::ValueReference& reference : table->meta().points_into) {
        ValueFileUse& use = uses[reference.file];
        use.live_bytes += reference.bytes;
        use.tables++;
      }
    }
  }
  std::vector<ValueFileUse> result;
  for (const auto& [id, use] : uses) result.push_back(use);
  return result;
}

std::vector<manifest::ValueFileId> FilesToEmpty(const Version& version, double ratio,
                                                uint64_t replay_segment) {
  if (version.value_files().empty()) return {};
  std::vector<ValueFileUse> uses = ValueUse(version);
  std::erase_if(uses, [&](const ValueFileUse& use) {
    const bool for_replay =
        use.file.kind == manifest::ValueFileId::Kind::kSegment && use.file.number >= replay_segment;
    return for_replay || use.GarbageRatio() < ratio;
  });
  std::stable_sort(uses.begin(), uses.end(), [](const ValueFileUse& a, const ValueFileUse& b) {
    return a.GarbageRatio() > b.GarbageRatio();
  });
  std::vector<manifest::ValueFileId> files;
  for (const ValueFileUse& use : uses) files.push_back(use.file);
  return files;
}

}  // namespace nokv::lsm
