// Lease: how long a leader may answer reads without asking anybody.
//
// A follower that hears of its leader promises to vote for nobody else for an election timeout, by
// its own ticks, and a restart does not end the promise (Raft::promise_ticks_). Heartbeats carry
// the leader's tick at which they were sent; once a quorum has answered those of one tick, no other
// leader can come up for most of an election timeout since then. What is left of it allows for
// clocks whose rates differ by up to a third.
//
// A transfer of the leadership has the promises broken. A message that asks for one can arrive at
// any later time, so the lease is void then until the end of the term.
//
// Thread safety: thread-compatible.
#pragma once

#include <algorithm>
#include <map>
#include <optional>

#include "raft/quorum/quorum.h"
#include "raft/types.h"

namespace nokv::raft {

class Lease {
 public:
  // Of a leader whose followers keep their promises for so many ticks.
  explicit Lease(int promise_ticks)
      : lease_ticks_(static_cast<uint64_t>(promise_ticks - 1) * 3 / 4) {}

  void Tick() { now_++; }
  // What a heartbeat carries that is sent now. Never 0.
  uint64_t now() const { return now_; }
  // `from` answered the heartbeat of `tick`.
  void Acknowledge(NodeId from, uint64_t tick) {
    uint64_t& acknowledged = acks_[from];
    acknowledged = std::max(acknowledged, std::min(tick, now_));
  }
  void Void() { void_ = true; }
  // No other leader can have come up, if all ticks that are due were given.
  bool Holds(NodeId self, const JointVoters& voters) const {
    const uint64_t agreed = CommittedIndex(voters, [&](NodeId id) -> std::optional<LogIndex> {
      if (id == self) return now_;
      const auto found = acks_.find(id);
      return found == acks_.end() ? std::nullopt : std::optional(found->second);
    });
    // The next tick may be due any moment: it counts as gone.
    return !void_ && agreed > 0 && now_ - agreed < lease_ticks_;
  }

 private:
  uint64_t lease_ticks_;
  uint64_t now_ = 1;
  std::map<NodeId, uint64_t> acks_;
  bool void_ = false;
};

}  // namespace nokv::raft
