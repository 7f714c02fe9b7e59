// Range tombstones: deletions of whole key ranges, and the structure that answers which of them
// covers a key.
//
// Bounds are key prefixes (keyspace byte and key, no version suffix), half-open. A tombstone with
// sequence number s hides every entry in its range whose sequence number is below s.
//
// Thread safety: immutable after Build.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keys/keys.h"

namespace nokv::lsm {

struct RangeTombstone {
  std::string start;
  std::string end;
  keys::SequenceNumber sequence = 0;

  bool operator==(const RangeTombstone&) const = default;
};

// Tombstones cut into fragments that do not overlap; each fragment holds the sequence numbers of
// all tombstones over it, newest first. Fragmenting is as in RocksDB's
// FragmentedRangeTombstoneList.
class RangeTombstoneSet {
 public:
  struct Fragment {
    std::string start;
    std::string end;
    std::vector<keys::SequenceNumber> sequences;  // descending, no duplicates
  };

  static std::shared_ptr<const RangeTombstoneSet> Build(std::vector<RangeTombstone> tombstones);

  bool empty() const { return fragments_.empty(); }
  // The newest sequence number <= `snapshot` of a tombstone over `prefix`; 0 if there is none.
  keys::SequenceNumber MaxCovering(std::string_view prefix, keys::SequenceNumber snapshot) const;
  const std::vector<Fragment>& fragments() const { return fragments_; }

 private:
  std::vector<Fragment> fragments_;  // sorted by start
};

}  // namespace nokv::lsm
