// Observer: sees every step of the groups that a driver runs. Simulation checks by it what must
// always hold; nothing else has one.
//
// An error stops the group. Thread safety: called by the driver's pass.
#pragma once

#include "nokv/status.h"
#include "raft/raw_node.h"
#include "raftlog/format.h"

namespace nokv::raftnode {

class Observer {
 public:
  virtual ~Observer() = default;
  // A member begins, with what `storage` holds and what is applied, or about to be installed.
  virtual void Opening(raftlog::GroupId group, raft::NodeId id, const raft::Storage& storage,
                       raft::LogIndex applied, const raft::ConfState& conf_state) = 0;
  // After every call into the member.
  virtual Status Stepped(raftlog::GroupId group, const raft::RawNode& node) = 0;
  // The member did not take a message, because it cannot be right.
  virtual Status Refused(raftlog::GroupId group, const Status& why) = 0;
  // A Ready was taken, before anything is done with it.
  virtual Status Took(raftlog::GroupId group, const raft::RawNode& node,
                      const raft::Ready& ready) = 0;
  // The hard state of member `id` became durable.
  virtual Status Stored(raftlog::GroupId group, raft::NodeId id, const raft::HardState& state) = 0;
};

}  // namespace nokv::raftnode
