// Which segments of a directory make up the log. The headers alone tell: a segment follows the one
// numbered before it, unless it says that a recovery cut the log off somewhere and resumed in it.
//
// Pure reading; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "wal/format.h"

namespace nokv::wal {

struct ChainLink {
  SegmentHeader header;
  std::string path;
  // Where a later recovery cut this segment: what lies before was synced, what lies behind is void.
  std::optional<uint64_t> limit;
};

struct Chain {
  std::vector<ChainLink> links;  // in log order; the first holds the replay position
  uint64_t highest_segment = 0;
  std::vector<std::string> orphans;  // names of files that are not part of the log
};

// Finds the log in `dir` from `replay_from` on ({0, 0}: from the oldest segment).
// kDataLoss if a segment is missing or its header is damaged, kUnimplemented for a newer format.
Result<Chain> FindChain(vfs::FileSystem& fs, const std::string& dir, LogPosition replay_from);

}  // namespace nokv::wal
