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
  return flush;
}

WriteStats ReportWrites(const EngineTimings& timings) {
  WriteStats write;
  const auto mean = [](uint64_t sum, uint64_t count) {
    return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
  };
  write.avg_batch_entries = mean(timings.batch_entries, timings.batches);
  write.avg_batch_bytes = mean(timings.batch_bytes, timings.batches);
  write.avg_sync_ms = timings.sync.mean_ms();
  write.avg_sync_batch = mean(timings.synced_writes, timings.sync.count);
  write.sync_count = static_cast<int64_t>(timings.sync.count);
  write.batches_total = static_cast<int64_t>(timings.batches);
  return write;
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

Stats EngineImpl::GetStats() {
  Stats stats;
  std::shared_ptr<const ReadState> state;
  {
    base::MutexLock lock(mu_);
    state = read_state_;
    stats.flush = ReportFlush(timings_, immutables_.size(), flushing_);
    stats.write = ReportWrites(timings_);
    stats.write.queue_depth = static_cast<int64_t>(stalled_.size());
    for (const StalledWrite& write : stalled_) {
      stats.write.queue_entries += BatchReader(write.encoding).count();
      stats.write.queue_bytes += static_cast<int64_t>(write.encoding.size());
    }
    if (!stalled_.empty()) {
      stats.write.throttle_active = true;
      stats.write.throttle_mode = "stop";
      stats.write.throttle_pressure_permille = 1000;
      stats.write.throttle_reason = stall_reason_;
    }
    stats.compaction.runs = timings_.compaction.count;
    stats.compaction.last_duration_ms = timings_.compaction.last_ms();
    stats.compaction.max_duration_ms = timings_.compaction.max_ms();
    stats.compaction.bytes_read = timings_.compaction_bytes_read;
    stats.compaction.bytes_written = timings_.compaction_bytes_written;
    stats.value_log.gc_runs = timings_.value_gc_runs;
    stats.value_log.gc_rejected = timings_.value_gc_rejected;
    stats.value_log.gc_active = value_gc_.has_value() ? 1 : 0;
    stats.value_log.segments_removed = timings_.value_files_removed;
    stats.snapshots = snapshots_.size();
    stats.last_sequence = tracker_.visible();
    if (!background_error_.ok()) stats.background_error = background_error_.ToString();
  }
  stats.wal = log_ != nullptr ? ReportLog(*log_) : found_log_;
  stats.open_generation = open_generation_;
  stats.entries = static_cast<int64_t>(state->active->entries());
  for (const auto& memtable : state->immutables) {
    stats.entries += static_cast<int64_t>(memtable->entries());
  }
  const auto scores = lsm::LevelScores(*state->version, compaction_options_);
  for (int level = 0; level < lsm::kLevels; level++) {
    const double score = scores[static_cast<size_t>(level)];
    stats.compaction.max_score = std::max(stats.compaction.max_score, score);
    if (score >= 1) stats.compaction.backlog++;
    const auto& files = state->version->files(level);
    if (files.empty()) continue;
    LevelStats report;
    report.level = level;
    report.tables = static_cast<int64_t>(files.size());
    for (const auto& file : files) {
      report.size_bytes += static_cast<int64_t>(file->meta().file_bytes);
      stats.entries += static_cast<int64_t>(file->meta().entries);
    }
    stats.levels.push_back(report);
  }
  for (const lsm::ValueFileUse& use : lsm::ValueUse(*state->version)) {
    stats.value_log.segments++;
    stats.value_bytes_total += static_cast<int64_t>(use.live_bytes);
  }
  const lsm::BlockCacheStats cache = cache_.stats();
  const uint64_t lookups = cache.hits + cache.misses;
  stats.cache.block_hit_rate =
      lookups == 0 ? 0 : static_cast<double>(cache.hits) / static_cast<double>(lookups);
  stats.cache.hits = cache.hits;
  stats.cache.misses = cache.misses;
  stats.cache.evictions = cache.evictions;
  stats.cache.charge_bytes = cache.charge_bytes;
  stats.cache.capacity_bytes = cache.capacity_bytes;
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
