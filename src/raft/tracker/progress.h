// Progress: how far one follower is, as its leader sees it, and whether it may be sent more.
//
//   kProbe      its log is not known yet: one message at a time
//   kReplicate  its log is known: messages are sent ahead, as many as Inflights allows
//   kSnapshot   it needs a snapshot: nothing is sent until that arrived or failed
//
// Invariant: match < next. Thread safety: thread-compatible.
#pragma once

#include <map>
#include <string>

#include "raft/tracker/inflights.h"
#include "raft/types.h"

namespace nokv::raft {

enum class ProgressState : uint8_t { kProbe, kReplicate, kSnapshot };

struct Progress {
  explicit Progress(Inflights limits) : inflights(std::move(limits)) {}

  LogIndex match = 0;  // its log equals ours up to here
  LogIndex next = 1;   // what to send next; (match, next) is in flight
  // The last commit index that was sent, so that a new one is not held back and an old one not sent
  // twice.
  LogIndex sent_commit = 0;
  ProgressState state = ProgressState::kProbe;
  LogIndex pending_snapshot = 0;  // in kSnapshot: its index
  bool recent_active = false;     // heard of since the last check of the quorum
  // Nothing more is sent until it answers a message or a heartbeat.
  bool flow_paused = false;
  bool is_learner = false;
  Inflights inflights;

  void BecomeProbe();
  void BecomeReplicate();
  void BecomeSnapshot(LogIndex snapshot_index);

  // Entries were sent, at `next` and after; not in kSnapshot.
  void SentEntries(size_t count, uint64_t bytes);
  void SentCommit(LogIndex commit) { sent_commit = commit; }
  // True if sending `commit` could move the follower's commit index.
  bool CanBumpCommit(LogIndex commit) const;

  // The follower acknowledged `index`; false if that was known.
  bool MaybeUpdate(LogIndex index);
  // The follower rejected an append after `rejected` and proposes `hint`; false if the rejection is
  // an old one. Afterwards `next` is where to try.
  bool MaybeDecrease(LogIndex rejected, LogIndex hint);

  bool IsPaused() const { return state == ProgressState::kSnapshot || flow_paused; }

 private:
  void ResetState(ProgressState new_state);
};

using ProgressMap = std::map<NodeId, Progress>;

// "StateProbe match=0 next=1 learner paused".
std::string ToString(const Progress& progress);
// One line per node, in the order of their ids.
std::string ToString(const ProgressMap& progress);

}  // namespace nokv::raft
