// Reading the state of a database from its directory. Changes no byte, and works beside a live
// writer: what the writer has not finished looks like a torn tail.
//
// Thread safety: pure functions over the file system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "manifest/manifest_record.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::manifest {

struct ManifestState {
  uint64_t number = 0;  // of the manifest that was read
  uint64_t file_bytes = 0;
  uint64_t groups = 0;
  DatabaseState state;
  std::optional<TornTail> torn_tail;
};

// nullopt if `dir` holds no database (see ReadCurrent). kDataLoss names CURRENT or manifest, record
// and offset; nothing was changed in any case.
Result<std::optional<ManifestState>> ReadManifest(vfs::FileSystem& fs, const std::string& dir);

}  // namespace nokv::manifest
