// Compactions: which run, in how many slices, and how they end. Each slice is a chain of short
// tasks.
#include <utility>

#include "engine/engine_impl.h"

namespace nokv::engine {

namespace {
WorkClass WorkClassOf(lsm::CompactionReason reason) {
  if (reason == lsm::CompactionReason::kValueOrder) return WorkClass::kOrdering;
  return reason == lsm::CompactionReason::kValueGarbage ? WorkClass::kRelocation
                                                        : WorkClass::kCompaction;
}
}  // namespace

void EngineImpl::StartCompactionsLocked() {
  Completions completions;
  while (!nothing_to_compact_ &&
         compactions_.size() < static_cast<size_t>(options_.max_compactions)) {
    auto plan = PlanCompactionLocked(&completions);
    nothing_to_compact_ = !plan.has_value();
    if (plan.has_value()) StartCompactionLocked(*std::move(plan));
  }
  // A manual compaction may end here; its caller is told from a task, with no lock held.
  if (completions.empty()) return;
  auto shared = std::make_shared<Completions>(std::move(completions));
  doors_.runtime.Post(runtime::Lane::kCompaction, [shared] { shared->Run(); });
}

void EngineImpl::StartCompactionLocked(lsm::CompactionPlan plan) {
  auto compaction = std::make_shared<Compaction>();
  compaction->started_micros = clock().MonotonicMicros();
  compaction->plan = std::move(plan);
  compaction_state_.Register(compaction->plan);
  compactions_.push_back(compaction);
  if (compaction->plan.trivial_move) {
    doors_.runtime.Post(runtime::Lane::kCompaction, [this, compaction] {
      FinishCompaction(*compaction, versions_->LogAndApply({TrivialMoveEdit(compaction->plan)}));
    });
    return;
  }
  lsm::MergeJobContext context = JobContextLocked();
  if (compaction->plan.gathers) context.value_buckets = 1;
  lsm::KeySlice slice;
  for (const std::string& bound :
       lsm::SliceBounds(compaction->plan, static_cast<size_t>(options_.max_compactions),
                        2 * options_.table_bytes)) {
    slice.end = bound;
    compaction->jobs.push_back(lsm::NewCompactionJob(compaction->plan, context, slice));
    slice = {bound, std::nullopt};
  }
  compaction->jobs.push_back(lsm::NewCompactionJob(compaction->plan, context, slice));
  compaction->unfinished = compaction->jobs.size();
  for (const auto& job : compaction->jobs) PostSliceLocked(compaction, job.get());
}

void EngineImpl::PostSliceLocked(const std::shared_ptr<Compaction>& compaction,
                                 lsm::MergeJob* job) {
  // What writers wait for does not stand back behind readers and other programs.
  const auto lane =
      throttle_.awaits_compaction() ? runtime::Lane::kHurried : runtime::Lane::kCompaction;
  doors_.runtime.Post(lane, [this, compaction, job] { RunSlice(compaction, job); });
}

void EngineImpl::PostSliceInTurn(const std::shared_ptr<Compaction>& compaction, lsm::MergeJob* job,
                                 uint64_t bytes) {
  base::MutexLock lock(mu_);
  if (closing_ || throttle_.awaits_compaction()) return PostSliceLocked(compaction, job);
  const WorkClass work = WorkClassOf(compaction->plan.reason);
  const uint64_t now = clock().MonotonicMicros();
  pace_.Charge(work, bytes, now);
  const uint64_t delay = pace_.Delay(work, now);
  if (delay == 0) return PostSliceLocked(compaction, job);
  const auto go_on = [this, compaction, job] {
    {
      base::MutexLock task_lock(mu_);
      std::erase_if(paced_, [job](const PacedSlice& slice) { return slice.job == job; });
    }
    // What goes first may have taken this turn meanwhile.
    PostSliceInTurn(compaction, job, 0);
  };
  // Under the lock, so that the task finds the slice.
  paced_.push_back(
      {doors_.runtime.PostAfter(runtime::Lane::kCompaction, delay, go_on), compaction, job});
}

void EngineImpl::HurrySlicesLocked() {
  pace_.Forgive();
  for (PacedSlice& slice : std::exchange(paced_, {})) {
    if (doors_.runtime.Cancel(slice.timer)) {
      PostSliceLocked(slice.compaction, slice.job);
    } else {
      paced_.push_back(std::move(slice));  // it is about to go on
    }
  }
}

std::optional<lsm::CompactionPlan> EngineImpl::PlanCompactionLocked(Completions* completions) {
  // What somebody waits for goes by levels, one after the other, and alone.
  const bool alone = compactions_.empty();
  if (!alone && (!manual_.empty() || value_gc_.has_value())) return std::nullopt;
  auto plan = PlanManualLocked(completions);
  if (!plan.has_value()) plan = PickCompactionLocked();
  if (!plan.has_value() && !alone) return std::nullopt;
  if (!plan.has_value()) plan = PlanValueGarbageLocked(completions);
  if (!plan.has_value()) plan = PlanValueOrderLocked();
  if (!plan.has_value()) plan = PlanQuietLocked();
  if (!plan.has_value() || plan->reason == lsm::CompactionReason::kValueGarbage) return plan;
  // There for readers and writers, and soon merged again.
  if (plan->reason == lsm::CompactionReason::kLevel0Merge) return plan;
  // What has to be read anyway leaves the files that are to be emptied.
  const auto files = FilesToEmptyAlongLocked();
  plan->emptied = {files.begin(), files.end()};
  return plan;
}

lsm::PickContext EngineImpl::PickContextLocked() {
  return {clock().WallMillis(), SnapshotsLocked().front()};
}

std::optional<lsm::CompactionPlan> EngineImpl::PickCompactionLocked() {
  return lsm::PickCompaction(read_state_->version, compaction_options_, compaction_state_,
                             PickContextLocked());
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
        nothing_to_compact_ = false;
        manual_.push_back({std::move(start), std::move(end), 0, false, std::move(done)});
        ScheduleLocked();
      } else {
        completions.Add(std::move(done), std::move(refusal));
      }
    }
    completions.Run();
  });
}

void EngineImpl::RunSlice(const std::shared_ptr<Compaction>& compaction, lsm::MergeJob* job) {
  bool given_up = false;
  {
    base::MutexLock lock(mu_);
    given_up = closing_ || !background_error_.ok() || !compaction->status.ok();
  }
  if (!given_up) {
    const uint64_t before = job->stats().bytes_read;
    const Result<bool> done = job->Step(kSliceBytes);
    if (done.ok() && !*done) {
      return PostSliceInTurn(compaction, job, job->stats().bytes_read - before);
    }
    base::MutexLock lock(mu_);
    if (!done.ok() && compaction->status.ok()) {
      compaction->status = done.status().Prefixed("compaction");
    }
  }
  {
    base::MutexLock lock(mu_);
    compaction->given_up = compaction->given_up || given_up;
    if (--compaction->unfinished > 0) return;
  }
  EndCompaction(*compaction);
}

void EngineImpl::EndCompaction(Compaction& compaction) {
  Status status;
  bool given_up = false;
  {
    base::MutexLock lock(mu_);
    status = compaction.status;
    given_up = compaction.given_up && status.ok();
  }
  if (!status.ok() || given_up) {
    for (const auto& job : compaction.jobs) job->RemoveOutputs();
  }
  if (given_up) {
    base::MutexLock lock(mu_);
    EndedLocked(compaction);
    return MaybeFinishCloseLocked();
  }
  if (status.ok()) {
    manifest::EditGroup group;
    for (const auto& job : compaction.jobs) group.push_back(job->edit());
    status = versions_->LogAndApply(std::move(group)).Prefixed("install compaction");
  }
  FinishCompaction(compaction, std::move(status));
}

void EngineImpl::EndedLocked(Compaction& compaction) {
  nothing_to_compact_ = false;
  compaction_state_.Unregister(compaction.plan);
  std::erase_if(compactions_, [&](const auto& other) { return other.get() == &compaction; });
  // What it read may go.
  compaction.jobs.clear();
  compaction.plan = {};
}

void EngineImpl::CountCompactionLocked(const Compaction& compaction) {
  const lsm::CompactionPlan& plan = compaction.plan;
  const uint64_t micros = clock().MonotonicMicros() - compaction.started_micros;
  timings_.compaction.Add(micros);
  timings_.value_gc_runs += plan.reason == lsm::CompactionReason::kValueGarbage ? 1 : 0;
  timings_.value_order_runs += plan.gathers ? 1 : 0;
  for (const auto& job : compaction.jobs) {
    timings_.compaction_bytes_read += job->stats().bytes_read;
    timings_.compaction_bytes_written += job->stats().bytes_written;
    if (plan.gathers) timings_.value_order_bytes += job->stats().bytes_moved;
  }
  if (!plan.trivial_move && plan.output_level > plan.input_level) {
    throttle_.CompactionDone(lsm::BytesOf(plan.inputs), micros);
  }
}

void EngineImpl::FinishCompaction(Compaction& compaction, Status status) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    if (status.ok()) {
      CountCompactionLocked(compaction);
      PassOnRent(compaction);
    } else {
      SetBackgroundErrorLocked(status, &completions);
    }
    finishing_++;
    EndedLocked(compaction);
    if (status.ok()) PublishReadStateLocked();
  }
  completions.Run();
  if (status.ok()) RemoveObsoleteFiles();
  // Last: from here on the engine may be closed and destroyed.
  base::MutexLock lock(mu_);
  finishing_--;
  RoomMadeLocked();
  ScheduleLocked();
  MaybeFinishCloseLocked();
}

}  // namespace nokv::engine
