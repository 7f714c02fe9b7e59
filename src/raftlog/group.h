// Group: what is known in memory of one raft group in the log: its state, where each entry lies,
// and the newest entries themselves, as far as the cache has room.
//
// Invariants:
//   - The entries are those from base.index + 1 on, without a hole.
//   - The cached entries are the last ones of the log.
//
// Thread safety: thread-compatible; the raft log's lock guards it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "base/prefetch.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftlog/format.h"
#include "wal/format.h"

namespace nokv::raftlog {

// How many bytes of each segment of the log raft groups need.
//
// Invariant: the sum over the segments is what all slots and states of all groups take.
class SegmentUses {
 public:
  struct Use {
    uint64_t live_bytes = 0;
    uint64_t file_bytes = 0;  // up to its last record
    // What was written up to here makes it unneeded, and must be on disk before it goes.
    wal::LogPosition unneeded_since;
  };

  // What follows is written at `now` or before it.
  void set_now(wal::LogPosition now) { now_ = now; }
  // `segment` is part of the log, and used up to `bytes`.
  void SetFileBytes(uint64_t segment, uint64_t bytes) { uses_[segment].file_bytes = bytes; }
  void Add(uint64_t segment, uint64_t bytes) { uses_[segment].live_bytes += bytes; }
  void Remove(uint64_t segment, uint64_t bytes);
  void DropBefore(uint64_t segment) { uses_.erase(uses_.begin(), uses_.lower_bound(segment)); }

  // By segment, those of the log only.
  const std::map<uint64_t, Use>& uses() const { return uses_; }
  // The oldest segment that is needed, if more than half of what lies from it on, but for the
  // newest segment, is of no use. 0 if there is none.
  uint64_t SegmentToEmpty() const;

 private:
  wal::LogPosition now_;
  std::map<uint64_t, Use> uses_;
};

class Group {
 public:
  explicit Group(GroupId id) : id_(id) {}

  GroupId id() const { return id_; }
  const GroupState& state() const { return state_; }
  // False until something of the group is in the log.
  bool stored() const { return state_bytes_ > 0; }
  raft::LogIndex first_index() const { return state_.base.index + 1; }
  raft::LogIndex last_index() const { return state_.base.index + slots_.size(); }
  // From first_index() on.
  const std::deque<EntrySlot>& slots() const { return slots_; }
  bool Has(raft::LogIndex index) const { return index >= first_index() && index <= last_index(); }
  // REQUIRES: Has(index).
  const EntrySlot& SlotAt(raft::LogIndex index) const { return slots_[index - first_index()]; }
  // Null if it is not cached.
  const raft::Entry* Cached(raft::LogIndex index) const;
  uint64_t cached_bytes() const { return cached_bytes_; }
  uint64_t state_segment() const { return state_segment_; }

  // What Load answers instead of the snapshot's configuration.
  std::optional<raft::ConfState> conf_state;
  bool in_cache_ring = false;
  // Its last plan in the running Append, if that is there and the group's.
  size_t last_plan = 0;

  void SetHardState(const raft::HardState& state) { state_.hard_state = state; }
  // The state is stored in `bytes` of `segment`. Drops what its base covers; all entries if it
  // `restores`.
  void SetState(const GroupState& state, bool restores, uint64_t segment, uint64_t bytes,
                SegmentUses* uses);
  // `entries`, stored in as many `slots`, replace what is at and after the first of them.
  void Append(std::span<const raft::Entry> entries, const EntrySlot* slots, SegmentUses* uses);
  // Hints that Append will be called: of each of many groups it writes to other memory.
  void PrefetchEnd() const {
    if (!slots_.empty()) base::PrefetchToWrite(&slots_.back() + 1);
    if (!cached_.empty()) base::PrefetchToWrite(&cached_.back() + 1);
  }
  // The entries from `first` on were copied to `slots`.
  void Move(raft::LogIndex first, std::span<const EntrySlot> slots, SegmentUses* uses);
  // Forgets everything.
  void Clear(SegmentUses* uses);
  // As read from the log, the slots from the base on.
  void Recover(const GroupState& state, uint64_t segment, uint64_t bytes,
               std::deque<EntrySlot> slots, SegmentUses* uses);

  // Gives up the oldest cached entries, `bytes` of them or a little more.
  void DropCached(uint64_t bytes);

 private:
  void TruncateFrom(raft::LogIndex index, SegmentUses* uses);
  void PopFront(SegmentUses* uses);

  const GroupId id_;
  GroupState state_;
  uint64_t state_segment_ = 0;  // where all of the state was last stored, and how much that took
  uint64_t state_bytes_ = 0;
  std::deque<EntrySlot> slots_;
  std::deque<raft::Entry> cached_;
  uint64_t cached_bytes_ = 0;
};

// What a cached entry costs.
inline uint64_t CacheBytes(const raft::Entry& entry) {
  return sizeof(raft::Entry) + entry.data.size();
}

}  // namespace nokv::raftlog
