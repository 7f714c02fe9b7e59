// Allocator: holds the lease, if it can get it, and gives out ids and timestamps while it does.
//
// It asks the root for the lease and for windows of numbers, always some time before they are used
// up; a request that comes when there is no window yet waits for it, and is refused when the lease
// is somebody else's. How numbers stay unique is in number_source.h and lease_keeper.h; how
// timestamps follow the clock in followed_clock.h.
//
// Thread safety: thread-safe. Calls nothing of others with its lock held, but for the clock and the
// timers of the runtime.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "coordinator/followed_clock.h"
#include "coordinator/holder.h"
#include "coordinator/lease_keeper.h"
#include "coordinator/number_source.h"
#include "coordinator/root.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

struct AllocatorOptions {
  Holder holder = {};
  uint64_t lease_ttl_ms = 10'000;
  uint64_t lease_renew_before_ms = 3'000;
  uint64_t first_id = 1;
  uint64_t first_timestamp = 1;
  uint64_t id_window = 10'000;
  uint64_t timestamp_window_ms = 3'000;
  // How long, and how many, requests wait for a window.
  uint64_t max_wait_ms = 2'000;
  size_t max_waiting = 4'096;
  uint64_t seed = 1;  // spreads the attempts to get the lease
};

using NumberKind = metaroot::WindowKind;

// Numbers that were given out: `count` of them, from `first`.
struct Allocation {
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t generation = 0;
};

struct AllocatorStatus {
  // What is given out next, and up to where a window is reserved.
  uint64_t id_next = 0;
  uint64_t id_until = 0;
  uint64_t timestamp_next = 0;
  uint64_t timestamp_until = 0;
  uint64_t clock_ahead_ms = 0;  // of what timestamps follow
  metaroot::Lease rooted = {};  // the lease as the root said last
  bool holds = false;
  bool held_once = false;
  uint64_t remaining_ms = 0;  // for which it is held
  uint64_t waiting = 0;       // requests
  std::string lease_problem;  // why the root did not answer the last time; empty: it did
  std::string window_problem;
  bool twin = false;  // another process has this one's id
  uint64_t given_ids = 0;
  uint64_t given_timestamps = 0;
  uint64_t refused = 0;
  uint64_t lease_changes = 0;  // how often this one got it
};

class Allocator : public std::enable_shared_from_this<Allocator> {
 public:
  using Done = std::function<void(Result<Allocation>)>;

  // All are borrowed, and outlive what they run for it.
  static std::shared_ptr<Allocator> Make(const AllocatorOptions& options, Root& root,
                                         runtime::Runtime& runtime, base::Logger& logger);

  // Begins to ask for the lease.
  void Start() EXCLUDES(mu_);
  // Gives out nothing any more, and gives the lease back if it has it; then calls `done`.
  void Stop(std::function<void()> done) EXCLUDES(mu_);

  // `done` is called once, maybe from inside the call. kInvalidArgument for a count of 0 or above
  // kMaxCount; kUnavailable (E2302), saying who holds the lease, if this one does not;
  // kResourceExhausted if too many wait, or there are no more numbers.
  void Take(NumberKind kind, uint64_t count, Done done) EXCLUDES(mu_);

  // What watching the root has shown: the lease as of now, and that somebody was granted one.
  void Seen(const metaroot::Lease& lease) EXCLUDES(mu_);
  void SeenGrant(const std::string& holder) EXCLUDES(mu_);
  // Ids up to this one are used by the first layout, though nobody allocated them.
  void SkipIds(uint64_t last) EXCLUDES(mu_);

  AllocatorStatus status() const EXCLUDES(mu_);

 private:
  struct Source {
    Source(NumberSource::Kind kind, uint64_t window, uint64_t least)
        : numbers(kind, window, least) {}
    NumberSource numbers;
    bool reserving = false;
    uint64_t retry_at_us = 0;  // not to be reserved before
    uint64_t given = 0;
  };
  struct Waiting {
    NumberKind kind;
    uint64_t count;
    uint64_t until_us;
    Done done;
  };
  // What is done when the lock is free again.
  using Actions = std::vector<std::function<void()>>;

  Allocator(const AllocatorOptions& options, Root& root, runtime::Runtime& runtime,
            base::Logger& logger);

  Source& Of(NumberKind kind) REQUIRES(mu_) { return sources_[static_cast<size_t>(kind)]; }
  uint64_t WallMs(uint64_t now_us) REQUIRES(mu_);
  std::optional<Allocation> TakeNow(NumberKind kind, uint64_t count, uint64_t now_us) REQUIRES(mu_);
  Status NotHeld() const REQUIRES(mu_);

  // Does what is to be done at this moment, and sees to it that it is called again.
  void Pump() EXCLUDES(mu_);
  void AskForLease(uint64_t now_us, Actions* actions) REQUIRES(mu_);
  void AskForWindow(NumberKind kind, uint64_t now_us, Actions* actions) REQUIRES(mu_);
  void ServeWaiting(uint64_t now_us, Actions* actions) REQUIRES(mu_);
  void Arm(uint64_t now_us) REQUIRES(mu_);

  void LeaseAnswered(const Result<metaroot::Outcome>& outcome) EXCLUDES(mu_);
  void WindowAnswered(const metaroot::WindowReserved& window,
                      const Result<metaroot::Outcome>& outcome) EXCLUDES(mu_);
  // The sources begin and end with the lease. `head` has the fences.
  void FollowLease(uint64_t before, const metaroot::StateHead* head, uint64_t now_us) REQUIRES(mu_);

  const AllocatorOptions options_;
  const std::string holder_;
  Root& root_;
  runtime::Runtime& runtime_;
  base::Logger& logger_;
  mutable base::Mutex mu_;
  LeaseKeeper keeper_ GUARDED_BY(mu_);
  FollowedClock clock_ GUARDED_BY(mu_);
  std::array<Source, 2> sources_ GUARDED_BY(mu_);
  std::deque<Waiting> waiting_ GUARDED_BY(mu_);
  bool started_ GUARDED_BY(mu_) = false;
  runtime::TimerId timer_ GUARDED_BY(mu_) = 0;  // 0: none
  std::string lease_problem_ GUARDED_BY(mu_);
  std::string window_problem_ GUARDED_BY(mu_);
  uint64_t refused_ GUARDED_BY(mu_) = 0;
  uint64_t lease_changes_ GUARDED_BY(mu_) = 0;
  uint64_t twin_grants_ GUARDED_BY(mu_) = 0;
};

}  // namespace nokv::coordinator
