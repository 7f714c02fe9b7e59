// Tracker: the active configuration of a group, what is known of each member, and the votes of the
// running election.
//
// Invariants: everybody in `config` has a Progress; nobody is a voter and a learner at once.
// Thread safety: thread-compatible.
#pragma once

#include <string>

#include "raft/quorum/quorum.h"
#include "raft/tracker/progress.h"
#include "raft/types.h"

namespace nokv::raft {

struct Configuration {
  JointVoters voters;
  IdSet learners;
  // Voters of the outgoing half that become learners when the joint configuration is left.
  IdSet learners_next;
  bool auto_leave = false;

  ConfState ToConfState() const;
};

// "voters=(1 2)&&(1) learners=(3) learners_next=(4) autoleave".
std::string ToString(const Configuration& config);

// What can be changed of the members at once.
struct Membership {
  Configuration config;
  ProgressMap progress;
};

class Tracker {
 public:
  Tracker(size_t max_inflight_messages, uint64_t max_inflight_bytes)
      : max_inflight_messages_(max_inflight_messages), max_inflight_bytes_(max_inflight_bytes) {}

  const Configuration& config() const { return members_.config; }
  ProgressMap& progress() { return members_.progress; }
  const ProgressMap& progress() const { return members_.progress; }
  const Membership& members() const { return members_; }
  void SetMembers(Membership members) { members_ = std::move(members); }

  // Null if `id` is no member.
  Progress* Find(NodeId id);
  const Progress* Find(NodeId id) const;
  // A progress with this tracker's limits that has sent nothing.
  Progress NewProgress() const;

  bool IsSingleton() const;
  // The index that the voters have agreed on.
  LogIndex Committed() const;
  // True if a quorum of the voters was heard of recently.
  bool QuorumActive() const;

  void ResetVotes() { votes_.clear(); }
  // The first vote of a node counts.
  void RecordVote(NodeId id, bool granted) { votes_.emplace(id, granted); }
  VoteResult TallyVotes() const { return CountVotes(config().voters, votes_); }

 private:
  size_t max_inflight_messages_;
  uint64_t max_inflight_bytes_;
  Membership members_;
  Votes votes_;
};

}  // namespace nokv::raft
