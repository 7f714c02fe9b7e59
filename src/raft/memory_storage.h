// MemoryStorage: a Storage in memory, for tests and simulation, and a model for real ones.
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "raft/storage.h"

namespace nokv::raft {

class MemoryStorage : public Storage {
 public:
  Result<Saved> Load() const override;
  LogIndex FirstIndex() const override { return base_.index + 1; }
  LogIndex LastIndex() const override { return base_.index + entries_.size(); }
  Result<Term> TermAt(LogIndex index) const override;
  Result<std::vector<Entry>> Entries(LogIndex low, LogIndex high,
                                     uint64_t max_bytes) const override;
  Result<std::shared_ptr<const Snapshot>> LatestSnapshot() const override { return snapshot_; }

  void SetHardState(const HardState& state) { hard_state_ = state; }
  // The entries follow or replace what is there; those before the first index are skipped.
  // kInvalidArgument if that would leave a hole.
  Status Append(const std::vector<Entry>& entries);
  // Replaces everything. kFailedPrecondition if the snapshot is older than the one there.
  Status ApplySnapshot(std::shared_ptr<const Snapshot> snapshot);
  // What LatestSnapshot and Load give out from now on; the log stays.
  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot) { snapshot_ = std::move(snapshot); }
  // Drops the entries up to and including `index`. kOutOfRange if there is no such entry.
  Status Compact(LogIndex index);

 private:
  HardState hard_state_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>();
  EntryId base_;  // of the entry before the first one
  std::deque<Entry> entries_;
};

}  // namespace nokv::raft
