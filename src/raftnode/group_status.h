// GroupStatus: what a member of a raft group is doing, what it waits for, and since when.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"
#include "raft/raw_node.h"
#include "raftlog/format.h"

namespace nokv::raftnode {

// What would let a group go on.
enum class WaitFor : uint8_t {
  kLeader,    // nobody leads, as far as it is known here: an election
  kQuorum,    // of a leader: entries that enough members have not stored yet
  kSync,      // the disk: what was appended here is not durable yet
  kApply,     // the state machine: committed entries
  kInstall,   // the state machine: a snapshot
  kSnapshot,  // the state machine: a snapshot that it was asked for
};

// "a leader", "a quorum", and so on.
std::string_view ToString(WaitFor what);

struct Wait {
  WaitFor what = WaitFor::kLeader;
  uint64_t since_us = 0;  // of the monotonic clock
};

struct GroupStatus {
  raftlog::GroupId group = 0;
  raft::BasicStatus raft;
  raft::LogIndex applied = 0;  // by the state machine
  std::vector<Wait> waits;     // the oldest first
  uint64_t proposals = 0;      // that wait for their entry
  uint64_t reads = 0;          // that wait for a quorum or for their index
  Status failure;              // why it stopped; OK: it runs
};

// One line: "group 7: member 2 leads term 5, committed 17, applied 16; waits for the state machine
// to apply since 3 ms".
std::string ToString(const GroupStatus& status, uint64_t now_us);

}  // namespace nokv::raftnode
