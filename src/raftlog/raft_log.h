// RaftLog: what the raft groups of a store must find again after a crash, all in one log. Whatever
// is ready at the same time is one record and one sync. docs/raft-log.md explains the ideas,
// docs/formats/raft-log.md the bytes.
//
//   ASSIGN_OR_RETURN(auto log, RaftLog::Open(fs, dir, {}));
//   config.storage = &log->StorageOf(7);
//   ...
//   const GroupWrite write{.group = 7, .install = ready.snapshot, .entries = ready.entries,
//                          .hard_state = ready.hard_state};
//   ASSIGN_OR_RETURN(LogPosition end, log->Append({&write, 1}));   // survives a kill
//   ASSIGN_OR_RETURN(LogPosition synced, log->Sync());             // up to here, loss of power
//   if (synced >= end) ...                                         // now the messages may leave
//
// Invariants:
//   - The storages answer with what was appended, synced or not.
//   - After a crash the groups are as after some Append, whole, at or behind the last that a Sync
//     covered.
//   - Errors of the disk are final: then Append and Sync answer the first one, and nothing more is
//     acknowledged; reads go on.
//
// Thread safety: one thread at a time writes (Append, Collect, Close). Beside it, one thread may be
// in Sync and one in WriteAhead, and any thread may read (StorageOf, the storages, Groups,
// GetStats). No call waits for another; no thread is started. The owner of the directory holds its
// LOCK.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "nokv/status.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftlog/format.h"
#include "raftlog/group.h"
#include "vfs/vfs.h"
#include "wal/log.h"
#include "wal/recover.h"

namespace nokv::raftlog {

struct RaftLogOptions {
  uint64_t segment_bytes = 64 << 20;
  // The newest entries of the groups are kept in memory up to this.
  uint64_t cache_bytes = 64 << 20;
  // Decides the salts of the segments: a random one wherever entries come from strangers.
  uint64_t salt_seed = 0;
  base::Logger* logger = &base::NullLogger();  // borrowed
};

// What is to be stored of one group, all or nothing; parts that are empty change nothing.
struct GroupWrite {
  GroupId group = 0;
  // A snapshot that takes the place of the whole log. Also the way to start a group: its
  // configuration, with an index from 1 on.
  std::shared_ptr<const raft::Snapshot> install = {};
  // Take the place of what is stored at and after the first of them. Borrowed during the call.
  std::span<const raft::Entry> entries = {};
  raft::HardState hard_state = {};
  // What LatestSnapshot answers from now on; the log stays. It is kept in memory, and written again
  // whenever the log is compacted: let `data` tell where large things are, not hold them.
  std::shared_ptr<const raft::Snapshot> snapshot = {};
  // Drops the entries up to and including this one; no effect if they are gone.
  raft::LogIndex compact_to = 0;
  // Forgets the group, whose storage must not be used any more. Excludes everything else.
  bool remove = false;
};

class RaftLog;

// The storage of one group.
class GroupStorage final : public raft::Storage {
 public:
  Result<Saved> Load() const override;
  raft::LogIndex FirstIndex() const override;
  raft::LogIndex LastIndex() const override;
  Result<raft::Term> TermAt(raft::LogIndex index) const override;
  // Reads what the cache has not from the log; kDataLoss, with file and offset, if that is damaged.
  Result<std::vector<raft::Entry>> Entries(raft::LogIndex low, raft::LogIndex high,
                                           uint64_t max_bytes) const override;
  // kUnavailable if the log was compacted beyond the newest one: make another.
  Result<std::shared_ptr<const raft::Snapshot>> LatestSnapshot() const override;

  // What Load answers as configuration from now on; not stored. For owners who keep it with the
  // applied index. Otherwise it is the snapshot's.
  void SetConfState(const raft::ConfState& state);
  // Where the entry lies, for pointers to what is in it; kOutOfRange as TermAt. It holds until the
  // entry is compacted away or moved, see RaftLog::Collect.
  Result<EntrySlot> SlotAt(raft::LogIndex index) const;

 private:
  friend class RaftLog;
  GroupStorage(RaftLog& log, Group& group) : log_(log), group_(group) {}

  RaftLog& log_;
  Group& group_;  // guarded by log_.mu_
};

struct RaftLogStats {
  uint64_t groups = 0;
  uint64_t entries = 0;
  uint64_t cached_bytes = 0;
  uint64_t live_bytes = 0;   // of the segments of the log
  uint64_t total_bytes = 0;  // of the same, without what is reserved ahead
  // Since the log was opened:
  uint64_t entries_from_cache = 0;
  uint64_t entries_from_disk = 0;
  uint64_t moved_bytes = 0;
  wal::LogStats log;
};

class RaftLog {
 public:
  // Opens what is in `dir`, which must exist, or starts anew if nothing is. `fs` is borrowed.
  // kDataLoss, with file and offset or group, if something is damaged or missing that was synced;
  // a torn tail is cut, and said to the logger. kUnimplemented for newer formats.
  static Result<std::unique_ptr<RaftLog>> Open(vfs::FileSystem& fs, const std::string& dir,
                                               const RaftLogOptions& options);
  // A log that was not closed keeps its files as they are, like a process that was killed.
  ~RaftLog();
  RaftLog(const RaftLog&) = delete;
  RaftLog& operator=(const RaftLog&) = delete;

  // The groups of which something is stored, ascending.
  std::vector<GroupId> Groups() const EXCLUDES(mu_);
  // The storage of `group`, empty if nothing is stored of it. Valid until it is removed.
  GroupStorage& StorageOf(GroupId group) EXCLUDES(mu_);

  // Appends all of `writes`, in their order, as one record; returns its end. A group may occur more
  // than once. kInvalidArgument, kFailedPrecondition, kResourceExhausted: a write contradicts what
  // is stored or is too large, and nothing was changed; other errors are final.
  Result<wal::LogPosition> Append(std::span<const GroupWrite> writes) EXCLUDES(mu_);
  // Makes everything appended before the call durable; returns up to where.
  Result<wal::LogPosition> Sync() { return log_->Sync(); }
  // After a Sync, when those who waited for it have been told: notes in the log that it is synced
  // up to its end, so that damage to the last records is told from a torn tail. No effect if
  // something was appended since. By the writing thread, or the one that syncs.
  Status MarkSynced() { return log_->MarkSynced(); }
  wal::LogPosition SyncedEnd() const { return log_->SyncedEnd(); }
  // In the background, until it says true, after each megabyte of log: see wal::Log.
  Result<bool> WriteAhead() { return log_->WriteAhead(); }

  // Lets go of segments that no group needs, but of none of `kept`, in which values are that
  // somebody points to. When more than half of the log is of no use, also copies up to about 1 MiB
  // of what is still needed in its oldest segment to its end, so that this can go with one of the
  // next calls. Cheap when there is nothing to do: call it after Append now and then. A segment
  // goes only when what made it unneeded is synced.
  Status Collect(const std::set<uint64_t>& kept = {}) EXCLUDES(mu_);

  RaftLogStats GetStats() const EXCLUDES(mu_);
  // What Open found.
  const wal::RecoveryReport& recovery() const { return recovery_; }

  // Syncs everything and seals the log. Idempotent; Append and Sync fail afterwards.
  Status Close() EXCLUDES(mu_);

 private:
  friend class GroupStorage;
  struct Plan;
  using Files = std::map<uint64_t, std::shared_ptr<const vfs::RandomFile>>;
  using GroupMap = std::map<GroupId, std::unique_ptr<Group>>;

  RaftLog(vfs::FileSystem& fs, std::string dir, const RaftLogOptions& options);

  Status Recover() EXCLUDES(mu_);
  // `start` is what the start file said, if there is one.
  Status CheckStart(std::optional<uint64_t> start) const;

  Group& GroupLocked(GroupId id) REQUIRES(mu_);
  // Of the groups that are ready the next one mostly follows in the order of the map, too: it is
  // looked for at `*next` first, which then moves on.
  Group& GroupLocked(GroupId id, GroupMap::iterator* next) REQUIRES(mu_);
  // Adds to `plans_` what `write` does to its group after those that are there. `next` as above.
  Status AddPlanLocked(const GroupWrite& write, GroupMap::iterator* next) REQUIRES(mu_);
  Result<wal::LogPosition> AppendPlans(std::span<Plan> plans) EXCLUDES(mu_);
  // Ends the segment with its digest and starts the next one, if the next record, of `bytes` that
  // add `digest_bytes` to the digest, would leave no room for it.
  Status FinishSegmentUnlessFits(uint64_t bytes, uint64_t digest_bytes) EXCLUDES(mu_);
  // Appends the digest of the segment, if there is one and it has room.
  Status AppendDigest() EXCLUDES(mu_);
  // A record was written to `place`.
  void NoteAppended(const wal::Reservation& place) EXCLUDES(mu_);
  // `slots` are those of the entries that the plan has written to `segment`.
  void ApplyLocked(const Plan& plan, uint64_t segment, const EntrySlot* slots) REQUIRES(mu_);
  void RemoveGroupLocked(GroupId id) REQUIRES(mu_);
  // Takes what was cached of `group` since it had `bytes` into account.
  void NoteCachedLocked(Group& group, uint64_t bytes) REQUIRES(mu_);
  void EvictLocked() REQUIRES(mu_);

  Status MoveFromOldest() EXCLUDES(mu_);
  // Adds to `plans` the copying of what `group` has in `segment`, up to about `budget` bytes;
  // returns how many it is.
  Result<uint64_t> PlanMove(Group& group, uint64_t segment, uint64_t budget,
                            std::vector<Plan>* plans) EXCLUDES(mu_);
  Status RemoveUnneeded(const std::set<uint64_t>& kept) EXCLUDES(mu_);

  Result<std::shared_ptr<const vfs::RandomFile>> FileOf(uint64_t segment) const EXCLUDES(mu_);
  Result<std::vector<raft::Entry>> ReadEntries(const Group& group, raft::LogIndex low,
                                               raft::LogIndex high, uint64_t max_bytes) const
      EXCLUDES(mu_);
  // The entries from `first` on, which lie in `slots`.
  Status ReadSlots(GroupId group, raft::LogIndex first, std::span<const EntrySlot> slots,
                   std::vector<raft::Entry>* entries) const EXCLUDES(mu_);

  vfs::FileSystem& fs_;
  const std::string dir_;
  const RaftLogOptions options_;
  std::unique_ptr<wal::Log> log_;
  wal::RecoveryReport recovery_;

  // Of the writing thread alone.
  uint64_t start_segment_ = 0;  // as the start file says
  wal::LogPosition appended_end_;
  // Of the segment in which that is; useless if it does not cover the segment from its start.
  DigestBuilder digest_;
  bool digest_covers_ = true;
  GroupId move_next_ = 0;  // where the next pass over the groups goes on
  // Of the running Append; they keep their memory for the next one.
  std::vector<Plan> plans_;
  std::vector<EntrySlot> slots_;

  mutable base::Mutex mu_;
  GroupMap groups_ GUARDED_BY(mu_);
  std::map<GroupId, std::unique_ptr<GroupStorage>> storages_ GUARDED_BY(mu_);
  SegmentUses uses_ GUARDED_BY(mu_);
  uint64_t cached_bytes_ GUARDED_BY(mu_) = 0;
  // The groups with cached entries take turns to give up some.
  std::deque<Group*> cache_ring_ GUARDED_BY(mu_);
  mutable Files files_ GUARDED_BY(mu_);  // open for reading
  mutable RaftLogStats stats_ GUARDED_BY(mu_);
};

}  // namespace nokv::raftlog
