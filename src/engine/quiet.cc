// What is done while little is written: level 0 is merged down, which readers notice and nobody
// waits for. Under load it is left alone until it has too many tables, so that a burst is caught
// first and sorted later.
#include "engine/engine_impl.h"

namespace nokv::engine {

namespace {
// It is quiet when in this time no more was written than fills a memtable in a hundred seconds.
constexpr uint64_t kLookMicros = 100'000;
constexpr uint64_t kLooksPerMemtable = 1000;
}  // namespace

std::optional<lsm::CompactionPlan> EngineImpl::PlanQuietLocked() {
  auto plan = lsm::PickQuiet(read_state_->version, compaction_options_, compaction_state_,
                             PickContextLocked());
  if (!plan.has_value() || quiet_) return plan;
  LookWhetherQuietLocked();
  return std::nullopt;
}

void EngineImpl::LookWhetherQuietLocked() {
  if (quiet_look_.has_value() || closing_) return;
  const auto look = [this, before = timings_.batch_bytes] {
    base::MutexLock lock(mu_);
    quiet_look_.reset();
    const uint64_t written = timings_.batch_bytes - before;
    quiet_ = immutables_.empty() && written <= options_.memtable_bytes / kLooksPerMemtable;
    nothing_to_compact_ = false;
    ScheduleLocked();
    quiet_ = false;
    MaybeFinishCloseLocked();
  };
  quiet_look_ = doors_.runtime.PostAfter(runtime::Lane::kCompaction, kLookMicros, look);
}

}  // namespace nokv::engine
