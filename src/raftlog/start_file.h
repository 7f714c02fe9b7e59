// RAFTLOG: the small file that says with which segment the replay of a directory's raft groups
// starts. Segments before it are gone, or stay for something else; all from it on must be there.
//
//   start 00007.wal
//   nokv-raftlog 1 crc32c 1a2b3c4d        (hexadecimal, over the first line with its newline)
//
// It is replaced as a whole, never changed in place. Thread safety: pure functions over files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::raftlog {

inline constexpr char kStartFileName[] = "RAFTLOG";

// Durable on return. After an error either the old or the new one is there.
Status WriteStartFile(vfs::FileSystem& fs, const std::string& dir, uint64_t segment);
// The segment, or nullopt if there is no such file. kDataLoss, kUnimplemented for a newer form.
Result<std::optional<uint64_t>> ReadStartFile(vfs::FileSystem& fs, const std::string& dir);

}  // namespace nokv::raftlog
