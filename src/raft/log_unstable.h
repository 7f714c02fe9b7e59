// Unstable: the end of the log that is not known to be in storage yet, and a snapshot on its way
// there.
//
// `offset` is the index of the first entry here; it may lie before the end of the storage, which
// then holds entries that are about to be replaced. Entries before `in_progress` were handed out to
// be written.
//
// Invariants: offset <= in_progress <= offset + number of entries.
// Thread safety: thread-compatible.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "raft/types.h"

namespace nokv::raft {

class Unstable {
 public:
  explicit Unstable(LogIndex offset) : offset_(offset), in_progress_(offset) {}

  LogIndex offset() const { return offset_; }
  bool HasEntries() const { return !entries_.empty(); }
  bool HasNextEntries() const { return in_progress_ < offset_ + entries_.size(); }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  // Null if it is being written already.
  std::shared_ptr<const Snapshot> NextSnapshot() const {
    return snapshot_in_progress_ ? nullptr : snapshot_;
  }
  // What is not being written yet.
  std::vector<Entry> NextEntries() const { return Slice(in_progress_, offset_ + entries_.size()); }
  // [low, high) must be here.
  std::vector<Entry> Slice(LogIndex low, LogIndex high) const;

  // Of the whole log.
  LogIndex LastIndex() const { return offset_ + entries_.size() - 1; }
  std::optional<Term> TermAt(LogIndex index) const;

  // Appends, after dropping whatever is at or after the first of `entries`.
  void Append(std::span<const Entry> entries);
  void Restore(std::shared_ptr<const Snapshot> snapshot);

  // Everything here was handed out to be written.
  void AcceptInProgress();
  // The log is in storage up to `id`. Ignored if `id` is no longer what is here.
  void StableTo(EntryId id);
  void StableSnapshotTo(LogIndex index);

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  bool snapshot_in_progress_ = false;
  std::vector<Entry> entries_;
  LogIndex offset_;
  LogIndex in_progress_;
  EntryId stored_;  // the last one that was stored from here, if it is the one before `offset`
};

}  // namespace nokv::raft
