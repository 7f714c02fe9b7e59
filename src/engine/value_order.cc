// Values in the order of their keys: which table is rewritten for that, when scans have paid for
// it.
#include <algorithm>

#include "engine/engine_impl.h"

namespace nokv::engine {

void EngineImpl::WatchScatteredReads() {
  if (scattered_ == nullptr) return;
  scattered_->WakeBy([this] {
    doors_.runtime.Post(runtime::Lane::kCompaction, [this] {
      base::MutexLock lock(mu_);
      scattered_->WakeTaken();
      nothing_to_compact_ = false;
      ScheduleLocked();
      MaybeFinishCloseLocked();
    });
  });
}

std::optional<lsm::CompactionPlan> EngineImpl::PlanValueOrderLocked() {
  // In haste it would leave them where they lie.
  if (scattered_ == nullptr || in_haste_.load(std::memory_order_relaxed)) return std::nullopt;
  const auto table = scattered_->Due(*read_state_->version);
  if (!table.has_value()) return std::nullopt;
  // A table is cut when it points to as much as one should; only earlier versions of this program
  // left larger ones.
  return lsm::PlanValueOrder(read_state_->version, compaction_state_, *table,
                             2 * TargetValueBytes());
}

void EngineImpl::PassOnRent(const Compaction& compaction) {
  if (scattered_ == nullptr || compaction.jobs.empty()) return;
  const bool left = std::any_of(compaction.jobs.begin(), compaction.jobs.end(),
                                [](const auto& job) { return job->left_in_haste(); });
  if (compaction.plan.gathers && !left) return;
  std::vector<uint64_t> before;
  for (const lsm::FileList* files : {&compaction.plan.inputs, &compaction.plan.output_inputs}) {
    for (const auto& file : *files) before.push_back(file->number());
  }
  std::vector<manifest::FileMetadata> after;
  for (const auto& job : compaction.jobs) {
    for (const auto& [level, table] : job->edit().added_files) after.push_back(table);
  }
  scattered_->Inherit(before, after);
}

}  // namespace nokv::engine
