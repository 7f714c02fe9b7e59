// Storage: what the raft core reads back of what it asked its caller to write.
//
// The core never writes: entries, hard state and snapshots leave in a Ready (or in messages to the
// append thread) and are readable here once the caller has stored them. The log holds the entries
// [FirstIndex, LastIndex]; of the entry before the first one, only the term is known.
//
// An error other than the documented ones makes the group refuse everything from then on: see
// RawNode. Thread safety: called by whoever calls the RawNode.
#pragma once

#include <memory>
#include <vector>

#include "nokv/status.h"
#include "raft/types.h"

namespace nokv::raft {

class Storage {
 public:
  struct Saved {
    HardState hard_state;
    ConfState conf_state;  // as of the applied index that the Config names
  };

  virtual ~Storage() = default;

  virtual Result<Saved> Load() const = 0;
  virtual LogIndex FirstIndex() const = 0;
  // FirstIndex - 1 if there is no entry.
  virtual LogIndex LastIndex() const = 0;
  // For FirstIndex - 1 to LastIndex; kOutOfRange elsewhere.
  virtual Result<Term> TermAt(LogIndex index) const = 0;
  // The entries [low, high) in order, as many as fit into `max_bytes` of EncodedSize but at least
  // one. kOutOfRange if `low` was compacted away.
  virtual Result<std::vector<Entry>> Entries(LogIndex low, LogIndex high,
                                             uint64_t max_bytes) const = 0;
  // A recent snapshot, at the first index - 1 or later. kUnavailable: not yet, ask again.
  virtual Result<std::shared_ptr<const Snapshot>> LatestSnapshot() const = 0;
};

// The bytes that an entry takes in the wire form that raft libraries share: what the limits of
// messages and of committed entries count.
uint64_t EncodedSize(const Entry& entry);
// Of an entry of which only this is known.
uint64_t EncodedSize(EntryType type, EntryId id, uint64_t data_bytes);
// The bytes of its data alone: what the limit of uncommitted entries and of bytes in flight counts.
uint64_t PayloadSize(const std::vector<Entry>& entries);
uint64_t EncodedSize(const std::vector<Entry>& entries);
// Drops the end of `entries` that does not fit, but never the first entry.
void LimitSize(std::vector<Entry>* entries, uint64_t max_bytes);

}  // namespace nokv::raft
