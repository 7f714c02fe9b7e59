// ReadQueue: linearizable reads that wait for a quorum to confirm that this node still leads.
//
// Reads are numbered in the order of their arrival. Heartbeats carry the number of the newest one;
// an answer to that heartbeat confirms all reads up to the number, so one round serves them all and
// a lost round is made up by the next.
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "raft/quorum/quorum.h"
#include "raft/types.h"

namespace nokv::raft {

class ReadQueue {
 public:
  struct Read {
    Message request;
    LogIndex index = 0;  // what was committed when it came
  };

  size_t size() const { return reads_.size(); }
  void Add(LogIndex committed, Message request);
  // What a heartbeat must carry; empty if no read waits.
  std::string HeartbeatContext() const;
  // `from` answered a heartbeat that carried `context`.
  void Acknowledge(NodeId from, std::string_view context);
  // `from`, the leader itself, confirms everything that waits.
  void AcknowledgeAll(NodeId from) { acks_[from] = newest(); }
  // Takes the reads that a quorum of `voters` has confirmed, in order.
  std::vector<Read> TakeConfirmed(const JointVoters& voters);

 private:
  uint64_t newest() const { return confirmed_ + reads_.size(); }

  std::deque<Read> reads_;
  uint64_t confirmed_ = 0;           // reads that were taken
  std::map<NodeId, uint64_t> acks_;  // the number of the newest read a node confirmed
};

}  // namespace nokv::raft
