// Log: the storage and the unstable end behind it as one log, with the positions up to which it is
// committed, being applied and applied.
//
// Invariants: applied <= applying <= committed <= last index; none of them goes back.
//
// An unexpected error of the storage is remembered in failure(); answers are then empty, and the
// owner must stop using the group. Thread safety: thread-compatible.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nokv/status.h"
#include "raft/log_unstable.h"
#include "raft/storage.h"
#include "raft/types.h"

namespace nokv::raft {

class Log {
 public:
  // `storage` is borrowed. Committed entries of more than `max_applying_bytes` are not handed out
  // at once.
  Log(const Storage& storage, uint64_t max_applying_bytes);

  LogIndex committed() const { return committed_; }
  LogIndex applied() const { return applied_; }
  LogIndex FirstIndex() const;
  LogIndex LastIndex() const { return unstable_.LastIndex(); }
  EntryId LastId() const;
  const Status& failure() const { return failure_; }

  // Empty if the entry is compacted away or not written yet.
  std::optional<Term> TermAt(LogIndex index) const;
  bool Matches(EntryId id) const { return TermAt(id.index) == id.term; }
  // True if a log that ends in `last` holds at least as much as this one, which is what a candidate
  // must show to be voted for.
  bool IsUpToDate(EntryId last) const;
  // The largest index <= `start` whose term is at most `term`, or unknown (then term 0): a guess at
  // where this log and one that has `term` at `start` part.
  EntryId FindConflictByTerm(LogIndex start, Term term) const;

  // The entries from `low` on; empty optional if `low` is compacted away.
  std::optional<std::vector<Entry>> EntriesFrom(LogIndex low, uint64_t max_bytes) const;
  std::optional<std::vector<Entry>> Slice(LogIndex low, LogIndex high, uint64_t max_bytes) const;

  void Append(std::span<const Entry> entries);
  // Appends what is new of `entries`, which follow `previous`; false if the log does not hold
  // `previous`. kDataLoss if they contradict what is committed; then nothing is changed.
  Result<bool> MaybeAppend(EntryId previous, std::span<const Entry> entries);
  // No effect if `index` is committed already. It must not lie beyond the end.
  void CommitTo(LogIndex index);
  void Restore(std::shared_ptr<const Snapshot> snapshot);

  // The part that must be written.
  Unstable& unstable() { return unstable_; }
  const Unstable& unstable() const { return unstable_; }
  Result<std::shared_ptr<const Snapshot>> LatestSnapshot() const;

  // Committed entries to apply next. With `allow_unstable` they need not be in storage yet.
  bool HasNextCommitted(bool allow_unstable) const;
  std::vector<Entry> NextCommitted(bool allow_unstable) const;
  // Those up to `index`, of `bytes`, were handed out.
  void AcceptApplying(LogIndex index, uint64_t bytes, bool allow_unstable);
  // They were applied.
  void AppliedTo(LogIndex index, uint64_t bytes);

  // True if an entry in (applied, committed] changes the configuration.
  bool HasUnappliedConfChange() const;

 private:
  LogIndex MaxAppliable(bool allow_unstable) const;
  // Remembers an error of the storage unless it says that an entry is not there.
  void NoteError(const Status& status) const;

  const Storage& storage_;
  const uint64_t max_applying_bytes_;
  Unstable unstable_;
  LogIndex committed_;
  LogIndex applying_;
  LogIndex applied_;
  uint64_t applying_bytes_ = 0;
  bool applying_paused_ = false;
  mutable Status failure_;
};

}  // namespace nokv::raft
