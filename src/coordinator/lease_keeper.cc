#include "coordinator/lease_keeper.h"

#include <algorithm>

namespace nokv::coordinator {

namespace {

constexpr uint64_t kUsPerMs = 1000;

}  // namespace

LeaseKeeper::LeaseKeeper(const LeaseOptions& options, uint64_t seed)
    : options_(options), random_(seed) {}

bool LeaseKeeper::ShouldAsk(uint64_t now_us) const {
  return now_us >= AskAtUs();
}

uint64_t LeaseKeeper::AskAtUs() const {
  return asking_ ? UINT64_MAX : ask_at_us_;
}

void LeaseKeeper::AskAfter(uint64_t now_us, uint64_t delay_ms) {
  ask_at_us_ = now_us + delay_ms * kUsPerMs + random_.Uniform(options_.retry_ms * kUsPerMs / 2 + 1);
}

void LeaseKeeper::Asked(uint64_t now_us) {
  asking_ = true;
  asked_at_us_ = now_us;
}

void LeaseKeeper::Answered(uint64_t now_us, const metaroot::Lease& lease) {
  asking_ = false;
  Note(now_us, lease);
  if (!IsOurs(lease)) return;
  const uint64_t usable_us = lease.ttl_ms * (1000 - kDriftPermille);
  if (lease.generation != generation_) valid_until_us_ = 0;
  generation_ = lease.generation;
  valid_until_us_ = std::max(valid_until_us_, asked_at_us_ + usable_us);
  const uint64_t renew_us = std::min(options_.renew_before_ms * kUsPerMs, usable_us / 2);
  ask_at_us_ = valid_until_us_ - renew_us;
}

void LeaseKeeper::Failed(uint64_t now_us) {
  asking_ = false;
  AskAfter(now_us, options_.retry_ms);
}

void LeaseKeeper::Seen(uint64_t now_us, const metaroot::Lease& lease) {
  // What comes by watching may be older than what was answered.
  const bool older = lease.generation < rooted_.generation ||
                     (lease.generation == rooted_.generation && !rooted_.in_force);
  if (!older && !(IsOurs(lease) && lease.generation == generation_)) Note(now_us, lease);
}

bool LeaseKeeper::IsOurs(const metaroot::Lease& lease) const {
  return lease.in_force && lease.holder == options_.holder;
}

// The lease is not ours any more, unless it says so.
void LeaseKeeper::Note(uint64_t now_us, const metaroot::Lease& lease) {
  if (lease.generation != rooted_.generation || lease.granted_revision > rooted_.granted_revision) {
    renewal_seen_us_ = now_us;
  }
  rooted_ = lease;
  if (!IsOurs(lease) || lease.generation != generation_) generation_ = 0;
  if (lease.in_force && !IsOurs(lease)) {
    // Its holder may be gone. The root, which knows when its time has passed, saw it no later.
    const uint64_t until_us = renewal_seen_us_ + lease.ttl_ms * kUsPerMs;
    const uint64_t left_ms = until_us > now_us ? (until_us - now_us) / kUsPerMs : 0;
    AskAfter(now_us, std::max(options_.retry_ms, std::min(left_ms, options_.watch_ms)));
  } else {
    ask_at_us_ = now_us;
  }
}

}  // namespace nokv::coordinator
