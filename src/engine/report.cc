// Statistics: what the engine is doing, as nokv::Stats and ManifestStats.
#include <algorithm>
#include <map>

#include "base/macros.h"
#include "engine/engine_impl.h"
#include "manifest/format.h"

namespace nokv::engine {

namespace {

FlushStats ReportFlush(const EngineTimings& timings, size_t waiting, bool active) {
  FlushStats flush;
  flush.pending = static_cast<int64_t>(waiting);
  flush.queue_length = static_cast<int64_t>(waiting) - (active ? 1 : 0);
  flush.active = active ? 1 : 0;
  flush.wait_ms = timings.flush_wait.mean_ms();
  flush.last_wait_ms = timings.flush_wait.last_ms();
  flush.max_wait_ms = timings.flush_wait.max_ms();
  flush.build_ms = timings.flush_build.mean_ms();
  flush.last_build_ms = timings.flush_build.last_ms();
  flush.max_build_ms = timings.flush_build.max_ms();
  flush.release_ms = timings.flush_release.mean_ms();
  flush.last_release_ms = timings.flush_release.last_ms();
  flush.max_release_ms = timings.flush_release.max_ms();
  flush.completed = static_cast<int64_t>(timings.flush_build.count);
  flush.bytes_written = timings.flush_bytes_written;
  return flush;
}

WriteStats ReportWrites(const EngineTimings& timings, uint64_t now) {
  WriteStats write;
  const auto mean = [](uint64_t sum, uint64_t count) {
    return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
  };
  write.avg_batch_entries = mean(timings.batch_entries, timings.batches);
  write.avg_batch_bytes = mean(timings.batch_bytes, timings.batches);
  // Most need not wait.
  write.avg_request_wait_ms = mean(timings.write_room.sum_micros, timings.batches) / 1000;
  write.avg_sync_ms = timings.sync.mean_ms();
  write.avg_sync_batch = mean(timings.synced_writes, timings.sync.count);
  write.sync_count = static_cast<int64_t>(timings.sync.count);
  write.batches_total = static_cast<int64_t>(timings.batches);
  write.bytes_put = timings.batch_bytes;
  for (const auto& [reason, total] : timings.stalls.Totals(now)) {
    write.stalls.push_back({reason, total.count, static_cast<double>(total.sum_micros) / 1000,
                            static_cast<double>(total.max_micros) / 1000});
  }
  return write;
}

CompactionStats ReportCompaction(const EngineTimings& timings) {
  CompactionStats compaction;
  compaction.runs = timings.compaction.count;
  compaction.last_duration_ms = timings.compaction.last_ms();
  compaction.max_duration_ms = timings.compaction.max_ms();
  compaction.bytes_read = timings.compaction_bytes_read;
  compaction.bytes_written = timings.compaction_bytes_written;
  return compaction;
}

ValueLogStats ReportValueLog(const EngineTimings& timings) {
  ValueLogStats values;
  values.gc_scheduled = timings.value_gc_scheduled;
  values.gc_runs = timings.value_gc_runs;
  values.gc_skipped = timings.value_gc_skipped;
  values.gc_rejected = timings.value_gc_rejected;
  values.gc_throttled = timings.value_gc_throttled;
  values.segments_removed = timings.value_files_removed;
  values.order_runs = timings.value_order_runs;
  values.order_bytes = timings.value_order_bytes;
  return values;
}

void ReportStages(const EngineTimings& timings, Stats* stats) {
  const auto add = [stats](const char* name, const Timing& timing) {
    stats->stages[name] = DescribeDurations(timing.distribution, /*unit_us=*/1);
  };
  add("write_room", timings.write_room);
  add("sync", timings.sync);
  add("flush_wait", timings.flush_wait);
  add("flush_build", timings.flush_build);
  add("flush_release", timings.flush_release);
  add("compaction", timings.compaction);
}

void ReportOperations(const OperationTimes& times, Stats* stats) {
  stats->operations["get"] = DescribeDurations(times.get);
  stats->operations["seek"] = DescribeDurations(times.seek);
  stats->operations["write"] = DescribeDurations(times.write);
  const DurationStats& apply = stats->stages["write_apply"] = DescribeDurations(times.write_apply);
  stats->write.avg_apply_ms = apply.mean_us / 1000;
  stats->amplification.read = times.tables_per_get.Snapshot().mean();
}

// The levels, and what they amount to.
void ReportLevels(const lsm::Version& version, Stats* stats) {
  int64_t deepest_bytes = 0;
  int64_t all_bytes = 0;
  for (int level = 0; level < lsm::kLevels; level++) {
    const auto& files = version.files(level);
    if (files.empty()) continue;
    LevelStats report;
    report.level = level;
    report.tables = static_cast<int64_t>(files.size());
    for (const auto& file : files) {
      const manifest::FileMetadata& meta = file->meta();
      report.size_bytes += static_cast<int64_t>(meta.file_bytes);
      for (const auto& reference : meta.points_into) {
        report.value_bytes += static_cast<int64_t>(reference.bytes);
      }
      if (meta.entries > 0) {
        report.stale_bytes += static_cast<int64_t>(static_cast<double>(meta.file_bytes) *
                                                   static_cast<double>(meta.deletions) /
                                                   static_cast<double>(meta.entries));
      }
      stats->entries += static_cast<int64_t>(meta.entries);
    }
    deepest_bytes = report.size_bytes;
    all_bytes += report.size_bytes;
    stats->levels.push_back(report);
  }
  for (const lsm::ValueFileUse& use : lsm::ValueUse(version)) {
    stats->value_log.segments++;
    stats->value_bytes_total += static_cast<int64_t>(use.live_bytes);
    all_bytes += static_cast<int64_t>(use.file_bytes);
  }
  const int64_t needed = deepest_bytes + stats->value_bytes_total;
  if (needed > 0) {
    stats->amplification.space = static_cast<double>(all_bytes) / static_cast<double>(needed);
  }
}

CacheStats ReportCache(const lsm::BlockCacheStats& stats) {
  CacheStats cache;
  const uint64_t lookups = stats.hits + stats.misses;
  cache.block_hit_rate =
      lookups == 0 ? 0 : static_cast<double>(stats.hits) / static_cast<double>(lookups);
  cache.hits = stats.hits;
  cache.misses = stats.misses;
  cache.evictions = stats.evictions;
  cache.charge_bytes = stats.charge_bytes;
  cache.capacity_bytes = stats.capacity_bytes;
  return cache;
}

FilterStats ReportFilter(const lsm::TableReadStats& stats) {
  return {.point_checks = stats.filter_checks,
          .point_negatives = stats.filter_negatives,
          .range_checks = stats.range_checks,
          .range_negatives = stats.range_negatives,
          .range_false_positives = stats.range_false_positives};
}

double WriteAmplification(const Stats& stats) {
  const uint64_t written =
      stats.wal.bytes_written + stats.flush.bytes_written + stats.compaction.bytes_written;
  return stats.write.bytes_put == 0
             ? 0
             : static_cast<double>(written) / static_cast<double>(stats.write.bytes_put);
}

LogStats ReportLog(const wal::Log& log) {
  const wal::LogStats stats = log.GetStats();
  LogStats report;
  report.active_segment = static_cast<int64_t>(stats.active_segment);
  report.active_size = static_cast<int64_t>(stats.active_bytes);
  report.segment_count = static_cast<int64_t>(stats.segment_count);
  report.segments_removed = stats.segments_removed;
  report.entries = stats.reserved[0].records;
  report.raft_entries = stats.reserved[1].records;
  report.raft_states = stats.reserved[2].records;
  for (const auto& type : stats.reserved) report.bytes_written += type.payload_bytes;
  return report;
}

void DescribeUse(manifest::ValueFileId id, const lsm::ValueFileUse& use,
                 const lsm::VersionState::Retained& retained, ValueFilesStats::File* file) {
  const bool replayed = file->segment && id.number >= retained.replay_from.segment;
  file->live_bytes = use.live_bytes;
  file->tables = use.tables;
  // Of the segment in which replay begins, what lies before.
  uint64_t judged = file->file_bytes;
  if (replayed) judged = 0;
  if (file->segment && id.number == retained.replay_from.segment) {
    judged = std::min(file->file_bytes, retained.replay_from.offset);
  }
  file->dead_bytes = judged - std::min(judged, use.live_bytes);
  if (replayed) file->kept_for.emplace_back("replay");
  if (use.tables > 0) file->kept_for.emplace_back("values");
  if (use.tables == 0 && retained.value_files.contains(id)) file->kept_for.emplace_back("readers");
}

}  // namespace

std::shared_ptr<const ReadState> EngineImpl::ReportUnderLock(Stats* stats) const {
  base::MutexLock lock(mu_);
  stats->flush = ReportFlush(timings_, immutables_.size(), flushing_);
  stats->write = ReportWrites(timings_, doors_.runtime.clock().MonotonicMicros());
  stats->write.queue_depth = static_cast<int64_t>(stalled_.size());
  for (const StalledWrite& write : stalled_) {
    stats->write.queue_entries += BatchReader(write.encoding).count();
    stats->write.queue_bytes += static_cast<int64_t>(write.encoding.size());
  }
  const char* stop = stalled_.empty() ? nullptr : StopReasonLocked();
  if (stop != nullptr) {
    stats->write.throttle_active = true;
    stats->write.throttle_mode = "stop";
    stats->write.throttle_pressure_permille = 1000;
    stats->write.throttle_reason = stop;
  } else if (throttle_.engaged()) {
    stats->write.throttle_active = stats->write.slowdown_active = true;
    stats->write.throttle_mode = "slowdown";
    stats->write.throttle_pressure_permille = throttle_.pressure_permille();
    stats->write.throttle_rate_bytes_per_sec = throttle_.rate();
    stats->write.throttle_reason = throttle_.reason();
  }
  stats->compaction = ReportCompaction(timings_);
  stats->value_log = ReportValueLog(timings_);
  for (const auto& compaction : compactions_) {
    const lsm::CompactionReason reason = compaction->plan.reason;
    if (reason == lsm::CompactionReason::kValueGarbage) stats->value_log.gc_active = 1;
    if (reason == lsm::CompactionReason::kValueOrder) stats->value_log.order_active = 1;
  }
  if (value_gc_.has_value()) stats->value_log.gc_active = 1;
  ReportStages(timings_, stats);
  stats->snapshots = snapshots_.size();
  stats->last_sequence = tracker_.visible();
  stats->background_errors = timings_.background_errors;
  if (!background_error_.ok()) stats->background_error = background_error_.ToString();
  return read_state_;
}

Stats EngineImpl::GetStats() {
  Stats stats;
  const std::shared_ptr<const ReadState> state = ReportUnderLock(&stats);
  ReportOperations(*times_, &stats);
  stats.wal = log_ != nullptr ? ReportLog(*log_) : found_log_;
  stats.open_generation = open_generation_;
  stats.entries = static_cast<int64_t>(state->active->entries());
  for (const auto& memtable : state->immutables) {
    stats.entries += static_cast<int64_t>(memtable->entries());
  }
  for (const double score : lsm::LevelScores(*state->version, compaction_options_)) {
    stats.compaction.max_score = std::max(stats.compaction.max_score, score);
    if (score >= 1) stats.compaction.backlog++;
  }
  ReportLevels(*state->version, &stats);
  const auto retained = static_cast<int64_t>(versions_->GetRetained().value_files.size());
  stats.value_log.pending_deletes = std::max<int64_t>(0, retained - stats.value_log.segments);
  if (placement_.any_apart()) {
    stats.value_log.head = ValueLogStats::Head{stats.wal.active_segment, stats.wal.active_size};
  }
  stats.cache = ReportCache(cache_.stats());
  stats.filter = ReportFilter(versions_->read_stats());
  stats.amplification.write = WriteAmplification(stats);
  return stats;
}

Result<ValueFilesStats> EngineImpl::GetValueFiles() {
  ValueFilesStats report;
  const nokv::Stats stats = GetStats();
  report.active_segment = static_cast<uint64_t>(stats.wal.active_segment);
  report.active_offset = static_cast<uint64_t>(stats.wal.active_size);
  std::shared_ptr<const lsm::Version> version;
  {
    base::MutexLock lock(mu_);
    version = read_state_->version;
  }
  std::map<manifest::ValueFileId, lsm::ValueFileUse> uses;
  for (const lsm::ValueFileUse& use : lsm::ValueUse(*version)) uses.emplace(use.file, use);
  const lsm::VersionState::Retained retained = versions_->GetRetained();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, doors_.fs.List(path_));
  std::map<manifest::ValueFileId, ValueFilesStats::File> files;
  for (const std::string& name : names) {
    manifest::ValueFileId id;
    const bool segment = wal::ParseSegmentFileName(name, &id.number);
    if (!segment && !vlog::ParseMovedFileName(name, &id.number)) continue;
    if (!segment) id.kind = manifest::ValueFileId::Kind::kMoved;
    const Result<uint64_t> size = doors_.fs.FileSize(vfs::JoinPath(path_, name));
    if (size.status().IsNotFound()) continue;  // it went just now
    RETURN_IF_ERROR(size.status());
    ValueFilesStats::File& file = files[id];
    file.name = name;
    file.number = id.number;
    file.segment = segment;
    file.file_bytes = *size;
    DescribeUse(id, uses[id], retained, &file);
  }
  for (const auto& used : version->value_files()) {
    const auto file = files.find(used->id());
    if (file == files.end() || file->second.segment) continue;
    file->second.bucket = used->group().bucket;
    file->second.old = used->group().old;
  }
  for (const bool segments : {true, false}) {
    for (auto& [id, file] : files) {
      if (file.segment == segments) report.files.push_back(std::move(file));
    }
  }
  return report;
}

ManifestStats EngineImpl::GetManifest() {
  const manifest::DatabaseState state = versions_->state();
  ManifestStats report;
  report.log_segment = state.log_position.segment;
  report.log_offset = state.log_position.offset;
  report.manifest_number = versions_->manifest_number();
  report.format_version = static_cast<uint64_t>(manifest::kNewestFormat);
  report.last_sequence = state.last_sequence;
  report.open_generation = state.open_generation;
  const std::shared_ptr<const lsm::Version> version = versions_->current();
  for (const auto& file : version->value_files()) {
    ManifestStats::ValueLog& out = report.value_logs.emplace_back();
    out.name = vlog::ValueFileName(file->id());
    out.number = file->id().number;
    if (file->id().kind == manifest::ValueFileId::Kind::kMoved) out.bucket = file->group().bucket;
    out.end = file->values_end();
  }
  for (size_t level = 0; level < state.levels.size(); level++) {
    if (state.levels[level].empty()) continue;
    ManifestStats::Level& out = report.levels.emplace_back();
    out.level = static_cast<int>(level);
    for (const auto& [number, file] : state.levels[level]) {
      out.file_count++;
      out.total_bytes += file.file_bytes;
      out.file_ids.push_back(number);
    }
  }
  return report;
}

}  // namespace nokv::engine
