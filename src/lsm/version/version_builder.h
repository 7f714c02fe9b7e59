// VersionBuilder: makes the next Version out of one and a group of edits.
//
// Thread safety: thread-compatible.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>

#include "lsm/version/version.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"

namespace nokv::lsm {

class VersionBuilder {
 public:
  // Opens a table that is new to the database.
  using Opener =
      std::function<Result<std::shared_ptr<const FileHandle>>(const manifest::FileMetadata&)>;

  VersionBuilder(const Version& base, Opener opener);

  // Tables that an edit deletes at one level and adds at another keep their handle. kInternal if
  // the edit does not fit, or the opener's error.
  Status Apply(const manifest::VersionEdit& edit);
  // Sorts the levels and checks the invariants.
  Result<std::shared_ptr<const Version>> Build() const;

 private:
  const Opener opener_;
  std::array<std::map<uint64_t, std::shared_ptr<const FileHandle>>, kLevels> levels_;
};

}  // namespace nokv::lsm
