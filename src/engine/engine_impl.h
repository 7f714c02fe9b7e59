// EngineImpl: the engine's state and its state machines. The methods are in one file per operation:
// open.cc, write.cc, validate.cc, read.cc, background.cc (flush), compaction.cc, back_pressure.cc,
// value_gc.cc (values outside tables), value_order.cc (values in the order of keys), checkpoint.cc,
// ingest.cc, lifecycle.cc (errors, close) and report.cc (statistics).
//
// Everything that changes is guarded by one mutex, which is never held across file operations, with
// one exception: reserving a place in the log may create a segment. Callbacks run after it is
// released. docs/architecture.md walks through a write, a read, a flush and a compaction.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/system_memory.h"
#include "engine/background_pace.h"
#include "engine/checkpoint_job.h"
#include "engine/commit_tracker.h"
#include "engine/engine.h"
#include "engine/engine_cursor.h"
#include "engine/operation_times.h"
#include "engine/read_set.h"
#include "engine/read_state.h"
#include "engine/scattered_reads.h"
#include "engine/timing.h"
#include "engine/write_throttle.h"
#include "lsm/compaction/compaction_picker.h"
#include "lsm/compaction/merge_job.h"
#include "lsm/compaction/value_garbage.h"
#include "lsm/memtable/memtable.h"
#include "lsm/sst/block_cache.h"
#include "lsm/version/version_state.h"
#include "vlog/placement.h"
#include "wal/log.h"
#include "wal/recover.h"

namespace nokv::engine {

// A memtable and its place in the history.
struct MemtableRef {
  std::shared_ptr<lsm::Memtable> table;
  // Of the newest entry, and of the last log record that holds one.
  keys::SequenceNumber last_sequence = 0;
  wal::LogPosition log_end;
  uint64_t id = 0;
  uint64_t queued_at_micros = 0;  // when it became immutable
  uint64_t batch_bytes = 0;       // of the batches in it, as the throttle counts them
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(const Options& options, std::string path, const Doors& doors);
  ~EngineImpl() override;

  Status Open();

  Result<bool> Get(const ReadView& view, std::string_view engine_key, FoundValue* found) override;
  Status MultiGet(const ReadView& view, std::span<const std::string> engine_keys,
                  std::vector<std::optional<FoundValue>>* found) override;
  void Prefetch(std::span<const std::string> engine_keys) override;
  std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) override;
  std::unique_ptr<EngineSnapshot> NewSnapshot(bool include_unsynced) override;

  WriteTicket WriteAsync(const Batch& batch, bool sync, Completion done) override;
  WriteTicket WriteDeferred(const Batch& batch, Completion done) override;
  bool HasRoom() override;
  void WriteGathered(const Batch& batch, bool deferred, Completion done) override;
  WriteTicket WriteLeading(const Batch& batch, bool sync, Completion done) override;
  WriteTicket WriteIf(const Batch& batch, ReadSet reads, WriteMode mode, Completion done) override;
  void SyncAsync(Completion done) override { Sync(/*leading=*/false, std::move(done)); }
  void SyncLeading(Completion done) override { Sync(/*leading=*/true, std::move(done)); }
  runtime::EventCount& syncs() override { return *syncs_; }
  bool Durable() const override;

  void FlushAsync(Completion done) override;
  void CompactRangeAsync(std::string start, std::string end, Completion done) override;
  void RunValueLogGCAsync(double discard_ratio, Completion done) override;

  void CreateCheckpointAsync(std::string path, Completion done) override;
  void IngestAsync(IngestRequest request, Completion done) override;

  Stats GetStats() override;
  ManifestStats GetManifest() override;
  Result<ValueFilesStats> GetValueFiles() override;
  uint64_t open_generation() const override { return open_generation_; }
  base::Clock& clock() override { return doors_.runtime.clock(); }
  Status background_error() const override;
  bool closed() const override { return closed_->load(std::memory_order_acquire); }
  void CloseAsync(Completion done) override;

  // What the view looks at.
  CurrentReadState::Lease StateOf(const ReadView& view) const;
  // How far the view sees. A read takes its state first: whatever it shows up to there is in it,
  // and what was acknowledged before the read began is, too.
  keys::SequenceNumber SequenceOf(const ReadView& view, const ReadState& state) const;

 private:
  friend class SnapshotHandle;

  // Input that a background task works through before it lets others run.
  static constexpr uint64_t kSliceBytes = 4 << 20;
  // A memtable with this many range tombstones is flushed: reads look at all of them.
  static constexpr size_t kMaxMemtableTombstones = 1024;

  // A write that waits for room.
  struct StalledWrite {
    std::string encoding;
    SyncNeed need = SyncNeed::kNone;
    std::unique_ptr<Validation> validation;  // registered; null: unconditional
    Completion done;
    uint64_t queued_at_micros = 0;
  };
  // Where changes may be that a validation has to search.
  struct NewerPlaces {
    std::vector<std::shared_ptr<const lsm::Memtable>> memtables;
    std::shared_ptr<const lsm::Version> version;
  };
  // A write that has its place in log and memtable but is not in them yet.
  struct Admission {
    wal::Reservation place;
    std::shared_ptr<lsm::Memtable> memtable;
    keys::SequenceNumber first_sequence = 0;
    uint64_t ticket = 0;
  };
  struct FlushWaiter {
    uint64_t memtable_id = 0;  // answered when this memtable and all older ones are in tables
    Completion done;
  };
  // A compaction that runs. The plan and each job are owned by the task that runs them; whoever
  // ends last has all.
  struct Compaction {
    lsm::CompactionPlan plan;
    std::vector<std::unique_ptr<lsm::MergeJob>> jobs;  // of its slices; none for a move
    uint64_t started_micros = 0;
    // Guarded by the engine's mutex:
    size_t unfinished = 0;  // jobs
    bool given_up = false;
    Status status;  // the first failure
  };

  // A slice that waits for its turn; a job has at most one.
  struct PacedSlice {
    runtime::TimerId timer = 0;
    std::shared_ptr<Compaction> compaction;
    lsm::MergeJob* job = nullptr;
  };

  struct ManualCompaction {
    std::string start;
    std::string end;
    int level = 0;
    bool merged_down = false;
    Completion done;
  };

  struct ValueGarbageCollection {
    double discard_ratio = 1;
    bool found_any = false;
    Completion done;
  };

  struct Ingest {
    std::unique_ptr<IngestJob> job;  // owned by its task
    Completion done;
    // Guarded by the engine's mutex, from the moment in which it gets its place in the order of
    // writes:
    std::string encoding;  // a batch that changes what the tables may
    std::optional<uint64_t> ticket;
    keys::SequenceNumber first_sequence = 0;  // of the first table; the others follow
  };
  // How the tables of an ingest are installed.
  struct IngestPlan {
    manifest::VersionEdit edit;
    std::vector<lsm::CompactionPlan> running;  // registered as such, to keep compactions away
    bool drops = false;                        // tables that lie wholly in what is excised
    bool hides = false;                        // by a range tombstone, what else lies there
  };
  // An ingest that dropped tables while snapshots were taken.
  struct Excision {
    keys::SequenceNumber sequence = 0;  // the last of the ingest
    std::string encoding;               // a batch that changes what it may have changed
  };

  // open.cc
  Status OpenForWriting(std::unique_ptr<vfs::FileLock> lock);
  Status OpenForReading();
  // Replays what `flushed` says is not in tables yet; null: everything.
  Result<wal::RecoveryReport> RecoverLog(const manifest::DatabaseState* flushed);
  Status ReplayBatch(const wal::RecordView& record, keys::SequenceNumber flushed_sequence)
      EXCLUDES(mu_);
  void RemoveLeftovers();

  // write.cc
  Status CheckBatch(const Batch& batch) const;
  // Counts a write; has `*done` note how long it took if its turn to be timed has come.
  void TimeWrite(Completion* done);
  WriteTicket Write(const Batch& batch, SyncNeed need, bool leading, Completion done,
                    bool may_wait = true) EXCLUDES(mu_);
  // Gives the batch its place in log and memtable, or in the queue of writes that wait for room;
  // then `*done` is taken. An error refuses it. `validation` is registered, and has found nothing;
  // null: the write is unconditional.
  // Without `may_wait` it goes ahead whatever the room.
  Status PlaceLocked(const Batch& batch, SyncNeed need, bool may_wait,
                     std::unique_ptr<Validation> validation, Completion* done,
                     std::optional<Admission>* admission, Completions* completions) REQUIRES(mu_);
  // OK if the engine takes writes.
  Status RefusalLocked() const REQUIRES(mu_);
  // True if a write may go ahead, after making the full memtable immutable if need be; false if it
  // must wait (the stall times say why).
  bool MakeRoomLocked() REQUIRES(mu_);
  void SwitchMemtableLocked() REQUIRES(mu_);
  // The active memtable becomes the newest immutable one; a new one takes its place.
  void RetireActiveLocked() REQUIRES(mu_);
  std::shared_ptr<lsm::Memtable> NewMemtable() const;
  // `encoding` must live until Apply has returned.
  Result<Admission> AdmitLocked(std::string_view encoding, SyncNeed need, Completion* done,
                                Completions* completions) REQUIRES(mu_);
  // Copies the batch into log and memtable and marks it applied; then runs the sync that may have
  // become due, on this thread if `leading`. True if reads can see it.
  WriteTicket Apply(const Admission& admission, std::string_view encoding, bool leading)
      EXCLUDES(mu_);
  // Admits and applies writes that wait, as long as they may go; some of them.
  void DrainStalled() EXCLUDES(mu_);
  // Has the log made ready for what follows a write at `position`.
  void PrepareLogLocked(wal::LogPosition position, bool synced) REQUIRES(mu_);
  void RunWriteAhead() EXCLUDES(mu_);
  void RunPrepareNext() EXCLUDES(mu_);
  // There is room for `*write`: admits it, or answers its conflict.
  void AdmitStalledLocked(StalledWrite* write, std::optional<Admission>* admission,
                          Completions* completions) REQUIRES(mu_);
  // True if a sync is due and none is running: the caller must then run one.
  bool ClaimSyncLocked() REQUIRES(mu_);
  void Sync(bool leading, Completion done) EXCLUDES(mu_);
  void RunClaimedSync(bool leading) EXCLUDES(mu_);
  void RunSyncs() EXCLUDES(mu_);
  // One sync for everybody who waits; true if more have come to wait meanwhile.
  bool SyncOnce() EXCLUDES(mu_);

  // validate.cc
  // Shows the validation what is admitted and not applied, and from now on what will be admitted;
  // `*places` is where the rest is. kResourceExhausted if too many are registered.
  Status RegisterLocked(Validation* validation, NewerPlaces* places) REQUIRES(mu_);
  // Null is fine.
  void UnregisterLocked(const Validation* validation) REQUIRES(mu_);
  // Answers a conditional write that did not go ahead.
  void AnswerUnfitLocked(const Validation& validation, Status status, Completion done,
                         Completions* completions) REQUIRES(mu_);

  // read.cc
  void PublishReadStateLocked() REQUIRES(mu_);
  std::vector<keys::SequenceNumber> SnapshotsLocked() const REQUIRES(mu_);
  void ReleaseSnapshot(keys::SequenceNumber sequence) EXCLUDES(mu_);

  // back_pressure.cc
  static ThrottleLimits LimitsOf(const Options& options);
  bool MemtableFullLocked() const REQUIRES(mu_);
  uint64_t ImmutableBytesLocked() const REQUIRES(mu_);
  // Why no write can go ahead before background work has made room; null if one can.
  const char* StopReasonLocked() const REQUIRES(mu_);
  // As StopReasonLocked, or why writes have to take turns; then somebody will let them go on.
  const char* WaitReasonLocked() REQUIRES(mu_);
  // What is waiting has changed: sets the rate of writes.
  void JudgeLoadLocked() REQUIRES(mu_);
  // Of a write that goes while writes are slowed down.
  void ChargeLocked(uint64_t bytes) REQUIRES(mu_);
  void LookAtDisk() EXCLUDES(mu_);
  // Has the writes that wait tried again as soon as the throttle lets them.
  void WakeWritersLocked() REQUIRES(mu_);
  // What stopped writes may be over.
  void RoomMadeLocked() REQUIRES(mu_);
  // The task that WakeWritersLocked posts. REQUIRES: waking_ is set.
  void LetWritersGo() EXCLUDES(mu_);

  // background.cc
  void ScheduleLocked() REQUIRES(mu_);
  void RunFlush() EXCLUDES(mu_);
  // Has files of the log that nobody needs any more removed.
  void ReleaseLater() EXCLUDES(mu_);
  // The table is written. If it points into the log, the log is synced before it is installed.
  void SyncThenInstallFlush() EXCLUDES(mu_);
  void EndFlush(Status synced) EXCLUDES(mu_);
  void FinishFlush(Status status) EXCLUDES(mu_);
  Status InstallFlush(const MemtableRef& memtable) EXCLUDES(mu_);
  lsm::MergeJobContext JobContextLocked() REQUIRES(mu_);
  // REQUIRES: there is a compaction filter.
  lsm::ValueFilter ValueFilterLocked() const REQUIRES(mu_);
  // For tables of `level`, while `base_level` is the first sorted level in use.
  lsm::TableOptions TableOptionsFor(int level, int base_level) const;
  void RemoveObsoleteFiles();
  Status RemoveTable(uint64_t number);

  // compaction.cc
  void StartCompactionsLocked() REQUIRES(mu_);
  void StartCompactionLocked(lsm::CompactionPlan plan) REQUIRES(mu_);
  std::optional<lsm::CompactionPlan> PlanCompactionLocked(Completions* completions) REQUIRES(mu_);
  std::optional<lsm::CompactionPlan> PlanManualLocked(Completions* completions) REQUIRES(mu_);
  lsm::PickContext PickContextLocked() REQUIRES(mu_);
  // What the levels want.
  std::optional<lsm::CompactionPlan> PickCompactionLocked() REQUIRES(mu_);
  void PostSliceLocked(const std::shared_ptr<Compaction>& compaction, lsm::MergeJob* job)
      REQUIRES(mu_);
  // As PostSliceLocked, when the pace of background work allows it. It has just done `bytes`.
  void PostSliceInTurn(const std::shared_ptr<Compaction>& compaction, lsm::MergeJob* job,
                       uint64_t bytes) EXCLUDES(mu_);
  // Slices that wait for their turn go now.
  void HurrySlicesLocked() REQUIRES(mu_);
  void RunSlice(const std::shared_ptr<Compaction>& compaction, lsm::MergeJob* job) EXCLUDES(mu_);
  // The last slice has ended.
  void EndCompaction(Compaction& compaction) EXCLUDES(mu_);
  void FinishCompaction(Compaction& compaction, Status status) EXCLUDES(mu_);
  void CountCompactionLocked(const Compaction& compaction) REQUIRES(mu_);
  void EndedLocked(Compaction& compaction) REQUIRES(mu_);

  // value_gc.cc
  // Files with so much garbage that compactions shall move values out of them, the worst first.
  std::vector<manifest::ValueFileId> FilesToEmptyLocked() REQUIRES(mu_);
  // As FilesToEmptyLocked, for a compaction that has another reason: the further compaction is
  // behind, the less is moved along.
  std::vector<manifest::ValueFileId> FilesToEmptyAlongLocked() REQUIRES(mu_);
  // What makes a file with much garbage emptier; tells whoever asked for that when nothing does.
  std::optional<lsm::CompactionPlan> PlanValueGarbageLocked(Completions* completions) REQUIRES(mu_);
  // There is garbage, but a collection ended a short time ago: the next one begins when it may,
  // whether or not anything else happens.
  void CollectLaterLocked() REQUIRES(mu_);
  // Removes log segments and value files that neither replay nor a table nor a reader needs. What
  // cannot be removed is only space.
  void RemoveUnusedValueFiles() EXCLUDES(mu_);
  void RemoveValueFiles(const std::vector<manifest::ValueFileId>& files) EXCLUDES(mu_);

  // quiet.cc
  // What is worth doing while little is written. If more may be, there is a look at that
  // later.
  std::optional<lsm::CompactionPlan> PlanQuietLocked() REQUIRES(mu_);
  void LookWhetherQuietLocked() REQUIRES(mu_);

  // value_order.cc
  // From now on a table that becomes due is looked after though nothing else happens.
  void WatchScatteredReads();
  // A table whose values are put into the order of its keys, since scans have paid for that.
  std::optional<lsm::CompactionPlan> PlanValueOrderLocked() REQUIRES(mu_);
  // What scans have paid for tables that are gone counts for those that replace them.
  void PassOnRent(const Compaction& compaction);
  // What a table points to, at most: so much is moved at once, and takes its space twice meanwhile.
  uint64_t TargetValueBytes() const { return 4 * options_.table_bytes; }

  // checkpoint.cc
  // All that the checkpoint shall hold is durable, if `synced` is OK.
  void RunCheckpoint(Status synced) EXCLUDES(mu_);

  // ingest.cc
  void PostIngest();
  void RunIngest() EXCLUDES(mu_);
  // The files are ready, and nearly all is flushed: gives them their place in the order of writes.
  void PlaceIngest(Ingest& ingest, Status flushed) EXCLUDES(mu_);
  // All that is older is in tables.
  void InstallIngest(Ingest& ingest, Status flushed) EXCLUDES(mu_);
  IngestPlan PlanIngestLocked(const Ingest& ingest) REQUIRES(mu_);
  // One plan per level with the tables that lie wholly in what is excised and may be dropped.
  std::vector<lsm::CompactionPlan> PlanDropLocked(const Ingest& ingest) const REQUIRES(mu_);
  void FinishIngest(Ingest& ingest, Status status) EXCLUDES(mu_);

  // report.cc
  std::shared_ptr<const ReadState> ReportUnderLock(Stats* stats) const EXCLUDES(mu_);

  // lifecycle.cc
  // The first error makes the engine read-only and answers everybody who waits.
  void SetBackgroundErrorLocked(const Status& status, Completions* completions) REQUIRES(mu_);
  // Answers everybody who waits for room, a flush or a compaction.
  void AnswerQueuesLocked(const Status& status, Completions* completions) REQUIRES(mu_);
  void MaybeFinishCloseLocked() REQUIRES(mu_);
  void FinishClose() EXCLUDES(mu_);

  // Constant after Open.
  const Options options_;
  const std::string path_;
  const Doors doors_;
  const lsm::CompactionOptions compaction_options_;
  const vlog::Placement placement_;
  lsm::BlockCache cache_;
  // Of memtables that are gone, for those to come: as many as one fills.
  const std::shared_ptr<base::MemoryUnits> memtable_units_;
  std::unique_ptr<lsm::VersionState> versions_;
  std::unique_ptr<wal::Log> log_;  // null when read-only
  lsm::VoidPlaces void_places_;
  LogStats found_log_;  // what a read-only open found
  uint64_t open_generation_ = 0;
  std::unique_ptr<vfs::FileLock> lock_;
  // Set when the engine refuses everything; cursors hold it too.
  const std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);

  // Cursors hold it too.
  const std::shared_ptr<OperationTimes> times_;

  // Cursors hold it too. Null: values stay where they are, however scans read them.
  const std::shared_ptr<ScatteredReads> scattered_;

  ReadHorizon horizon_;
  CurrentReadState current_state_;

  mutable base::Mutex mu_;
  MemtableRef active_ GUARDED_BY(mu_);
  std::deque<MemtableRef> immutables_ GUARDED_BY(mu_);  // oldest first
  std::shared_ptr<const ReadState> read_state_ GUARDED_BY(mu_);
  CommitTracker tracker_ GUARDED_BY(mu_){0, &horizon_};
  std::deque<StalledWrite> stalled_ GUARDED_BY(mu_);
  WriteThrottle throttle_ GUARDED_BY(mu_);
  // While it is true compactions move no values for the sake of their files, since writes may soon
  // have to wait for them. Their jobs read it.
  std::atomic<bool> in_haste_{false};
  uint64_t flush_due_micros_ GUARDED_BY(mu_) = 0;          // 0: none is
  uint64_t unjudged_bytes_ GUARDED_BY(mu_) = 0;            // written since the load was judged
  uint64_t free_disk_bytes_ GUARDED_BY(mu_) = UINT64_MAX;  // when it was last looked at
  std::optional<runtime::TimerId> waker_ GUARDED_BY(mu_);  // of writes that take turns
  bool waking_ GUARDED_BY(mu_) = false;                    // it runs, or is about to
  std::vector<Validation*> validations_ GUARDED_BY(mu_);   // registered
  bool syncing_ GUARDED_BY(mu_) = false;                   // until its completions have run
  uint64_t syncs_begun_ GUARDED_BY(mu_) = 0;
  const std::unique_ptr<runtime::EventCount> syncs_;
  bool preparing_log_ GUARDED_BY(mu_) = false;
  wal::LogPosition write_ahead_at_ GUARDED_BY(mu_);   // again after a synced write from here on
  uint64_t last_prepared_after_ GUARDED_BY(mu_) = 0;  // the segment
  std::multiset<keys::SequenceNumber> snapshots_ GUARDED_BY(mu_);
  Status background_error_ GUARDED_BY(mu_);

  bool flushing_ GUARDED_BY(mu_) = false;
  std::unique_ptr<lsm::MergeJob> flush_job_;  // owned by the flush task, as the next
  lsm::BlockCache::Reservation flush_room_;
  uint64_t flush_started_micros_ = 0;  // likewise
  std::vector<FlushWaiter> flush_waiters_ GUARDED_BY(mu_);

  std::vector<std::shared_ptr<Compaction>> compactions_ GUARDED_BY(mu_);  // that run
  BackgroundPace pace_ GUARDED_BY(mu_);
  std::vector<PacedSlice> paced_ GUARDED_BY(mu_);
  int finishing_ GUARDED_BY(mu_) = 0;                // that have ended, and clear up
  bool nothing_to_compact_ GUARDED_BY(mu_) = false;  // since the read state was published
  lsm::CompactionState compaction_state_ GUARDED_BY(mu_);
  std::deque<ManualCompaction> manual_ GUARDED_BY(mu_);
  std::optional<ValueGarbageCollection> value_gc_ GUARDED_BY(mu_);
  bool collecting_values_ GUARDED_BY(mu_) = false;              // until no file has so much garbage
  uint64_t next_collection_micros_ GUARDED_BY(mu_) = 0;         // none begins by itself before
  std::optional<runtime::TimerId> collector_ GUARDED_BY(mu_);   // of CollectLaterLocked
  std::optional<runtime::TimerId> quiet_look_ GUARDED_BY(mu_);  // of LookWhetherQuietLocked
  bool quiet_ GUARDED_BY(mu_) = false;                          // in a look that found it so
  uint64_t replay_segment_ GUARDED_BY(mu_) = 0;                 // where replay would begin

  bool closing_ GUARDED_BY(mu_) = false;
  bool close_posted_ GUARDED_BY(mu_) = false;
  Completion close_done_ GUARDED_BY(mu_);

  // One is being made: segments of the log stay.
  bool checkpointing_ GUARDED_BY(mu_) = false;
  std::unique_ptr<CheckpointJob> checkpoint_job_;  // owned by its task
  Completion checkpoint_done_ GUARDED_BY(mu_);

  std::deque<std::shared_ptr<Ingest>> ingests_ GUARDED_BY(mu_);  // the first one runs
  // ReadState::limit of the next state that is published.
  std::shared_ptr<std::atomic<keys::SequenceNumber>> read_limit_ GUARDED_BY(mu_) =
      std::make_shared<std::atomic<keys::SequenceNumber>>(keys::kMaxSequence);
  // ReadState::floor of the next state.
  keys::SequenceNumber read_floor_ GUARDED_BY(mu_) = 0;
  // An edit that drops tables is on its way: snapshots keep the state that they were taken in.
  bool excising_ GUARDED_BY(mu_) = false;
  // As long as a snapshot is older, for the transactions that read from one.
  std::optional<Excision> excision_ GUARDED_BY(mu_);

  EngineTimings timings_ GUARDED_BY(mu_);
};

// Adds the entries of a batch whose encoding lies at `place` in the log, the first with sequence
// number `first_sequence`. kDataLoss if it is malformed (`verify_values` checks the value CRCs
// too).
Status InsertBatch(std::string_view encoding, keys::SequenceNumber first_sequence,
                   wal::LogPosition place, const vlog::Placement& placement, bool verify_values,
                   lsm::Memtable* memtable);

}  // namespace nokv::engine
