// Outcome: what became of a proposal or a read. That it was refused is an expected outcome, with a
// reason that a caller can act upon.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "raft/types.h"

namespace nokv::raftnode {

enum class Refusal : uint8_t {
  kNone,
  // Nothing was proposed, so it may be tried again, elsewhere or later:
  kNotLeader,  // `leader` may know better
  kBusy,       // too much is not committed, or waits to be looked at
  kNoGroup,    // there is no such group here
  kStopped,    // the group has stopped here; its status says why
  kUnfit,      // a change that does not fit the configuration
  kNoQuorum,   // a read that no quorum confirmed in time
  // It was proposed, but:
  kLost,     // another entry is in its place, so it will most probably never take effect
  kUnknown,  // it can still take effect, or has: nobody here will know
};

// "not the leader", "too much is not committed yet", and so on.
std::string_view ToString(Refusal refusal);

struct Outcome {
  Refusal refusal = Refusal::kNone;
  raft::NodeId leader = raft::kNoNode;  // of the group, as far as it is known here
  // What the state machine answers to a proposal that was applied.
  std::string reply;
  // Of a read: what was applied when it may be served.
  raft::LogIndex index = 0;

  bool ok() const { return refusal == Refusal::kNone; }
};

// Called once, on the thread that found out: it must neither wait nor throw.
using OutcomeDone = std::function<void(Outcome)>;

}  // namespace nokv::raftnode
