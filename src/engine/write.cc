// The write path: admit, log, insert, acknowledge.
#include <cstring>

#include "base/check.h"
#include "base/macros.h"
#include "engine/engine_impl.h"

namespace nokv::engine {

namespace {
// What an entry takes in a memtable, roughly: sizes its hash index.
constexpr size_t kExpectedEntryBytes = 256;
// What may wait for room. Blocking writers hold one batch each; asynchronous ones could pile up.
constexpr size_t kMaxStalledWrites = 1 << 16;
// How many of them one task lets go: others have tasks on its lane, too.
constexpr size_t kDrainedAtOnce = 64;
}  // namespace

Status InsertBatch(std::string_view encoding, keys::SequenceNumber first_sequence,
                   wal::LogPosition place, const vlog::Placement& placement, bool verify_values,
                   lsm::Memtable* memtable) {
  BatchReader reader(encoding);
  BatchEntry entry;
  for (keys::SequenceNumber sequence = first_sequence; reader.Next(&entry, verify_values);
       sequence++) {
    if (entry.kind == keys::Kind::kRangeDelete) {
      memtable->AddRangeTombstone({std::string(entry.key), std::string(entry.value), sequence});
    } else if (placement.Apart(entry.key, entry.value.size())) {
      const vlog::ValuePointer pointer =
          vlog::PointerIntoLog({place.segment, place.offset + entry.value_offset},
                               static_cast<uint32_t>(entry.value.size()), entry.value_crc);
      memtable->Add(sequence, entry.kind, entry.key, entry.attributes, entry.value, &pointer);
    } else {
      memtable->Add(sequence, entry.kind, entry.key, entry.attributes, entry.value);
    }
  }
  return reader.status();
}

Status EngineImpl::CheckBatch(const Batch& batch) const {
  if (batch.bytes() <= wal::kMaxPayloadBytes) return Status::Ok();
  return Status::InvalidArgument("a batch of " + std::to_string(batch.bytes()) +
                                 " bytes is over the limit of " +
                                 std::to_string(wal::kMaxPayloadBytes));
}

Status EngineImpl::RefusalLocked() const {
  if (closing_) return DatabaseClosed();
  if (options_.read_only) return Status::FailedPrecondition("the database is open read-only");
  return background_error_;
}

WriteTicket EngineImpl::WriteAsync(const Batch& batch, bool sync, Completion done) {
  return Write(batch, sync ? SyncNeed::kDue : SyncNeed::kNone, /*leading=*/false, std::move(done));
}

WriteTicket EngineImpl::WriteDeferred(const Batch& batch, Completion done) {
  return Write(batch, SyncNeed::kDeferred, /*leading=*/false, std::move(done));
}

bool EngineImpl::HasRoom() {
  base::MutexLock lock(mu_);
  return RefusalLocked().ok() && stalled_.empty() && MakeRoomLocked();
}

void EngineImpl::WriteGathered(const Batch& batch, bool deferred, Completion done) {
  Write(batch, deferred ? SyncNeed::kDeferred : SyncNeed::kNone, /*leading=*/false, std::move(done),
        /*may_wait=*/false);
}

WriteTicket EngineImpl::WriteLeading(const Batch& batch, bool sync, Completion done) {
  // A write that asked for no sync does not run one for others.
  return Write(batch, sync ? SyncNeed::kDue : SyncNeed::kNone, /*leading=*/sync, std::move(done));
}

WriteTicket EngineImpl::Write(const Batch& batch, SyncNeed need, bool leading, Completion done,
                              bool may_wait) {
  TimeWrite(&done);
  Completions completions;
  std::optional<Admission> admission;
  {
    base::MutexLock lock(mu_);
    Status refusal = CheckBatch(batch);
    if (refusal.ok()) refusal = RefusalLocked();
    if (refusal.ok()) {
      refusal = PlaceLocked(batch, need, may_wait, nullptr, &done, &admission, &completions);
    }
    if (!refusal.ok()) completions.Add(std::move(done), std::move(refusal));
  }
  completions.Run();
  if (!admission.has_value()) return {};
  return Apply(*admission, batch.encoding(), leading);
}

void EngineImpl::TimeWrite(Completion* done) {
  if (!times_->write.Count() || !*done) return;
  *done = [this, began_ns = clock().MonotonicNanos(), told = std::move(*done)](Status status) {
    times_->write.Record(clock().MonotonicNanos() - began_ns);
    told(std::move(status));
  };
}

Status EngineImpl::PlaceLocked(const Batch& batch, SyncNeed need, bool may_wait,
                               std::unique_ptr<Validation> validation, Completion* done,
                               std::optional<Admission>* admission, Completions* completions) {
  const bool empty = batch.empty() && need == SyncNeed::kNone;
  const bool waits = may_wait && !empty && (!stalled_.empty() || !MakeRoomLocked());
  if (waits && stalled_.size() < kMaxStalledWrites) {
    // Its writer may ask for the sync before it is applied, so it asks for one itself.
    if (need == SyncNeed::kDeferred) need = SyncNeed::kDue;
    // A validation stays registered, and so sees what is admitted before this write.
    stalled_.push_back({batch.encoding(), need, std::move(validation), std::move(*done),
                        clock().MonotonicMicros()});
    ScheduleLocked();
    return Status::Ok();
  }
  UnregisterLocked(validation.get());
  if (waits)
    return Status::ResourceExhausted("writes wait because of too many " + timings_.stalls.reason());
  if (empty) {
    completions->Add(std::move(*done), Status::Ok());
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(*admission, AdmitLocked(batch.encoding(), need, done, completions));
  return Status::Ok();
}

bool EngineImpl::MakeRoomLocked() {
  const char* reason = WaitReasonLocked();
  if (reason != nullptr) {
    timings_.stalls.Begin(reason, clock().MonotonicMicros());
    return false;
  }
  if (MemtableFullLocked()) SwitchMemtableLocked();
  return true;
}

void EngineImpl::SwitchMemtableLocked() {
  RetireActiveLocked();
  PublishReadStateLocked();
  ScheduleLocked();
}

void EngineImpl::RetireActiveLocked() {
  active_.queued_at_micros = clock().MonotonicMicros();
  const uint64_t next_id = active_.id + 1;
  immutables_.push_back(std::move(active_));
  active_ = MemtableRef();
  active_.table = NewMemtable();
  active_.id = next_id;
}

std::shared_ptr<lsm::Memtable> EngineImpl::NewMemtable() const {
  return std::make_shared<lsm::Memtable>(options_.memtable_bytes / kExpectedEntryBytes,
                                         memtable_units_);
}

Result<EngineImpl::Admission> EngineImpl::AdmitLocked(std::string_view encoding, SyncNeed need,
                                                      Completion* done, Completions* completions) {
  auto place = log_->Reserve(wal::RecordType::kBatch, static_cast<uint32_t>(encoding.size()));
  if (!place.ok()) {
    SetBackgroundErrorLocked(place.status(), completions);
    return background_error_;
  }
  if (throttle_.engaged()) ChargeLocked(encoding.size());
  for (Validation* validation : validations_) validation->SeeBatch(encoding);
  const uint32_t count = BatchReader(encoding).count();
  Admission admission;
  admission.place = *std::move(place);
  admission.memtable = active_.table;
  admission.first_sequence = tracker_.next();
  admission.ticket = tracker_.Begin(encoding, count, need, std::move(*done));
  active_.last_sequence = tracker_.next() - 1;
  active_.log_end = admission.place.end;
  active_.batch_bytes += encoding.size();
  timings_.batches++;
  timings_.batch_entries += count;
  timings_.batch_bytes += encoding.size();
  if (need != SyncNeed::kNone) timings_.synced_writes++;
  PrepareLogLocked(admission.place.start, need != SyncNeed::kNone);
  return admission;
}

void EngineImpl::PrepareLogLocked(wal::LogPosition position, bool synced) {
  if (preparing_log_ || closing_) return;
  // Writers wait for it if it comes late, so it is hurried; and no flush waits behind it.
  if (synced && position >= write_ahead_at_) {
    preparing_log_ = true;
    write_ahead_at_ = {position.segment, position.offset + wal::kWriteAheadBytes};
    doors_.runtime.Post(runtime::Lane::kHurried, [this] { RunWriteAhead(); });
  } else if (position.segment > last_prepared_after_ && log_->NextIsDue(position)) {
    preparing_log_ = true;
    last_prepared_after_ = position.segment;
    doors_.runtime.Post(runtime::Lane::kHurried, [this] { RunPrepareNext(); });
  }
}

void EngineImpl::RunPrepareNext() {
  // Whoever needs the segment tries again, and tells what is wrong.
  (void)log_->PrepareNext();
  base::MutexLock lock(mu_);
  preparing_log_ = false;
  MaybeFinishCloseLocked();
}

void EngineImpl::RunWriteAhead() {
  const Result<bool> done = log_->WriteAhead();
  Completions completions;
  {
    base::MutexLock lock(mu_);
    if (!done.ok()) SetBackgroundErrorLocked(done.status(), &completions);
    if (done.ok() && !*done && !closing_) {
      doors_.runtime.Post(runtime::Lane::kHurried, [this] { RunWriteAhead(); });
    } else {
      preparing_log_ = false;
      MaybeFinishCloseLocked();
    }
  }
  completions.Run();
}

WriteTicket EngineImpl::Apply(const Admission& admission, std::string_view encoding, bool leading) {
  std::optional<OperationTimer> timer(std::in_place, clock(), times_->write_apply);
  std::memcpy(admission.place.payload, encoding.data(), encoding.size());
  base::StoreFixed64(admission.place.payload, admission.first_sequence);
  const auto committed = log_->Commit(admission.place);
  Completions completions;
  WriteTicket ticket;
  bool sync_due = false;
  if (committed.ok()) {
    const Status inserted =
        InsertBatch(encoding, admission.first_sequence, admission.place.payload_position(),
                    placement_, /*verify_values=*/false, admission.memtable.get());
    NOKV_CHECK(inserted.ok()) << inserted;
    timer.reset();
    base::MutexLock lock(mu_);
    tracker_.Applied(admission.ticket, &completions);
    ticket.first_sync = syncs_begun_ + 1;
    ticket.applied =
        tracker_.applied() + 1 >= admission.first_sequence + base::LoadFixed32(encoding.data() + 8);
    // Also after an unsynced write: synced ones behind it may have waited for it to be applied.
    sync_due = ClaimSyncLocked();
    if (!immutables_.empty() && !flushing_) ScheduleLocked();
    MaybeFinishCloseLocked();
  } else {
    base::MutexLock lock(mu_);
    SetBackgroundErrorLocked(committed.status(), &completions);
    MaybeFinishCloseLocked();
  }
  completions.Run();
  if (sync_due) RunClaimedSync(leading);
  return ticket;
}

void EngineImpl::DrainStalled() {
  struct Going {
    StalledWrite write;  // stays where it is until it is applied
    std::optional<Admission> admission;
  };
  std::deque<Going> going;
  Completions completions;
  {
    // They get their places before others may go, and are applied while others do.
    base::MutexLock lock(mu_);
    while (going.size() < kDrainedAtOnce && !stalled_.empty() && RefusalLocked().ok() &&
           MakeRoomLocked()) {
      Going& next = going.emplace_back();
      next.write = std::move(stalled_.front());
      stalled_.pop_front();
      const uint64_t now = clock().MonotonicMicros();
      timings_.write_room.Add(now - next.write.queued_at_micros);
      if (stalled_.empty()) timings_.stalls.End(now);
      AdmitStalledLocked(&next.write, &next.admission, &completions);
    }
  }
  completions.Run();
  for (const Going& next : going) {
    if (next.admission.has_value()) {
      Apply(*next.admission, next.write.encoding, /*leading=*/false);
    }
  }
}

void EngineImpl::AdmitStalledLocked(StalledWrite* write, std::optional<Admission>* admission,
                                    Completions* completions) {
  if (write->validation != nullptr) {
    UnregisterLocked(write->validation.get());
    const Status& conflict = write->validation->conflict();
    if (!conflict.ok()) {
      return AnswerUnfitLocked(*write->validation, conflict, std::move(write->done), completions);
    }
  }
  auto admitted = AdmitLocked(write->encoding, write->need, &write->done, completions);
  if (admitted.ok()) {
    *admission = *std::move(admitted);
  } else {
    completions->Add(std::move(write->done), admitted.status());
  }
}

void EngineImpl::Sync(bool leading, Completion done) {
  Completions completions;
  bool sync_due = false;
  {
    base::MutexLock lock(mu_);
    const Status refusal = RefusalLocked();
    if (refusal.ok()) {
      tracker_.AwaitSync(std::move(done), &completions);
      sync_due = ClaimSyncLocked();
    } else {
      completions.Add(std::move(done), refusal);
    }
  }
  completions.Run();
  if (sync_due) RunClaimedSync(leading);
}

bool EngineImpl::Durable() const {
  base::MutexLock lock(mu_);
  return tracker_.visible() == tracker_.applied();
}

bool EngineImpl::ClaimSyncLocked() {
  if (syncing_ || !tracker_.NeedsSync() || !background_error_.ok()) return false;
  syncing_ = true;
  return true;
}

void EngineImpl::RunClaimedSync(bool leading) {
  // A caller that leads syncs once; who came to wait meanwhile is served by the log lane.
  if (leading && !SyncOnce()) return;
  doors_.runtime.Post(runtime::Lane::kLog, [this] { RunSyncs(); });
}

void EngineImpl::RunSyncs() {
  while (SyncOnce()) {
  }
}

bool EngineImpl::SyncOnce() {
  keys::SequenceNumber target = 0;
  {
    base::MutexLock lock(mu_);
    syncs_begun_++;
    target = tracker_.applied();
  }
  const uint64_t started = clock().MonotonicMicros();
  const auto synced = log_->Sync();
  Status marked;
  if (synced.ok()) marked = log_->MarkSynced();
  Completions completions;
  {
    base::MutexLock lock(mu_);
    timings_.sync.Add(clock().MonotonicMicros() - started);
    if (synced.ok()) {
      tracker_.Synced(target, &completions);
      if (!immutables_.empty() && !flushing_) ScheduleLocked();
      if (!marked.ok()) SetBackgroundErrorLocked(marked, &completions);
    } else {
      SetBackgroundErrorLocked(synced.status(), &completions);
    }
  }
  completions.Run();
  syncs_->Advance();
  base::MutexLock lock(mu_);
  syncing_ = tracker_.NeedsSync();
  MaybeFinishCloseLocked();
  return syncing_;
}

}  // namespace nokv::engine
