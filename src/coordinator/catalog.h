// Catalog: a coordinator's copy of the root's state, with what stores and regions have said, and
// how new it is. Whoever needs it to be newer waits here until it is, or learns that it cannot be.
//
// Thread safety: thread-safe. Calls nothing of others with its lock held, but for the clock and the
// timers of the runtime.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "coordinator/cluster_view.h"
#include "coordinator/freshness.h"
#include "coordinator/root.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

struct CatalogOptions {
  StoreTimes store_times = {};
  // How long, and how many, questions wait until the copy is new enough.
  uint64_t max_wait_ms = 2'000;
  size_t max_waiting = 4'096;
  // Of the last events, for people.
  size_t max_events = 1'024;
};

class Catalog : public RootWatcher, public std::enable_shared_from_this<Catalog> {
 public:
  using Ready = std::function<void(Result<RootStanding>)>;

  // All are borrowed, and outlive what they run for it.
  Catalog(const CatalogOptions& options, Root& root, runtime::Runtime& runtime,
          base::Logger& logger);

  void OnState(metaroot::State state) override EXCLUDES(mu_);
  Status OnEvents(const std::vector<metaroot::TailEvent>& events) override EXCLUDES(mu_);
  void OnHeard(uint64_t revision) override EXCLUDES(mu_);
  void OnSilence(const Status& why) override EXCLUDES(mu_);

  // Calls `ready` once, maybe from inside the call, when the copy is as new as is wanted; or with
  // kUnavailable, saying how far it is behind, kResourceExhausted if too many wait.
  void Await(const FreshnessWanted& wanted, Ready ready) EXCLUDES(mu_);

  // All of it at one moment.
  struct Now {
    ClusterView& view;
    RootStanding standing;
    uint64_t us;
  };
  // What `look` says of it. The lock is held: it must be short, and call nobody.
  template <typename Look>
  auto Read(const Look& look) EXCLUDES(mu_) {
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    base::MutexLock lock(mu_);
    return look(Now{view_, StandingLocked(now_us), now_us});
  }
  RootStanding standing() EXCLUDES(mu_);
  // The last events after `revision`, at most `limit`; those up to `kept_after` are not there.
  struct Events {
    std::vector<metaroot::TailEvent> events;
    uint64_t kept_after = 0;
  };
  Events EventsAfter(uint64_t revision, size_t limit) EXCLUDES(mu_);
  // Why no member of the root answers; empty: one does.
  std::string silence() EXCLUDES(mu_);
  // Questions that wait.
  uint64_t waiting() EXCLUDES(mu_);

 private:
  struct Waiting {
    FreshnessWanted wanted;
    uint64_t until_us;
    std::optional<uint64_t> confirmed = std::nullopt;
    Ready ready;
  };
  using Answers = std::vector<std::pair<Ready, Result<RootStanding>>>;

  RootStanding StandingLocked(uint64_t now_us) const REQUIRES(mu_);
  // Takes what can be answered, or waits in vain, out of the queue.
  Answers TakeReady(uint64_t now_us) REQUIRES(mu_);
  // Answers; then sees to it that questions which still wait are looked at again.
  void Pump() EXCLUDES(mu_);
  void Arm(uint64_t now_us) REQUIRES(mu_);
  void Confirm() EXCLUDES(mu_);
  // Fetches what the root keeps of the events before the state that was loaded at `loaded`: those
  // after `past`, which were fetched already.
  void FetchPast(uint64_t loaded, std::vector<metaroot::TailEvent> past) EXCLUDES(mu_);
  void PastListed(uint64_t loaded, std::vector<metaroot::TailEvent> past,
                  const Result<std::vector<metaroot::TailEvent>>& more) EXCLUDES(mu_);
  void ConfirmAnswered(uint64_t asked_us, const Result<uint64_t>& revision) EXCLUDES(mu_);
  // What is confirmed may have reached the copy.
  void NoteLatestLocked() REQUIRES(mu_);

  // Adds `more` to `past`, and puts that before the events if it is complete. True: it is not yet.
  bool TakePast(const std::vector<metaroot::TailEvent>& more,
                std::vector<metaroot::TailEvent>* past) REQUIRES(mu_);

  const CatalogOptions options_;
  Root& root_;
  runtime::Runtime& runtime_;
  base::Logger& logger_;
  base::Mutex mu_;
  ClusterView view_ GUARDED_BY(mu_);
  bool loaded_ GUARDED_BY(mu_) = false;
  uint64_t heard_revision_ GUARDED_BY(mu_) = 0;
  // The copy is no older than what there was then: a quorum was asked that late, by this clock, and
  // the copy has what it answered. Until that has ever been so: when this began.
  uint64_t latest_at_us_ GUARDED_BY(mu_);
  bool was_latest_ GUARDED_BY(mu_) = false;
  // What a quorum has answered, and the copy does not have yet.
  struct Confirmed {
    uint64_t asked_us;
    uint64_t revision;
  };
  std::optional<Confirmed> confirmed_ GUARDED_BY(mu_);
  std::string silence_ GUARDED_BY(mu_) = "it was not reached yet";
  uint64_t loaded_revision_ GUARDED_BY(mu_) = 0;  // of the state that was loaded
  std::deque<metaroot::TailEvent> events_ GUARDED_BY(mu_);
  std::deque<Waiting> waiting_ GUARDED_BY(mu_);
  // Questions for the root's leader: those that the call under way answers, and those that came
  // when it was on its way already.
  std::vector<Waiting> confirming_ GUARDED_BY(mu_);
  std::vector<Waiting> unconfirmed_ GUARDED_BY(mu_);
  bool asking_ GUARDED_BY(mu_) = false;          // that call is under way
  bool confirm_wanted_ GUARDED_BY(mu_) = false;  // another one, though nobody waits for it
  bool timer_set_ GUARDED_BY(mu_) = false;
};

}  // namespace nokv::coordinator
