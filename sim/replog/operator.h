// Operator: changes the members of a replicated log while everything else goes on: learners join on
// spare machines, are promoted, take the place of others through a joint configuration, leave; and
// the leadership is handed over.
//
// It goes by configurations that a leader has made durable, never by an older one than it has seen,
// and wipes a machine only when its member has left for good: when all voters that stay know it.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <set>

#include "sim/replog/log_cluster.h"

namespace nokv::sim {

struct OperatorOptions {
  uint64_t pause_us = 350'000;  // between two actions, at most
  size_t voters = 3;            // about as many as there should be
  size_t least_voters = 2;      // never fewer
};

class Operator {
 public:
  Operator(LogCluster& cluster, const OperatorOptions& options);

  // Changes are begun until `end_us`; those begun are ended, and members that left wiped, until
  // `stop_us`.
  void Run(uint64_t end_us, uint64_t stop_us);

  uint64_t changes() const { return changes_; }      // configurations seen
  uint64_t transfers() const { return transfers_; }  // asked for

 private:
  void Act();
  // Half of the time the old leader does not hear of the new one for a while: it must not answer
  // by its lease then.
  void Transfer(size_t leader);
  void Observe(const RegisterMachine& state);
  // True if all voters of the newest configuration have applied it. Until then they elect by the
  // one before, which may need a member that has left.
  bool VotersKnow();
  void Propose(Member* leader, raft::ConfChange change);
  void Change(Member* leader);
  bool AddLearner(Member* leader);
  raft::ConfChange MakeChange();
  raft::NodeId RandomVoter();
  // Who should leave: a lost member before all others.
  raft::NodeId LeavingVoter();
  raft::Transition RandomTransition();

  LogCluster& cluster_;
  const OperatorOptions options_;
  base::Random random_;
  uint64_t end_us_ = 0;
  uint64_t stop_us_ = 0;
  raft::LogIndex seen_index_ = 0;  // what the one who said so had applied
  raft::LogIndex conf_index_ = 0;
  raft::ConfState seen_;
  std::set<raft::NodeId> ever_;  // in any configuration that was seen
  uint64_t changes_ = 0;
  uint64_t transfers_ = 0;
};

}  // namespace nokv::sim
