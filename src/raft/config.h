// Config: how one member of a group behaves, and Validate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "nokv/status.h"
#include "raft/storage.h"
#include "raft/types.h"

namespace nokv::raft {

enum class ReadMode : uint8_t {
  kSafe,  // a quorum confirms the leader before each read
  // The leader answers by its lease while it has one, see raft/lease.h: cheaper, and wrong if the
  // rates of two clocks differ by more than a third.
  kLeaseBased,
};

struct Config {
  NodeId id = kNoNode;
  // A follower that hears nothing for 1 to 2 times as many ticks starts an election.
  int election_ticks = 10;
  int heartbeat_ticks = 1;
  // Where what was asked to be written is read back; borrowed.
  Storage* storage = nullptr;
  // The last index applied before this start: nothing up to it is handed out again.
  LogIndex applied = 0;
  // Writes go as messages to kAppendThread and kApplyThread instead of in a Ready: see RawNode.
  bool async_storage_writes = false;

  // An append message holds at most so many bytes of entries, but at least one entry.
  uint64_t max_message_bytes = 1 << 20;
  // Bytes of committed entries that are being applied at a time; 0: as max_message_bytes.
  uint64_t max_committed_bytes_per_ready = 0;
  // Payload bytes in the leader's log that are not committed; more is refused.
  uint64_t max_uncommitted_bytes = kNoLimit;
  // Append messages, and their bytes, on the way to one follower.
  size_t max_inflight_messages = 256;
  uint64_t max_inflight_bytes = kNoLimit;
  // Reads that wait for a quorum; more are refused.
  size_t max_pending_reads = 16384;

  // The leader steps down if it hears of no quorum for an election timeout; followers refuse votes
  // while they hear of a leader.
  bool check_quorum = false;
  // Ask whether an election could be won before starting it, so that a node that was cut off does
  // not depose a working leader.
  bool pre_vote = false;
  ReadMode read_mode = ReadMode::kSafe;
  bool disable_proposal_forwarding = false;
  // Followers learn what is committed from the next append or heartbeat, and not from a message of
  // its own: half the messages where little is proposed at a time, and no later for who asked.
  bool lazy_commit = false;
  // Configuration changes are not compared with the active configuration when they are proposed.
  // For callers who order and check them themselves.
  bool disable_conf_change_validation = false;
  // A leader that is removed or made a learner stops leading. Otherwise whoever removes a leader
  // has to stop it: its heartbeats keep the others from electing one that takes proposals.
  bool step_down_on_removal = false;

  // Elections and leases as in etcd's raft, for its scripts; docs/raft.md says why ours differ.
  bool elect_as_etcd = false;

  // Decides the spread of election timeouts.
  uint64_t seed = 0;
  base::Logger* logger = &base::NullLogger();  // borrowed
};

// kInvalidArgument with the field that is wrong.
Status Validate(const Config& config);

}  // namespace nokv::raft
