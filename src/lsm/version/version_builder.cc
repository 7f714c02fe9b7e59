#include "lsm/version/version_builder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/macros.h"
#include "keys/keys.h"

namespace nokv::lsm {

VersionBuilder::VersionBuilder(const Version& base, Opener opener) : opener_(std::move(opener)) {
  for (int level = 0; level < kLevels; level++) {
    for (const auto& file : base.files(level)) {
      levels_[static_cast<size_t>(level)].emplace(file->number(), file);
    }
  }
}

Status VersionBuilder::Apply(const manifest::VersionEdit& edit) {
  std::map<uint64_t, std::shared_ptr<const FileHandle>> deleted;
  for (const auto& [level, number] : edit.deleted_files) {
    auto node = levels_[static_cast<size_t>(level)].extract(number);
    if (node.empty()) {
      return Status::Internal("the edit deletes " + TableName(number) + " from level " +
                              std::to_string(level) + ", where it is not");
    }
    deleted.insert(std::move(node));
  }
  for (const auto& [level, meta] : edit.added_files) {
    std::shared_ptr<const FileHandle> handle;
    const auto moved = deleted.find(meta.number);
    if (moved != deleted.end() && moved->second->meta() == meta) {
      handle = moved->second;
    } else {
      ASSIGN_OR_RETURN(handle, opener_(meta));
    }
    if (!levels_[static_cast<size_t>(level)].emplace(meta.number, std::move(handle)).second) {
      return Status::Internal("the edit adds " + TableName(meta.number) + " to level " +
                              std::to_string(level) + ", where it is already");
    }
  }
  return Status::Ok();
}

Result<std::shared_ptr<const Version>> VersionBuilder::Build() const {
  std::array<FileList, kLevels> lists;
  for (size_t level = 0; level < lists.size(); level++) {
    for (const auto& [number, file] : levels_[level]) lists[level].push_back(file);
    if (level == 0) {
      std::sort(lists[level].begin(), lists[level].end(), [](const auto& a, const auto& b) {
        return std::pair(a->meta().largest_sequence, a->number()) >
               std::pair(b->meta().largest_sequence, b->number());
      });
    } else {
      std::sort(lists[level].begin(), lists[level].end(), [](const auto& a, const auto& b) {
        return keys::CompareInternalKeys(a->meta().smallest, b->meta().smallest) < 0;
      });
    }
  }
  auto version = std::make_shared<const Version>(std::move(lists));
  RETURN_IF_ERROR(version->CheckInvariants());
  return std::shared_ptr<const Version>(std::move(version));
}

}  // namespace nokv::lsm
