// CURRENT: the small file that names the live manifest.
//
//   MANIFEST-000005
//   nokv-current 1 crc32c 1a2b3c4d        (hexadecimal, over the first line with its newline)
//
// It is replaced as a whole, never changed in place.
//
// Thread safety: pure functions over the file system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::manifest {

std::string EncodeCurrent(uint64_t manifest_number);
// The manifest number that `content` names. kDataLoss naming `path`, kUnimplemented for a newer
// form.
Result<uint64_t> DecodeCurrent(std::string_view content, const std::string& path);

// Makes `manifest_number` the live manifest; durable on return. After an error either the old or
// the new one is live.
Status WriteCurrent(vfs::FileSystem& fs, const std::string& dir, uint64_t manifest_number);
// The live manifest's number; nullopt if there is no database in `dir`. A directory that has
// manifests, tables or log segments but no CURRENT is damaged (kDataLoss), never empty; only the
// first manifest alone is what an interrupted creation leaves, and counts as nothing.
Result<std::optional<uint64_t>> ReadCurrent(vfs::FileSystem& fs, const std::string& dir);

}  // namespace nokv::manifest
