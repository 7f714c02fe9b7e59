// Back-pressure: what makes writes wait, and who lets them go on.
#include "engine/engine_impl.h"

namespace nokv::engine {
namespace {
// How often the load is judged while a memtable fills and writes are slowed down: the steps in
// which their rate falls.
constexpr uint64_t kJudgementsOfMemtable = 64;
}  // namespace

ThrottleLimits EngineImpl::LimitsOf(const Options& options) {
  ThrottleLimits limits;
  limits.memtable_bytes = options.immutable_memtable_bytes;
  limits.level0_trigger = static_cast<uint64_t>(options.level0_compaction_trigger);
  limits.level0_stop = static_cast<uint64_t>(options.level0_stop_trigger);
  limits.pending_bytes = options.compaction_debt_bytes;
  // What is in memory has to find room.
  limits.low_disk_bytes = 2 * options.memtable_bytes + options.immutable_memtable_bytes;
  return limits;
}

bool EngineImpl::MemtableFullLocked() const {
  const lsm::Memtable& active = *active_.table;
  return !active.empty() && (active.MemoryUsage() >= options_.memtable_bytes ||
                             active.range_tombstone_count() >= kMaxMemtableTombstones);
}

uint64_t EngineImpl::ImmutableBytesLocked() const {
  uint64_t bytes = 0;
  for (const MemtableRef& memtable : immutables_) bytes += memtable.table->MemoryUsage();
  return bytes;
}

const char* EngineImpl::StopReasonLocked() const {
  // What is behind an ingest must not be in the log before it is in the manifest: a crash, or a
  // checkpoint, would have the one without the other.
  if (!ingests_.empty() && ingests_.front()->ticket.has_value()) return "ingest";
  if (read_state_->version->files(0).size() >= static_cast<size_t>(options_.level0_stop_trigger)) {
    return "level 0 tables";
  }
  const bool stops =
      !immutables_.empty() && MemtableFullLocked() &&
      ImmutableBytesLocked() + active_.table->MemoryUsage() > options_.immutable_memtable_bytes;
  return stops ? "immutable memtables" : nullptr;
}

const char* EngineImpl::WaitReasonLocked() {
  const char* reason = StopReasonLocked();
  if (reason != nullptr || !throttle_.engaged()) return reason;
  if (throttle_.MayGo(clock().MonotonicMicros())) return nullptr;
  if (!waker_.has_value()) WakeWritersLocked();
  return throttle_.reason();
}

void EngineImpl::JudgeLoadLocked() {
  if (options_.read_only) return;
  unjudged_bytes_ = 0;
  ThrottleLoad load;
  // While one awaits its flush, the active one fills up on the way to a stop.
  if (!immutables_.empty()) {
    load.memtable_bytes = ImmutableBytesLocked() + active_.table->MemoryUsage();
    if (flush_due_micros_ != 0) {
      load.flush_bytes = immutables_.front().batch_bytes;
      load.flush_micros = clock().MonotonicMicros() - flush_due_micros_;
    }
  }
  load.level0_tables = read_state_->version->files(0).size();
  load.pending_bytes = lsm::PendingCompactionBytes(*read_state_->version, compaction_options_);
  load.free_disk_bytes = free_disk_bytes_;
  throttle_.Judge(load);
  // Whoever asked for a collection of value garbage waits for the moves.
  in_haste_.store(throttle_.compaction_in_haste() && !value_gc_.has_value(),
                  std::memory_order_relaxed);
  if (throttle_.awaits_compaction()) HurrySlicesLocked();
}

void EngineImpl::ChargeLocked(uint64_t bytes) {
  throttle_.Charge(bytes, clock().MonotonicMicros());
  unjudged_bytes_ += bytes;
  if (unjudged_bytes_ >= options_.memtable_bytes / kJudgementsOfMemtable) JudgeLoadLocked();
}

void EngineImpl::LookAtDisk() {
  const Result<uint64_t> free = doors_.fs.FreeSpace(path_);
  base::MutexLock lock(mu_);
  // Unknown is not low: a full disk still refuses.
  free_disk_bytes_ = free.ok() ? *free : UINT64_MAX;
  JudgeLoadLocked();
}

void EngineImpl::WakeWritersLocked() {
  if (waking_ || closing_) return;
  // Set for a time when less was possible than now.
  if (waker_.has_value() && !doors_.runtime.Cancel(*waker_)) return;  // it runs already
  waker_.reset();
  const uint64_t now = clock().MonotonicMicros();
  // Not on a lane where it would wait for a sync, or for a compaction.
  if (throttle_.MayGo(now)) {
    waking_ = true;
    return doors_.runtime.Post(runtime::Lane::kUrgent, [this] { LetWritersGo(); });
  }
  waker_ = doors_.runtime.PostAfter(runtime::Lane::kUrgent, throttle_.DueAt() - now, [this] {
    {
      base::MutexLock lock(mu_);
      waker_.reset();
      waking_ = true;
    }
    LetWritersGo();
  });
}

void EngineImpl::RoomMadeLocked() {
  if (!stalled_.empty()) WakeWritersLocked();
}

void EngineImpl::LetWritersGo() {
  DrainStalled();
  base::MutexLock lock(mu_);
  waking_ = false;
  // If they are stopped, whoever makes room wakes them.
  if (StopReasonLocked() == nullptr) RoomMadeLocked();
  MaybeFinishCloseLocked();
}

}  // namespace nokv::engine
