// Background work: flushes, compactions and the removal of what they leave behind. One flush and
// one compaction run at a time, each as a chain of short tasks.
#include <algorithm>

#include "base/macros.h"
#include "engine/engine_impl.h"
#include "lsm/version/file_handle.h"

namespace nokv::engine {

namespace {
// Input that one task works through before it lets others run.
constexpr uint64_t kSliceBytes = 4 << 20;

bool PointsIntoLog(const manifest::VersionEdit& edit) {
  return std::any_of(edit.added_files.begin(), edit.added_files.end(),
                     [](const auto& added) { return !added.second.points_into.empty(); });
}
}  // namespace

void EngineImpl::ScheduleLocked() {
  if (closing_ || options_.read_only || !background_error_.ok()) return;
  // A memtable can be flushed once all that is in it is visible. Of what is not, the flush could
  // not tell which entries the next reads will need: an acknowledgement may end between any two
  // writes.
  if (!flushing_ && !immutables_.empty() &&
      tracker_.visible() >= immutables_.front().last_sequence) {
    flushing_ = true;
    doors_.runtime.Post(runtime::Lane::kFlush, [this] { RunFlush(); });
  }
  if (!compacting_) {
    Completions completions;
    compaction_plan_ = PlanCompactionLocked(&completions);
    if (compaction_plan_.has_value()) {
      compacting_ = true;
      compaction_state_.Register(*compaction_plan_);
      compaction_started_micros_ = clock().MonotonicMicros();
      doors_.runtime.Post(runtime::Lane::kCompaction, [this] { RunCompaction(); });
    }
    // A manual compaction may end here; its caller is told from a task, with no lock held.
    if (!completions.empty()) {
      auto shared = std::make_shared<Completions>(std::move(completions));
      doors_.runtime.Post(runtime::Lane::kCompaction, [shared] { shared->Run(); });
    }
  }
}

lsm::MergeJobContext EngineImpl::JobContextLocked() {
  lsm::MergeJobContext context;
  context.fs = &doors_.fs;
  context.dir = path_;
  context.new_file_number = [this] { return versions_->NewFileNumber(); };
  const int base_level = lsm::TargetsOf(*read_state_->version, compaction_options_).base_level;
  for (int level = 0; level < lsm::kLevels; level++) {
    context.table_options[static_cast<size_t>(level)] = TableOptionsFor(level, base_level);
  }
  context.target_file_bytes = options_.table_bytes;
  context.snapshots = SnapshotsLocked();
  context.now_ms = clock().WallMillis();
  context.void_places = void_places_;
  context.placement = placement_;
  context.value_buckets = static_cast<uint16_t>(options_.value_log_buckets);
  return context;
}

lsm::TableOptions EngineImpl::TableOptionsFor(int level, int base_level) const {
  lsm::TableOptions table;
  table.filter_bits_per_key = options_.filter_bits_per_key;
  table.compression = lsm::Compression::kNone;
  if (options_.compression.empty()) return table;
  const size_t last = options_.compression.size() - 1;
  size_t index = last;
  if (level == 0) index = 0;
  if (level > 0 && level < lsm::kLevels - 1) {
    index = std::min(static_cast<size_t>(std::max(level - base_level, 0)) + 1, last);
  }
  table.compression = static_cast<lsm::Compression>(options_.compression[index]);
  return table;
}

void EngineImpl::FlushAsync(Completion done) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    const Status refusal = RefusalLocked();
    if (!refusal.ok()) {
      completions.Add(std::move(done), refusal);
    } else {
      if (!active_.table->empty()) SwitchMemtableLocked();
      if (immutables_.empty()) {
        completions.Add(std::move(done), Status::Ok());
      } else {
        flush_waiters_.push_back({immutables_.back().id, std::move(done)});
      }
    }
  }
  completions.Run();
}

void EngineImpl::RunFlush() {
  if (flush_job_ == nullptr) {
    LookAtDisk();
    base::MutexLock lock(mu_);
    const MemtableRef& memtable = immutables_.front();
    timings_.flush_wait.Add(clock().MonotonicMicros() - memtable.queued_at_micros);
    flush_started_micros_ = clock().MonotonicMicros();
    flush_job_ = lsm::NewFlushJob({memtable.table}, JobContextLocked());
  }
  const Result<bool> done = flush_job_->Step(kSliceBytes);
  if (!done.ok()) return FinishFlush(done.status().Prefixed("flush"));
  if (!*done) {
    doors_.runtime.Post(runtime::Lane::kFlush, [this] { RunFlush(); });
    return;
  }
  SyncThenInstallFlush();
}

void EngineImpl::SyncThenInstallFlush() {
  Completions completions;
  bool sync_due = false;
  {
    base::MutexLock lock(mu_);
    const MemtableRef& memtable = immutables_.front();
    if (!PointsIntoLog(flush_job_->edit()) || log_->SyncedEnd() >= memtable.log_end) {
      completions.Add([this](Status status) { EndFlush(std::move(status)); }, Status::Ok());
    } else if (!background_error_.ok()) {
      completions.Add([this](Status status) { EndFlush(std::move(status)); }, background_error_);
    } else {
      // Whoever completes a sync must not wait for a flush to be installed.
      const auto end = [this](Status synced) {
        doors_.runtime.Post(runtime::Lane::kFlush, [this, synced] { EndFlush(synced); });
      };
      tracker_.AwaitSync(end, &completions);
      sync_due = ClaimSyncLocked();
    }
  }
  completions.Run();
  if (sync_due) RunClaimedSync(/*leading=*/false);
}

void EngineImpl::EndFlush(Status synced) {
  if (!synced.ok()) {
    flush_job_->RemoveOutputs();
    return FinishFlush(synced.Prefixed("flush"));
  }
  MemtableRef memtable;
  {
    base::MutexLock lock(mu_);
    memtable = immutables_.front();
  }
  FinishFlush(InstallFlush(memtable));
}

Status EngineImpl::InstallFlush(const MemtableRef& memtable) {
  manifest::VersionEdit edit = flush_job_->edit();
  edit.log_position = manifest::LogPosition{memtable.log_end.segment, memtable.log_end.offset};
  edit.last_sequence = memtable.last_sequence;
  RETURN_IF_ERROR(versions_->LogAndApply({std::move(edit)}).Prefixed("install flush"));
  {
    base::MutexLock lock(mu_);
    timings_.flush_bytes_written += flush_job_->stats().bytes_written;
    const uint64_t micros = clock().MonotonicMicros() - flush_started_micros_;
    timings_.flush_build.Add(micros);
    throttle_.FlushDone(memtable.table->MemoryUsage(), micros);
    immutables_.pop_front();
    replay_segment_ = memtable.log_end.segment;
    PublishReadStateLocked();
  }
  // What the tables now hold need not be replayed.
  const uint64_t started = clock().MonotonicMicros();
  RemoveUnusedValueFiles();
  base::MutexLock lock(mu_);
  timings_.flush_release.Add(clock().MonotonicMicros() - started);
  return Status::Ok();
}

void EngineImpl::FinishFlush(Status status) {
  flush_job_.reset();
  Completions completions;
  {
    base::MutexLock lock(mu_);
    if (!status.ok()) SetBackgroundErrorLocked(status, &completions);
    const uint64_t oldest = immutables_.empty() ? active_.id : immutables_.front().id;
    std::erase_if(flush_waiters_, [&](FlushWaiter& waiter) {
      if (waiter.memtable_id >= oldest) return false;
      completions.Add(std::move(waiter.done), Status::Ok());
      return true;
    });
  }
  completions.Run();
  DrainStalled();
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  flushing_ = false;
  ScheduleLocked();
  MaybeFinishCloseLocked();
}

std::optional<lsm::CompactionPlan> EngineImpl::PlanCompactionLocked(Completions* completions) {
  auto plan = PlanManualLocked(completions);
  if (!plan.has_value()) plan = PickCompactionLocked();
  if (!plan.has_value()) return PlanValueGarbageLocked(completions);
  // What has to be read anyway leaves the files that are to be emptied.
  const auto files = FilesToEmptyAlongLocked();
  plan->emptied = {files.begin(), files.end()};
  return plan;
}

std::optional<lsm::CompactionPlan> EngineImpl::PickCompactionLocked() {
  lsm::PickContext context;
  context.now_ms = clock().WallMillis();
  context.oldest_snapshot = SnapshotsLocked().front();
  return lsm::PickCompaction(read_state_->version, compaction_options_, compaction_state_, context);
}

std::optional<lsm::CompactionPlan> EngineImpl::PlanManualLocked(Completions* completions) {
  while (!manual_.empty()) {
    ManualCompaction& manual = manual_.front();
    const auto& version = read_state_->version;
    lsm::PrefixRange range{manual.start, manual.end, /*end_inclusive=*/false};
    // Without an upper bound: past every keyspace byte.
    if (range.end.empty()) range.end = std::string(1, '\xff');
    // The deepest level is rewritten in place, but not right after it was merged into.
    const int deepest = version->DeepestLevel();
    const int last = manual.merged_down ? deepest - 1 : deepest;
    for (; manual.level <= last; manual.level++) {
      auto plan = lsm::PlanManual(version, compaction_options_, manual.level, range);
      if (!plan.has_value()) continue;
      if (plan->output_level > manual.level) manual.merged_down = true;
      manual.level++;
      return plan;
    }
    completions->Add(std::move(manual.done), Status::Ok());
    manual_.pop_front();
  }
  return std::nullopt;
}

void EngineImpl::CompactRangeAsync(std::string start, std::string end, Completion done) {
  FlushAsync([this, start = std::move(start), end = std::move(end),
              done = std::move(done)](Status flushed) mutable {
    Completions completions;
    {
      base::MutexLock lock(mu_);
      Status refusal = flushed.ok() ? RefusalLocked() : std::move(flushed);
      if (refusal.ok()) {
        manual_.push_back({std::move(start), std::move(end), 0, false, std::move(done)});
        ScheduleLocked();
      } else {
        completions.Add(std::move(done), std::move(refusal));
      }
    }
    completions.Run();
  });
}

void EngineImpl::RunCompaction() {
  const lsm::CompactionPlan& plan = *compaction_plan_;
  if (plan.trivial_move) return FinishCompaction(versions_->LogAndApply({TrivialMoveEdit(plan)}));
  if (compaction_job_ == nullptr) {
    base::MutexLock lock(mu_);
    compaction_job_ = lsm::NewCompactionJob(plan, JobContextLocked());
  }
  {
    base::MutexLock lock(mu_);
    if (closing_ || !background_error_.ok()) {
      compaction_job_->RemoveOutputs();
      return CancelCompactionLocked();
    }
  }
  const Result<bool> done = compaction_job_->Step(kSliceBytes);
  if (!done.ok()) return FinishCompaction(done.status().Prefixed("compaction"));
  if (!*done) {
    doors_.runtime.Post(runtime::Lane::kCompaction, [this] { RunCompaction(); });
    return;
  }
  FinishCompaction(
      versions_->LogAndApply({compaction_job_->edit()}).Prefixed("install compaction"));
}

void EngineImpl::CancelCompactionLocked() {
  compaction_state_.Unregister(*compaction_plan_);
  compaction_plan_.reset();
  compaction_job_.reset();
  compacting_ = false;
  MaybeFinishCloseLocked();
}

void EngineImpl::FinishCompaction(Status status) {
  lsm::MergeJobStats stats;
  if (compaction_job_ != nullptr) stats = compaction_job_->stats();
  compaction_job_.reset();
  Completions completions;
  {
    base::MutexLock lock(mu_);
    compaction_state_.Unregister(*compaction_plan_);
    const bool for_values = compaction_plan_->reason == lsm::CompactionReason::kValueGarbage;
    const bool down = compaction_plan_->output_level > compaction_plan_->input_level;
    const uint64_t moved = lsm::BytesOf(compaction_plan_->inputs);
    const bool rewritten = !compaction_plan_->trivial_move;
    compaction_plan_.reset();
    if (status.ok()) {
      timings_.value_gc_runs += for_values ? 1 : 0;
      const uint64_t micros = clock().MonotonicMicros() - compaction_started_micros_;
      timings_.compaction.Add(micros);
      if (down && rewritten) throttle_.CompactionDone(moved, micros);
      timings_.compaction_bytes_read += stats.bytes_read;
      timings_.compaction_bytes_written += stats.bytes_written;
      PublishReadStateLocked();
    } else {
      SetBackgroundErrorLocked(status, &completions);
    }
  }
  completions.Run();
  if (status.ok()) RemoveObsoleteFiles();
  DrainStalled();
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  compacting_ = false;
  ScheduleLocked();
  MaybeFinishCloseLocked();
}

Status EngineImpl::RemoveTable(uint64_t number) {
  cache_.EraseFile(number);
  return doors_.fs.Remove(vfs::JoinPath(path_, lsm::TableName(number)));
}

void EngineImpl::RemoveObsoleteFiles() {
  for (const lsm::ObsoleteFile& file : versions_->TakeObsolete()) {
    const Status removed = RemoveTable(file.number);
    // A file that stays is an orphan, which the next open removes.
    if (!removed.ok()) doors_.logger.Warning("remove table: " + removed.ToString());
  }
  RemoveUnusedValueFiles();
}

}  // namespace nokv::engine
