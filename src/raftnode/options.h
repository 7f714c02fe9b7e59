// NodeOptions and GroupOptions: what the driver of raft groups is told at the start.
//
// Thread safety: values; what they point to is borrowed and outlives the driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/log.h"
#include "metrics/registry.h"
#include "raft/config.h"
#include "raftnode/observer.h"
#include "raftnode/sender.h"
#include "raftnode/state_machine.h"

namespace nokv::raftnode {

struct NodeOptions {
  uint64_t tick_us = 100'000;
  // Random, so that no other process of these members has the same.
  uint64_t seed = 0;
  // What waits to be looked at by the next pass. Messages beyond it are dropped, as by a network;
  // proposals and reads are refused as kBusy.
  size_t max_queued_messages = 64 << 10;
  uint64_t max_queued_message_bytes = 256 << 20;
  size_t max_queued_requests = 64 << 10;
  uint64_t max_queued_request_bytes = 64 << 20;
  base::Logger* logger = &base::NullLogger();
  metrics::Registry* registry = nullptr;  // null: nothing is counted
  Observer* observer = nullptr;           // for simulation
  // Threads that bring messages, proposals and reads may be kept for a pass, and for the sync of an
  // entry, while little is under way: it would take as long to wake another one. They hold no locks
  // then; what else they would bring waits meanwhile.
  bool callers_may_wait = false;
  // A message for a group that is not here, which may have to be made: see AddGroup. Called by the
  // pass; empty: such messages are dropped.
  std::function<void(const Envelope&)> unknown_group = {};
};

struct GroupOptions {
  raftlog::GroupId group = 0;
  raft::NodeId id = raft::kNoNode;
  StateMachine* machine = nullptr;
  // But for id, storage, applied, logger, lazy commits, and what the driver decides: asynchronous
  // storage writes, no forwarding of proposals.
  raft::Config raft = {};
  // What the state machine has applied, durably, and the configuration then.
  raft::LogIndex applied = 0;
  raft::ConfState conf_state = {};
  // If nothing of the group is in the log, it begins with this snapshot; null: it waits for one of
  // its leader's.
  std::shared_ptr<const raft::Snapshot> founding = {};

  // A snapshot is asked for when so much was applied since the last one; the log then keeps so many
  // entries before it for members that are a little behind.
  uint64_t snapshot_entries = 10'000;
  uint64_t snapshot_bytes = 64 << 20;
  uint64_t kept_entries = 1'000;
  // Followers are told of each commit in a message of its own, instead of with the next one: their
  // state machines are a little less behind.
  bool tells_commits = false;
  // Proposals that wait for their entry, and reads that wait; more are refused as kBusy.
  size_t max_waiting = 16 << 10;
};

}  // namespace nokv::raftnode
