// Log: the one write-ahead log of a store. Writers reserve a place in a mapped segment, copy their
// payload into it and commit; nobody waits for anybody. docs/wal.md explains the ideas,
// docs/formats/wal.md the bytes.
//
//   ASSIGN_OR_RETURN(Reservation place, log->Reserve(RecordType::kBatch, batch.size()));
//   std::memcpy(place.payload, batch.data(), batch.size());
//   ASSIGN_OR_RETURN(LogPosition committed, log->Commit(place));
//   if (committed >= place.end) ...   // survives the death of the process
//   ASSIGN_OR_RETURN(LogPosition synced, log->Sync());
//   if (synced >= place.end) ...      // survives the loss of power
//
// Invariants:
//   - The order of reservations is the order of the log. The log is its committed prefix: a record
//     belongs to it once it and all records before it are committed.
//   - SyncedEnd() <= CommittedEnd(), and both only grow.
//   - Errors are final. After the first failed write, segment creation or sync every call but
//     RemoveSegmentsBefore, GetStats and the two positions answers that error, and neither position
//     moves again. The way back is to close the log, recover and start anew.
//
// Thread safety: thread-safe, except that one thread at a time may be in Sync or Close (the process
// is stopped otherwise). The critical sections are short; Reserve holds the lock while it creates a
// segment.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"
#include "nokv/status.h"
#include "vfs/vfs.h"
#include "wal/format.h"
#include "wal/segment.h"

namespace nokv::wal {

// What Log::WriteAhead writes at once.
inline constexpr uint64_t kWriteAheadBytes = uint64_t{128} << 10;

struct RecoveryReport;

struct LogOptions {
  // Size of a segment's file; a record that does not fit gets a larger one of its own.
  uint64_t segment_bytes = 64 << 20;
  // Draws the salts of the segments. Give a random one wherever payloads come from strangers.
  uint64_t salt_seed = 0;
};

// A place in the log, owned by whoever reserved it until it is committed.
struct Reservation {
  char* payload = nullptr;  // `payload_bytes` bytes, zero; of the segment or of this
  uint32_t payload_bytes = 0;
  RecordType type = RecordType::kBatch;
  LogPosition start;  // of the record
  LogPosition end;    // just after it: the record is in the log once CommittedEnd() >= end

  // Where the payload lies, for pointers to values inside.
  LogPosition payload_position() const {
    return {start.segment, start.offset + kRecordHeaderBytes};
  }

 private:
  friend class Log;
  Segment* segment = nullptr;
  std::unique_ptr<char[]> record;  // what Commit writes to the segment; null: it is stored there
  LogPosition synced;
  uint64_t ticket = 0;
};

struct LogStats {
  uint64_t active_segment = 0;
  uint64_t active_bytes = 0;      // used, of the active segment
  uint64_t segment_count = 0;     // files in the directory
  uint64_t segments_removed = 0;  // since the log was started, like everything below
  uint64_t segments_created = 0;
  uint64_t syncs = 0;
  struct Type {
    uint64_t records = 0;
    uint64_t payload_bytes = 0;
  };
  std::array<Type, kUserTypes> reserved;  // of RecordType i + 1
};

// The salt of a segment's header.
uint32_t SegmentSalt(const LogOptions& options, uint64_t segment);

using CopyObserver = std::function<void(LogPosition from, LogPosition to)>;

class Log {
 public:
  // Starts a log that holds nothing in `dir`, which must exist and hold no segment
  // (kFailedPrecondition). `fs` is borrowed.
  static Result<std::unique_ptr<Log>> Create(vfs::FileSystem& fs, const std::string& dir,
                                             const LogOptions& options);

  // Continues the log that Recover found, in a new segment. What `report` says may not be on disk
  // is copied into that segment and synced first; the segment's header says where the log before
  // it ends, so that whatever was cut stays cut. If this fails, or is cut short, nothing has
  // changed and the directory can be recovered again. The positions of the copied records are new:
  // `copied`, if there is one, is told of each, with where it started before and does now.
  static Result<std::unique_ptr<Log>> StartAfterRecovery(vfs::FileSystem& fs,
                                                         const std::string& dir,
                                                         const LogOptions& options,
                                                         const RecoveryReport& report,
                                                         const CopyObserver& copied = nullptr);

  // A log that was not closed keeps its files as they are, like a process that was killed.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Takes the next place in the log. Starts a new segment if the record does not fit the active
  // one. kInvalidArgument (which is not final) for a payload above kMaxPayloadBytes or a type that
  // is not a caller's. Where syncs are frequent the payload has memory of its own until Commit.
  Result<Reservation> Reserve(RecordType type, uint32_t payload_bytes) EXCLUDES(mu_);

  // Ends a reservation whose payload is in place; its memory must not be touched any more. Returns
  // the committed end, which lies before `reservation.end` while an earlier reservation is
  // outstanding: then whoever commits that one sees an end that covers both.
  Result<LogPosition> Commit(const Reservation& reservation) EXCLUDES(mu_);

  // Gives up a reservation. There can be no hole in the log, so this ends the log with `reason`.
  void Abandon(const Reservation& reservation, const Status& reason) EXCLUDES(mu_);

  LogPosition CommittedEnd() const EXCLUDES(mu_);

  // Makes the committed prefix, as it is at the call, durable, older segments first; returns how
  // far the log is durable.
  Result<LogPosition> Sync() EXCLUDES(mu_);

  LogPosition SyncedEnd() const EXCLUDES(mu_);

  // If nothing was reserved since the last sync, notes at the end of the log that it is synced up
  // to there, so that damage to its last record is told from a torn tail. The next record takes the
  // place of the note.
  Status MarkSynced() EXCLUDES(mu_);

  // For a log that is synced often: has the part of the active segment that records will go to next
  // written to the device, so that their syncs write data and nothing else, which is half as fast
  // again. One call does kWriteAheadBytes; true if eight times as much lies ready. To be called
  // again when the log has grown by kWriteAheadBytes.
  Result<bool> WriteAhead() EXCLUDES(ahead_mu_, mu_);

  // True if a log that has grown up to `end` may need the next segment soon.
  bool NextIsDue(LogPosition end) const { return end.offset > options_.segment_bytes / 4; }
  // Has the file of the next segment made, if it is due and not there yet, so that whoever fills
  // the active one does not wait for the device. An error is not final: that one makes it then.
  // WriteAhead does the same.
  Status PrepareNext() EXCLUDES(mu_);

  // Seals the active segment and starts the next one. Records reserved before stay valid.
  Status Rotate() EXCLUDES(mu_);

  // Deletes the segments numbered below `segment`, which nobody needs for replay any more, oldest
  // first, but none of `kept` and never the active one. What of them is not synced never will be:
  // it must be durable elsewhere, or of no use. While a sync runs they stay until the next call. On
  // an error the rest stays and may be removed later.
  Status RemoveSegmentsBefore(uint64_t segment, const std::set<uint64_t>& kept = {}) EXCLUDES(mu_);

  LogStats GetStats() const EXCLUDES(mu_);

  // Syncs everything, seals the active segment and cuts its file to what it holds. Outstanding
  // reservations are an error (kAborted). Idempotent: answers what it answered first. Everything
  // else answers "closed" afterwards.
  Status Close() EXCLUDES(mu_);

 private:
  struct Pending {
    bool committed = false;
    LogPosition end;
  };

  // `first` is published, `files` are the segments that were in the directory before.
  Log(vfs::FileSystem& fs, std::string dir, const LogOptions& options,
      std::unique_ptr<Segment> first, std::set<uint64_t> files);

  // The error that ended the log, "closed", or OK.
  Status UsableLocked() const REQUIRES(mu_);
  // Makes `status` the answer of every later call, unless there is one already; returns the answer.
  Status PoisonLocked(const Status& status) REQUIRES(mu_);
  // Reserve's part under the lock, for a record of `bytes`. True if it shall have memory of its
  // own.
  Result<bool> TakePlace(uint64_t bytes, Reservation* place) EXCLUDES(mu_);
  // Waits while somebody prepares the next segment.
  void AwaitNextLocked() REQUIRES(mu_);
  // The header of the one after the active one.
  SegmentHeader NextHeaderLocked() const REQUIRES(mu_);
  Result<std::unique_ptr<Segment>> CreateNext(const SegmentHeader& header,
                                              uint64_t first_record_bytes) const;
  // Takes the next segment, with room for a record of `first_record_bytes`, or creates it; seals
  // the active one and makes the next one active. REQUIRES: nobody prepares it.
  Status RotateLocked(uint64_t first_record_bytes) REQUIRES(mu_);
  // Takes what is complete from `pending_` into the committed prefix.
  void AdvanceLocked() REQUIRES(mu_);
  Segment* OldestUnsynced() const EXCLUDES(mu_);
  // Lets go of complete segments below `segment` without syncing them.
  Status DropUnsyncedBefore(uint64_t segment) EXCLUDES(mu_);
  // Makes everything before `target` durable, oldest segment first, and cuts and closes the files
  // that lie wholly before it.
  Status SyncSegments(LogPosition target) EXCLUDES(mu_);
  Status RemoveNext() EXCLUDES(mu_);
  // The file work of Close.
  Status SealLast() EXCLUDES(mu_);

  vfs::FileSystem& fs_;
  const std::string dir_;
  const LogOptions options_;

  // Held while a segment is written ahead, and while one that was active is closed. Before mu_.
  base::Mutex ahead_mu_;
  LogPosition ready_ GUARDED_BY(ahead_mu_);  // up to here its segment was written ahead

  mutable base::Mutex mu_;
  Status error_ GUARDED_BY(mu_);  // what ended the log
  bool closed_ GUARDED_BY(mu_) = false;
  bool syncing_ GUARDED_BY(mu_) = false;
  // Segments that may hold what is not synced, oldest first; the last one is the active one. Only
  // the thread in Sync or Close removes any.
  std::deque<std::unique_ptr<Segment>> segments_ GUARDED_BY(mu_);
  // The one after the active one; null: none. It is on disk and empty, as after a crash just before
  // a rotation's end.
  std::unique_ptr<Segment> next_ GUARDED_BY(mu_);
  bool preparing_ GUARDED_BY(mu_) = false;
  base::CondVar prepared_;  // lint: allow(wait) for the file that the writer would make itself
  std::set<uint64_t> files_ GUARDED_BY(mu_);  // all segments in the directory, but `next_`
  // Reservations not yet in the committed prefix, in log order; the first has ticket
  // `first_ticket_`.
  std::deque<Pending> pending_ GUARDED_BY(mu_);
  uint64_t first_ticket_ GUARDED_BY(mu_) = 0;
  LogPosition committed_ GUARDED_BY(mu_);
  bool expects_syncs_ GUARDED_BY(mu_) = false;  // the active segment was written ahead
  LogPosition synced_ GUARDED_BY(mu_);
  LogStats stats_ GUARDED_BY(mu_);
};

}  // namespace nokv::wal
