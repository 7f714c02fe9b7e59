// Files with values outside tables: which compaction shall empty, and which may go.
#include <algorithm>
#include <set>

#include "engine/engine_impl.h"

namespace nokv::engine {

std::vector<manifest::ValueFileId> EngineImpl::FilesToEmptyLocked() {
  double ratio = options_.value_log_gc_discard_ratio;
  if (value_gc_.has_value()) ratio = std::min(ratio, value_gc_->discard_ratio);
  if (ratio >= 1) return {};
  return lsm::FilesToEmpty(*read_state_->version, ratio, replay_segment_);
}

std::vector<manifest::ValueFileId> EngineImpl::FilesToEmptyAlongLocked() {
  std::vector<manifest::ValueFileId> files = FilesToEmptyLocked();
  if (files.empty() || value_gc_.has_value()) return files;
  const auto scores = lsm::LevelScores(*read_state_->version, compaction_options_);
  const double score = *std::max_element(scores.begin(), scores.end());
  if (score >= options_.value_log_gc_skip_score) {
    timings_.value_gc_skipped++;
    files.clear();
  } else if (score >= options_.value_log_gc_reduce_score && files.size() > 1) {
    timings_.value_gc_throttled++;
    files.resize(1);
  }
  return files;
}

std::optional<lsm::CompactionPlan> EngineImpl::PlanValueGarbageLocked(Completions* completions) {
  const bool runs = value_gc_.has_value() || collecting_values_;
  const auto files = FilesToEmptyLocked();
  if (!runs && clock().MonotonicMicros() < next_collection_micros_) {
    if (!files.empty()) CollectLaterLocked();
    return std::nullopt;
  }
  auto plan =
      lsm::PickValueGarbage(read_state_->version, compaction_options_, compaction_state_, files);
  if (collecting_values_ && !plan.has_value()) {
    next_collection_micros_ = clock().MonotonicMicros() + options_.value_log_gc_interval_ms * 1000;
  }
  collecting_values_ = plan.has_value();
  if (plan.has_value()) {
    plan->emptied = {files.begin(), files.end()};
    timings_.value_gc_scheduled++;
    if (value_gc_.has_value()) value_gc_->found_any = true;
  } else if (value_gc_.has_value()) {
    timings_.value_gc_skipped += value_gc_->found_any ? 0 : 1;
    completions->Add(std::move(value_gc_->done),
                     value_gc_->found_any
                         ? Status::Ok()
                         : Status::NotFound("no file with values has that much garbage"));
    value_gc_.reset();
  }
  return plan;
}

void EngineImpl::CollectLaterLocked() {
  if (collector_.has_value() || closing_) return;
  const uint64_t delay = next_collection_micros_ - clock().MonotonicMicros();
  collector_ = doors_.runtime.PostAfter(runtime::Lane::kCompaction, delay, [this] {
    base::MutexLock lock(mu_);
    collector_.reset();
    nothing_to_compact_ = false;
    ScheduleLocked();
    MaybeFinishCloseLocked();
  });
}

void EngineImpl::RunValueLogGCAsync(double discard_ratio, Completion done) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    Status refusal = RefusalLocked();
    if (refusal.ok() && !(discard_ratio > 0 && discard_ratio < 1)) {
      refusal = Status::InvalidArgument("the discard ratio is not between 0 and 1");
    }
    if (refusal.ok() && value_gc_.has_value()) {
      timings_.value_gc_rejected++;
      refusal = Status::Unavailable("another collection of value garbage is running");
    }
    if (refusal.ok()) {
      value_gc_ = {discard_ratio, false, std::move(done)};
      nothing_to_compact_ = false;
      ScheduleLocked();
    } else {
      completions.Add(std::move(done), std::move(refusal));
    }
  }
  completions.Run();
}

void EngineImpl::RemoveUnusedValueFiles() {
  const lsm::VersionState::Retained retained = versions_->GetRetained();
  {
    // Looked at after that: a checkpoint that begins later needs nothing of what goes.
    base::MutexLock lock(mu_);
    if (checkpointing_) return;
  }
  std::set<uint64_t> kept;
  for (const vlog::ValueFileId& file : retained.value_files) {
    if (file.kind == vlog::ValueFileId::Kind::kSegment) kept.insert(file.number);
  }
  const Status removed = log_->RemoveSegmentsBefore(retained.replay_from.segment, kept);
  if (!removed.ok()) doors_.logger.Warning("remove log segments: " + removed.ToString());
  RemoveValueFiles(versions_->TakeUnusedValueFiles());
}

void EngineImpl::RemoveValueFiles(const std::vector<manifest::ValueFileId>& files) {
  for (const manifest::ValueFileId& file : files) {
    if (file.kind == manifest::ValueFileId::Kind::kSegment) continue;  // the log removes its own
    const Status removed = doors_.fs.Remove(vfs::JoinPath(path_, vlog::ValueFileName(file)));
    if (!removed.ok()) {
      doors_.logger.Warning("remove value file: " + removed.ToString());
      continue;
    }
    base::MutexLock lock(mu_);
    timings_.value_files_removed++;
  }
}

}  // namespace nokv::engine
