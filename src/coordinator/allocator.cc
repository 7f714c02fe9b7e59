#include "coordinator/allocator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/timestamp.h"

namespace nokv::coordinator {

namespace {

constexpr uint64_t kUsPerMs = 1'000;
// Until a window is asked for again.
constexpr uint64_t kRetryUs = 50'000;
// A process that died may have told the root of its last renewal shortly before this one began.
constexpr uint64_t kGrantsOfATwin = 2;

LeaseOptions LeaseOptionsOf(const AllocatorOptions& options) {
  return {.holder = FormatHolder(options.holder),
          .ttl_ms = options.lease_ttl_ms,
          .renew_before_ms = options.lease_renew_before_ms};
}

}  // namespace

std::shared_ptr<Allocator> Allocator::Make(const AllocatorOptions& options, Root& root,
                                           runtime::Runtime& runtime, base::Logger& logger) {
  return std::shared_ptr<Allocator>(new Allocator(options, root, runtime, logger));
}

Allocator::Allocator(const AllocatorOptions& options, Root& root, runtime::Runtime& runtime,
                     base::Logger& logger)
    : options_(options),
      holder_(FormatHolder(options.holder)),
      root_(root),
      runtime_(runtime),
      logger_(logger),
      keeper_(LeaseOptionsOf(options), options.seed),
      sources_{Source(NumberSource::Kind::kIds, options.id_window, options.first_id),
               Source(NumberSource::Kind::kTimestamps, options.timestamp_window_ms,
                      options.first_timestamp)} {}

void Allocator::Start() {
  {
    base::MutexLock lock(mu_);
    started_ = true;
  }
  Pump();
}

void Allocator::Stop(std::function<void()> done) {
  uint64_t generation = 0;
  std::deque<Waiting> waiting;
  {
    base::MutexLock lock(mu_);
    started_ = false;
    if (timer_ != 0) runtime_.Cancel(std::exchange(timer_, 0));
    generation = keeper_.generation();
    for (Source& source : sources_) source.numbers.End();
    waiting.swap(waiting_);
  }
  for (const Waiting& each : waiting) each.done(Status::Unavailable("this coordinator stops"));
  if (generation == 0) return done();
  root_.Append({.events = {metaroot::LeaseEnded{generation, /*released=*/true}}},
               [done = std::move(done)](const Result<metaroot::Outcome>&) { done(); });
}

uint64_t Allocator::WallMs(uint64_t now_us) {
  return clock_.Follow(runtime_.clock().WallMillis(), now_us);
}

Status Allocator::NotHeld() const {
  const metaroot::Lease& lease = keeper_.rooted();
  std::string who = "nobody holds it at present";
  if (lease.in_force) {
    const Holder holder = ParseHolder(lease.holder);
    who = lease.holder == holder_ ? "this coordinator does not reach the metadata root to renew it"
                                  : holder.id + " at " + holder.addr + " holds generation " +
                                        std::to_string(lease.generation);
  }
  return Status::Unavailable("coordinator lease not held: " + who)
      .WithHint("ask the coordinator that holds it; nokv status shows which one")
      .WithErrorNumber(2302);
}

std::optional<Allocation> Allocator::TakeNow(NumberKind kind, uint64_t count, uint64_t now_us) {
  if (!keeper_.Holds(now_us)) return std::nullopt;
  Source& source = Of(kind);
  const std::optional<uint64_t> first = source.numbers.Take(count, WallMs(now_us));
  if (!first.has_value()) return std::nullopt;
  source.given += count;
  return Allocation{*first, count, source.numbers.generation()};
}

void Allocator::Take(NumberKind kind, uint64_t count, Done done) {
  if (count == 0 || count > kMaxCount) {
    return done(Status::InvalidArgument("from 1 to " + std::to_string(kMaxCount) +
                                        " numbers can be had at once, not " +
                                        std::to_string(count)));
  }
  std::optional<Allocation> taken;
  Status refused;
  bool pump = false;
  {
    base::MutexLock lock(mu_);
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    // Whoever waits comes first.
    if (started_ && waiting_.empty()) taken = TakeNow(kind, count, now_us);
    if (!started_ || !keeper_.Holds(now_us)) {
      refused_++;
      refused = NotHeld();
    } else if (taken.has_value()) {
      pump = !Of(kind).reserving && Of(kind).numbers.Wanted(WallMs(now_us)).has_value();
    } else if (waiting_.size() >= options_.max_waiting) {
      refused_++;
      refused = Status::ResourceExhausted("more than " + std::to_string(options_.max_waiting) +
                                          " requests wait for numbers");
    } else {
      waiting_.push_back(
          {kind, count, now_us + options_.max_wait_ms * kUsPerMs, std::exchange(done, nullptr)});
      pump = true;
    }
  }
  if (taken.has_value()) {
    done(*taken);
  } else if (!refused.ok()) {
    done(std::move(refused));
  }
  if (pump) Pump();
}

void Allocator::Pump() {
  Actions actions;
  {
    base::MutexLock lock(mu_);
    if (!started_) return;
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    AskForLease(now_us, &actions);
    AskForWindow(NumberKind::kIds, now_us, &actions);
    AskForWindow(NumberKind::kTimestamps, now_us, &actions);
    ServeWaiting(now_us, &actions);
    Arm(now_us);
  }
  for (const auto& action : actions) action();
}

void Allocator::AskForLease(uint64_t now_us, Actions* actions) {
  if (!keeper_.ShouldAsk(now_us)) return;
  keeper_.Asked(now_us);
  actions->push_back([self = shared_from_this()] {
    self->root_.Append(
        {.events = {metaroot::LeaseGranted{self->holder_, self->options_.lease_ttl_ms}}},
        [self](const Result<metaroot::Outcome>& outcome) { self->LeaseAnswered(outcome); });
  });
}

void Allocator::AskForWindow(NumberKind kind, uint64_t now_us, Actions* actions) {
  Source& source = Of(kind);
  if (source.reserving || now_us < source.retry_at_us || !keeper_.Holds(now_us)) return;
  uint64_t need = 0;
  for (const Waiting& each : waiting_) {
    if (each.kind == kind) need = std::max(need, each.count);
  }
  const std::optional<uint64_t> until = source.numbers.Wanted(WallMs(now_us), need);
  if (!until.has_value()) return;
  source.reserving = true;
  actions->push_back([self = shared_from_this(),
                      window = metaroot::WindowReserved{.kind = kind,
                                                        .generation = source.numbers.generation(),
                                                        .from = source.numbers.fence(),
                                                        .until = *until}] {
    self->root_.Append({.events = {window}},
                       [self, window](const Result<metaroot::Outcome>& outcome) {
                         self->WindowAnswered(window, outcome);
                       });
  });
}

void Allocator::ServeWaiting(uint64_t now_us, Actions* actions) {
  const bool holds = keeper_.Holds(now_us);
  std::deque<Waiting> still;
  for (Waiting& each : waiting_) {
    std::optional<Allocation> taken;
    Status refused;
    if (!holds) {
      refused = NotHeld();
    } else if (taken = TakeNow(each.kind, each.count, now_us); taken.has_value()) {
    } else if (now_us >= each.until_us) {
      refused =
          Status::Unavailable("the metadata root did not reserve numbers in time" +
                              (window_problem_.empty() ? std::string() : ": " + window_problem_));
    } else if (!Of(each.kind).reserving && now_us >= Of(each.kind).retry_at_us) {
      // A window would be on its way if there were more.
      refused = Status::ResourceExhausted("there are no more " +
                                          std::string(metaroot::NameOf(each.kind)));
    } else {
      still.push_back(std::move(each));
      continue;
    }
    if (!refused.ok()) refused_++;
    actions->push_back([done = std::move(each.done), taken, refused] {
      refused.ok() ? done(*taken) : done(refused);
    });
  }
  waiting_ = std::move(still);
}

void Allocator::Arm(uint64_t now_us) {
  uint64_t at_us = keeper_.AskAtUs();
  if (!waiting_.empty()) {
    at_us = std::min({at_us, waiting_.front().until_us, keeper_.valid_until_us()});
    for (const Source& source : sources_) {
      if (source.retry_at_us > now_us) at_us = std::min(at_us, source.retry_at_us);
    }
  }
  if (timer_ != 0) runtime_.Cancel(std::exchange(timer_, 0));
  if (at_us == UINT64_MAX) return;
  const uint64_t delay_us = at_us > now_us ? at_us - now_us : 1;
  timer_ = runtime_.PostAfter(runtime::Lane::kLog, delay_us, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Pump();
  });
}

void Allocator::FollowLease(uint64_t before, const metaroot::StateHead* head, uint64_t now_us) {
  const uint64_t generation = keeper_.generation();
  if (generation == before) return;
  if (generation == 0 || head == nullptr) {
    for (Source& source : sources_) source.numbers.End();
    logger_.Warning("the lease of generation " + std::to_string(before) +
                    " is lost: no numbers are given out");
    return;
  }
  lease_changes_++;
  const uint64_t fence = head->timestamp_fence;
  clock_.Begin(fence <= options_.first_timestamp ? 0 : PhysicalMs(fence),
               runtime_.clock().WallMillis(), now_us);
  Of(NumberKind::kIds).numbers.Begin(generation, head->id_fence);
  Of(NumberKind::kTimestamps).numbers.Begin(generation, fence);
  logger_.Info("holds the lease, generation " + std::to_string(generation));
}

void Allocator::LeaseAnswered(const Result<metaroot::Outcome>& outcome) {
  {
    base::MutexLock lock(mu_);
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    const uint64_t before = keeper_.generation();
    if (!outcome.ok()) {
      keeper_.Failed(now_us);
      lease_problem_ = outcome.status().ToString();
    } else if (outcome->head.cluster_id == 0) {
      // There is no state that could have a lease yet.
      keeper_.Failed(now_us);
      lease_problem_ = outcome->status.ToString();
    } else {
      keeper_.Answered(now_us, outcome->head.lease);
      lease_problem_.clear();
      FollowLease(before, &outcome->head, now_us);
    }
  }
  Pump();
}

void Allocator::WindowAnswered(const metaroot::WindowReserved& window,
                               const Result<metaroot::Outcome>& outcome) {
  {
    base::MutexLock lock(mu_);
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    Source& source = Of(window.kind);
    source.reserving = false;
    if (!outcome.ok()) {
      window_problem_ = outcome.status().ToString();
      source.retry_at_us = now_us + kRetryUs;
    } else if (outcome->status.ok()) {
      window_problem_.clear();
      source.numbers.Reserved(window.generation, window.until);
    } else {
      // An attempt whose answer was lost has moved the fence, or somebody's ids have; what is left
      // below it is not touched any more.
      window_problem_ = outcome->status.ToString();
      const metaroot::StateHead& head = outcome->head;
      const uint64_t before = keeper_.generation();
      keeper_.Seen(now_us, head.lease);
      FollowLease(before, nullptr, now_us);
      const uint64_t fence = window.kind == NumberKind::kIds ? head.id_fence : head.timestamp_fence;
      if (source.numbers.generation() == window.generation && source.numbers.fence() != fence) {
        source.numbers.Begin(window.generation, fence);
      } else {
        source.retry_at_us = now_us + kRetryUs;
      }
    }
  }
  Pump();
}

void Allocator::Seen(const metaroot::Lease& lease) {
  {
    base::MutexLock lock(mu_);
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    const uint64_t before = keeper_.generation();
    keeper_.Seen(now_us, lease);
    FollowLease(before, nullptr, now_us);
  }
  Pump();
}

void Allocator::SeenGrant(const std::string& holder) {
  base::MutexLock lock(mu_);
  if (holder == holder_ || ParseHolder(holder).id != options_.holder.id) return;
  if (++twin_grants_ != kGrantsOfATwin) return;
  logger_.Error("another coordinator with id " + options_.holder.id + " runs at " +
                ParseHolder(holder).addr + "; give each its own --coordinator-id");
}

void Allocator::SkipIds(uint64_t last) {
  base::MutexLock lock(mu_);
  Of(NumberKind::kIds).numbers.Skip(last);
}

AllocatorStatus Allocator::status() const {
  base::MutexLock lock(mu_);
  const uint64_t now_us = runtime_.clock().MonotonicMicros();
  const NumberSource& ids = sources_[static_cast<size_t>(NumberKind::kIds)].numbers;
  const NumberSource& timestamps = sources_[static_cast<size_t>(NumberKind::kTimestamps)].numbers;
  const bool holds = started_ && keeper_.Holds(now_us);
  return {.id_next = ids.next(),
          .id_until = ids.until(),
          .timestamp_next = timestamps.next(),
          .timestamp_until = timestamps.until(),
          .clock_ahead_ms = holds ? clock_.behind_ms() : 0,
          .rooted = keeper_.rooted(),
          .holds = holds,
          .held_once = lease_changes_ > 0,
          .remaining_ms = holds ? (keeper_.valid_until_us() - now_us) / kUsPerMs : 0,
          .waiting = waiting_.size(),
          .lease_problem = lease_problem_,
          .window_problem = window_problem_,
          .twin = twin_grants_ >= kGrantsOfATwin,
          .given_ids = sources_[static_cast<size_t>(NumberKind::kIds)].given,
          .given_timestamps = sources_[static_cast<size_t>(NumberKind::kTimestamps)].given,
          .refused = refused_,
          .lease_changes = lease_changes_};
}

}  // namespace nokv::coordinator
