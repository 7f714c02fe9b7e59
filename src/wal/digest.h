// What the end of a sealed segment tells without the segment being read: its seal, and from there
// the last record of a type.
//
// Pure reading; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "wal/chain.h"
#include "wal/format.h"

namespace nokv::wal {

struct Seal {
  SegmentIndex index;
  LogPosition start;  // of the seal: the end of all other records
  LogPosition end;
  LogPosition synced;  // up to here the log was known to be synced when it was sealed
};

// The seal at the end of the file, if there is an undamaged one. A crash may leave bytes behind a
// seal; then there is none here, and the segment must be read to find it.
Result<std::optional<Seal>> ReadSeal(vfs::FileSystem& fs, const ChainLink& link);

// The payload of the last record of `type`, and where the record starts.
struct LastRecord {
  LogPosition start;
  LogPosition end;
  std::string payload;
};
// nullopt if there is none, or it cannot be read.
Result<std::optional<LastRecord>> ReadLastRecord(vfs::FileSystem& fs, const ChainLink& link,
                                                 const Seal& seal, RecordType type);

}  // namespace nokv::wal
