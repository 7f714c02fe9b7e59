// Background work: what is due, flushes, and the removal of what they and compactions leave behind.
// One flush runs at a time, as a chain of short tasks.
#include <algorithm>

#include "base/macros.h"
#include "base/process.h"
#include "engine/engine_impl.h"
#include "lsm/version/file_handle.h"
#include "nokv/compaction_filter.h"

namespace nokv::engine {

namespace {
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
    flush_due_micros_ = clock().MonotonicMicros();
    doors_.runtime.Post(runtime::Lane::kFlush, [this] { RunFlush(); });
  }
  StartCompactionsLocked();
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
  context.target_value_bytes = TargetValueBytes();
  context.snapshots = SnapshotsLocked();
  context.now_ms = clock().WallMillis();
  context.void_places = void_places_;
  context.placement = placement_;
  context.values_on_disk = times_->values_on_disk.load(std::memory_order_relaxed);
  context.now_us = [this] { return clock().MonotonicMicros(); };
  context.in_haste = &in_haste_;
  context.value_buckets = static_cast<uint16_t>(options_.value_log_buckets);
  if (options_.compaction_filter != nullptr) context.filter = ValueFilterLocked();
  return context;
}

lsm::ValueFilter EngineImpl::ValueFilterLocked() const {
  lsm::ValueFilter filter;
  filter.reads_values = options_.compaction_filter->ReadsValues();
  // Snapshots that are taken later keep what they see by themselves.
  filter.after = snapshots_.empty() ? 0 : *snapshots_.rbegin();
  filter.judge = [asked = options_.compaction_filter, scratch = std::string()](
                     const lsm::FilteredValue& entry, std::string* changed) mutable {
    using Verdict = CompactionFilter::Verdict;
    if (entry.engine_key.front() != static_cast<char>(keys::Keyspace::kData)) {
      return lsm::Verdict::kKeep;
    }
    const auto key = keys::DecodePlainKey(keys::KeyOf(entry.engine_key), &scratch);
    if (!key.has_value()) return lsm::Verdict::kKeep;
    const Verdict verdict =
        asked->Judge({*key, entry.value, entry.attributes.expiry_ms, entry.attributes.user_meta,
                      entry.sequence, entry.output_level},
                     changed);
    if (verdict == Verdict::kDrop) return lsm::Verdict::kDrop;
    const bool takes = verdict == Verdict::kChange && changed->size() <= keys::kMaxValueBytes;
    return takes ? lsm::Verdict::kChange : lsm::Verdict::kKeep;
  };
  return filter;
}

lsm::TableOptions EngineImpl::TableOptionsFor(int level, int base_level) const {
  lsm::TableOptions table;
  table.filter_bits_per_key = options_.filter_bits_per_key;
  table.key_index = options_.key_index;
  table.range_filter = options_.range_filter;
  table.restart_interval = options_.restart_interval;
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
    // Meanwhile the next memtable grows: the cache makes room for it.
    flush_room_ = cache_.Reserve(std::min(options_.memtable_bytes, options_.block_cache_bytes / 4));
    base::ReturnFreedMemory();
    base::MutexLock lock(mu_);
    const MemtableRef& memtable = immutables_.front();
    flush_started_micros_ = clock().MonotonicMicros();
    timings_.flush_wait.Add(flush_started_micros_ - memtable.queued_at_micros);
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
    const uint64_t now = clock().MonotonicMicros();
    timings_.flush_build.Add(now - flush_started_micros_);
    throttle_.FlushDone(memtable.batch_bytes, flush_job_->stats().bytes_written,
                        now - flush_due_micros_);
    pace_.Charge(WorkClass::kFlush, flush_job_->stats().bytes_written, now);
    immutables_.pop_front();
    flush_due_micros_ = 0;
    replay_segment_ = memtable.log_end.segment;
    PublishReadStateLocked();
  }
  ReleaseLater();
  return Status::Ok();
}

// What the tables now hold need not be replayed. To remove a file may take as long as to write it,
// and the next flush is not to wait for that.
void EngineImpl::ReleaseLater() {
  base::MutexLock lock(mu_);
  finishing_++;
  doors_.runtime.Post(runtime::Lane::kCompaction, [this] {
    const uint64_t started = clock().MonotonicMicros();
    RemoveUnusedValueFiles();
    // Last: from here on the engine may be closed and destroyed.
    base::MutexLock task_lock(mu_);
    timings_.flush_release.Add(clock().MonotonicMicros() - started);
    finishing_--;
    MaybeFinishCloseLocked();
  });
}

void EngineImpl::FinishFlush(Status status) {
  flush_job_.reset();
  flush_room_ = {};
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
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  flushing_ = false;
  RoomMadeLocked();
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
