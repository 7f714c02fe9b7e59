// Opening: check and lock the directory, read the manifest, replay the log, start anew.
#include <algorithm>

#include "base/macros.h"
#include "base/random.h"
#include "engine/directory.h"
#include "engine/engine_impl.h"
#include "lsm/version/file_handle.h"
#include "manifest/manifest_reader.h"

namespace nokv::engine {

namespace {

// A reader beside a live writer may find files gone that the manifest it read still names; it then
// starts over with the manifest as it is now.
constexpr int kReadOnlyAttempts = 20;
// A memtable that was replayed is flushed if it takes this part of what one may: it would stay in
// memory until as much has been written as fills it, and every open would replay it again.
constexpr size_t kReplayedPart = 4;

Status CheckOptions(const Options& options) {
  const auto require = [](bool ok, const char* what) {
    return ok ? Status::Ok() : Status::InvalidArgument(what);
  };
  RETURN_IF_ERROR(require(options.memtable_bytes >= 1024, "memtable_bytes is below 1024"));
  RETURN_IF_ERROR(require(options.log_segment_bytes >= 4096, "log_segment_bytes is below 4096"));
  RETURN_IF_ERROR(require(options.table_bytes >= 1024, "table_bytes is below 1024"));
  RETURN_IF_ERROR(require(options.base_level_bytes >= 1024, "base_level_bytes is below 1024"));
  RETURN_IF_ERROR(require(options.filter_bits_per_key >= 0 && options.filter_bits_per_key <= 64,
                          "filter_bits_per_key is not between 0 and 64"));
  RETURN_IF_ERROR(require(options.restart_interval >= 1 && options.restart_interval <= 1024,
                          "restart_interval is not between 1 and 1024"));
  RETURN_IF_ERROR(
      require(options.level0_compaction_trigger >= 1, "level0_compaction_trigger is below 1"));
  RETURN_IF_ERROR(
      require(options.value_log_gc_discard_ratio > 0, "value_log_gc_discard_ratio is not above 0"));
  RETURN_IF_ERROR(require(options.value_log_buckets >= 1 && options.value_log_buckets <= 256,
                          "value_log_buckets is not between 1 and 256"));
  RETURN_IF_ERROR(require(options.value_order_ratio >= 0, "value_order_ratio is below 0"));
  RETURN_IF_ERROR(require(options.value_log_gc_interval_ms <= UINT64_MAX / 1'000'000,
                          "value_log_gc_interval_ms is too large"));
  for (const ValueSeparationPolicy& policy : options.value_separation_policies) {
    RETURN_IF_ERROR(require(
        policy.strategy != ValueSeparationPolicy::Strategy::kThreshold || policy.threshold > 0,
        "the threshold of a value separation policy is 0"));
  }
  RETURN_IF_ERROR(require(options.max_compactions >= 1 && options.max_compactions <= 64,
                          "max_compactions is not between 1 and 64"));
  RETURN_IF_ERROR(
      require(options.compaction_debt_bytes >= 1024, "compaction_debt_bytes is below 1024"));
  return require(options.level0_stop_trigger > options.level0_compaction_trigger,
                 "level0_stop_trigger is not above level0_compaction_trigger");
}

lsm::CompactionOptions MakeCompactionOptions(const Options& options) {
  lsm::CompactionOptions compaction;
  compaction.l0_trigger_files = options.level0_compaction_trigger;
  compaction.base_level_bytes = options.base_level_bytes;
  compaction.target_file_bytes = options.table_bytes;
  return compaction;
}

size_t ThresholdOf(const ValueSeparationPolicy& policy) {
  switch (policy.strategy) {
    case ValueSeparationPolicy::Strategy::kThreshold:
      return policy.threshold;
    case ValueSeparationPolicy::Strategy::kAlwaysInline:
      return vlog::Placement::kNever;
    case ValueSeparationPolicy::Strategy::kAlwaysApart:
      return 0;
  }
  return vlog::Placement::kNever;
}

std::shared_ptr<ScatteredReads> MakeScatteredReads(const Options& options) {
  if (options.read_only || options.value_order_ratio == 0) return nullptr;
  return std::make_shared<ScatteredReads>(options.value_order_ratio);
}

vlog::Placement MakePlacement(const Options& options) {
  std::vector<vlog::PlacementRule> rules;
  for (const ValueSeparationPolicy& policy : options.value_separation_policies) {
    rules.push_back(
        {keys::EncodePrefix(keys::Keyspace::kData, keys::EncodePlainKey(policy.key_prefix)),
         ThresholdOf(policy)});
  }
  return vlog::Placement(options.value_separation_threshold, std::move(rules));
}

vfs::ReadMode ReadModeOf(const Options& options) {
  return options.mapped_reads ? vfs::ReadMode::kMapped : vfs::ReadMode::kRead;
}

}  // namespace

EngineImpl::EngineImpl(const Options& options, std::string path, const Doors& doors)
    : options_(options),
      path_(std::move(path)),
      doors_(doors),
      compaction_options_(MakeCompactionOptions(options)),
      placement_(MakePlacement(options)),
      cache_(options.block_cache_bytes),
      memtable_units_(std::make_shared<base::MemoryUnits>(options.memtable_bytes /
                                                          base::SystemMemory::kUnitBytes)),
      times_(std::make_shared<OperationTimes>(doors.runtime.clock())),
      scattered_(MakeScatteredReads(options)),
      throttle_(LimitsOf(options)),
      syncs_(doors.runtime.NewEventCount()),
      pace_(options.compaction_bytes_per_second) {
  active_.table = NewMemtable();
}

Result<std::unique_ptr<Engine>> Engine::Open(const Options& options, const std::string& path,
                                             const Doors& doors) {
  RETURN_IF_ERROR(CheckOptions(options));
  auto engine = std::make_unique<EngineImpl>(options, path, doors);
  RETURN_IF_ERROR(engine->Open());
  return std::unique_ptr<Engine>(std::move(engine));
}

Status EngineImpl::Open() {
  ASSIGN_OR_RETURN(const bool exists, doors_.fs.Exists(path_));
  if (!exists) {
    if (options_.read_only || !options_.create_if_missing) {
      return Status::NotFound("no database in " + path_);
    }
    RETURN_IF_ERROR(CreateDirectory(doors_.fs, path_));
  }
  RETURN_IF_ERROR(CheckMode(doors_.fs, path_, options_.allowed_modes));
  ASSIGN_OR_RETURN(auto lock, LockDirectory(doors_.fs, path_, options_.read_only));
  if (!options_.read_only) return OpenForWriting(std::move(lock));
  lock_ = std::move(lock);
  Status status;
  for (int attempt = 0; attempt < kReadOnlyAttempts; attempt++) {
    status = OpenForReading();
    if (status.ok() || (!status.IsNotFound() && !status.IsCorruption())) return status;
    // Damage stays; what a live writer moved away is somewhere else the next time.
  }
  return status;
}

Status EngineImpl::OpenForWriting(std::unique_ptr<vfs::FileLock> lock) {
  ASSIGN_OR_RETURN(const auto manifest, manifest::ReadManifest(doors_.fs, path_));
  if (manifest.has_value() && options_.error_if_exists) {
    return Status::AlreadyExists(path_ + " holds a database");
  }
  if (!manifest.has_value() && options_.create_if_missing) {
    RETURN_IF_ERROR(CreateDirectory(doors_.fs, path_));
  }
  ASSIGN_OR_RETURN(const wal::RecoveryReport report,
                   RecoverLog(manifest.has_value() ? &manifest->state : nullptr));
  lsm::VersionStateOptions version_options;
  version_options.read_mode = ReadModeOf(options_);
  version_options.max_open_tables = options_.max_open_files;
  version_options.create_if_missing = options_.create_if_missing;
  ASSIGN_OR_RETURN(versions_, lsm::VersionState::Open(doors_.fs, path_, cache_, version_options));
  open_generation_ = versions_->state().open_generation;
  if (report.cut) {
    doors_.logger.Warning(path_ + ": the log ends in a torn tail at " + ToString(report.end) +
                          "; " + std::to_string(report.cut_bytes) +
                          " bytes that were never acknowledged as synced were cut off");
  }
  wal::LogOptions log_options;
  log_options.segment_bytes = options_.log_segment_bytes;
  log_options.salt_seed = base::MixSeed(open_generation_ ^ clock().WallMillis());
  ASSIGN_OR_RETURN(log_, wal::Log::StartAfterRecovery(doors_.fs, path_, log_options, report));
  // What was replayed from above the mark now lies in the new segment, copied.
  void_places_ = {report.synced, log_->CommittedEnd().segment};
  lock_ = std::move(lock);
  RemoveLeftovers();

  base::MutexLock guard(mu_);
  // Records above the mark moved into the new segment; replay of what they filled begins at the
  // mark, and skips by sequence number what is in tables by then.
  for (MemtableRef& memtable : immutables_) {
    memtable.log_end = std::min(memtable.log_end, report.synced);
  }
  active_.log_end = log_->CommittedEnd();
  replay_segment_ = versions_->state().log_position.segment;
  if (!active_.table->empty() &&
      active_.table->MemoryUsage() >= options_.memtable_bytes / kReplayedPart) {
    RetireActiveLocked();
  }
  PublishReadStateLocked();
  ScheduleLocked();
  WatchScatteredReads();
  return Status::Ok();
}

Status EngineImpl::OpenForReading() {
  lsm::VersionStateOptions version_options;
  version_options.read_mode = ReadModeOf(options_);
  version_options.read_only = true;
  version_options.create_if_missing = false;
  ASSIGN_OR_RETURN(versions_, lsm::VersionState::Open(doors_.fs, path_, cache_, version_options));
  {
    base::MutexLock guard(mu_);
    immutables_.clear();
    active_ = MemtableRef();
    active_.table = NewMemtable();
  }
  const manifest::DatabaseState state = versions_->state();
  ASSIGN_OR_RETURN(const wal::RecoveryReport report, RecoverLog(&state));
  found_log_.active_segment = static_cast<int64_t>(report.end.segment);
  found_log_.active_size = static_cast<int64_t>(report.end.offset);
  found_log_.segment_count = static_cast<int64_t>(report.segments.size());
  found_log_.entries = report.types[0].records;
  found_log_.raft_entries = report.types[1].records;
  found_log_.raft_states = report.types[2].records;
  open_generation_ = state.open_generation;
  base::MutexLock guard(mu_);
  PublishReadStateLocked();
  return Status::Ok();
}

Result<wal::RecoveryReport> EngineImpl::RecoverLog(const manifest::DatabaseState* flushed) {
  wal::RecoverOptions recover;
  keys::SequenceNumber last = 0;
  if (flushed != nullptr) {
    recover.replay_from = {flushed->log_position.segment, flushed->log_position.offset};
    last = flushed->last_sequence;
  }
  {
    base::MutexLock guard(mu_);
    tracker_ = CommitTracker(last, &horizon_);
  }
  ASSIGN_OR_RETURN(wal::RecoveryReport report,
                   wal::Recover(doors_.fs, path_, recover, [&](const wal::RecordView& record) {
                     return ReplayBatch(record, last);
                   }));
  doors_.logger.Log(base::LogLevel::kDebug,
                    path_ + ": the log holds " + std::to_string(report.types[0].records) +
                        " batches in " + std::to_string(report.segments.size()) +
                        " segments and ends at " + ToString(report.end));
  return report;
}

Status EngineImpl::ReplayBatch(const wal::RecordView& record,
                               keys::SequenceNumber flushed_sequence) {
  if (record.type != wal::RecordType::kBatch) return Status::Ok();
  const BatchReader reader(record.payload);
  RETURN_IF_ERROR(reader.status().Prefixed("log record at " + ToString(record.start)));
  if (reader.count() == 0) return Status::Ok();
  const keys::SequenceNumber last = reader.first_sequence() + reader.count() - 1;
  if (last <= flushed_sequence) return Status::Ok();
  base::MutexLock guard(mu_);
  if (active_.table->MemoryUsage() >= options_.memtable_bytes) RetireActiveLocked();
  RETURN_IF_ERROR(InsertBatch(record.payload, reader.first_sequence(), record.payload_position(),
                              placement_, /*verify_values=*/true, active_.table.get())
                      .Prefixed("log record at " + ToString(record.start)));
  active_.last_sequence = last;
  active_.log_end = record.end;
  tracker_ = CommitTracker(last, &horizon_);
  return Status::Ok();
}

void EngineImpl::RemoveLeftovers() {
  const auto orphans = versions_->FindOrphans();
  if (!orphans.ok()) {
    doors_.logger.Warning("find orphan tables: " + orphans.status().ToString());
    return;
  }
  for (const uint64_t number : *orphans) {
    const Status removed = RemoveTable(number);
    if (!removed.ok()) doors_.logger.Warning("remove orphan table: " + removed.ToString());
  }
  const auto value_orphans = versions_->FindValueOrphans();
  if (!value_orphans.ok()) {
    doors_.logger.Warning("find orphan value files: " + value_orphans.status().ToString());
    return;
  }
  RemoveValueFiles(*value_orphans);
  RemoveUnusedValueFiles();
}

}  // namespace nokv::engine
