// LeaseKeeper: when a coordinator asks for the lease, when it renews it, and whether it may give
// out numbers right now. It decides; others send.
//
// The holder counts its time from before it asked, on a clock that never jumps, and stops early by
// kDriftPermille; the root's leader counts from after it was told. So as long as clocks run at
// nearly one speed, an old holder has stopped before the root gives the lease to a new one, and
// timestamps rise across holders also in the order of real time. That no number is given out twice
// does not depend on clocks at all: windows are fenced by the generation.
//
// Thread safety: thread-compatible. Times are monotonic microseconds.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "metaroot/state.h"

namespace nokv::coordinator {

// How much of a lease is not used, for clocks that run at different speeds: each may be wrong by
// half of it.
inline constexpr uint64_t kDriftPermille = 50;

struct LeaseOptions {
  std::string holder = {};
  uint64_t ttl_ms = 10'000;
  // The lease is renewed when no more of it is left.
  uint64_t renew_before_ms = 3'000;
  // Between attempts; each is up to half as long again, so that coordinators do not ask in step.
  uint64_t retry_ms = 100;
  // Another's lease is asked for when its time must be over, and at least so often, in case nobody
  // tells of its end.
  uint64_t watch_ms = 500;
};

class LeaseKeeper {
 public:
  // `seed` only spreads the attempts.
  LeaseKeeper(const LeaseOptions& options, uint64_t seed);

  // True if it is time to ask the root for the lease, or for its renewal: call Asked then. False
  // while a request is on its way.
  bool ShouldAsk(uint64_t now_us) const;
  // When ShouldAsk may become true without anything else happening; UINT64_MAX: never.
  uint64_t AskAtUs() const;

  void Asked(uint64_t now_us);
  // The root answered what was asked last: the lease as it is now, our own or another's.
  void Answered(uint64_t now_us, const metaroot::Lease& lease);
  // It did not answer, or not in time; it may still grant what was asked.
  void Failed(uint64_t now_us);
  // What watching the root's events has shown. Never makes the time longer for which we hold it.
  void Seen(uint64_t now_us, const metaroot::Lease& lease);

  // True if numbers of generation() may be given out at this moment.
  bool Holds(uint64_t now_us) const { return generation_ != 0 && now_us < valid_until_us_; }
  uint64_t generation() const { return generation_; }  // of our lease; 0: it is not ours
  uint64_t valid_until_us() const { return generation_ == 0 ? 0 : valid_until_us_; }
  // As the root said last.
  const metaroot::Lease& rooted() const { return rooted_; }

 private:
  bool IsOurs(const metaroot::Lease& lease) const;
  void Note(uint64_t now_us, const metaroot::Lease& lease);
  void AskAfter(uint64_t now_us, uint64_t delay_ms);

  const LeaseOptions options_;
  base::Random random_;
  metaroot::Lease rooted_;
  // When its last renewal was first seen here: after the root has seen it.
  uint64_t renewal_seen_us_ = 0;
  uint64_t generation_ = 0;
  uint64_t valid_until_us_ = 0;
  uint64_t ask_at_us_ = 0;
  uint64_t asked_at_us_ = 0;
  bool asking_ = false;
};

}  // namespace nokv::coordinator
