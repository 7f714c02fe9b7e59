// RandomGroup: a raft group in one process under a random network, random crashes and changes of
// its members, checked by RaftInvariants after every step.
//
// The network drops, repeats, reorders and partitions. A crash loses what was not synced: hard
// states without must_sync, writes that an append thread had not done, applied state that was not
// saved. One seed decides everything.
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "nokv/status.h"
#include "raft/memory_storage.h"
#include "raft/raw_node.h"
#include "sim/raft/invariants.h"

namespace nokv::sim {

struct RandomGroupReport {
  uint64_t trace_hash = 0;  // of everything that was sent and applied
  raft::LogIndex committed = 0;
  uint64_t leaders = 0;  // elections that were won
  uint64_t crashes = 0;
  uint64_t conf_changes = 0;  // applied, counted once
  uint64_t snapshots = 0;     // installed
  uint64_t reads = 0;         // confirmed by a quorum
};

class RandomGroup {
 public:
  explicit RandomGroup(uint64_t seed);

  // `steps` random steps; then everything heals and the group must commit once more. The status
  // names the invariant that broke, and the seed.
  Result<RandomGroupReport> Run(int steps);

 private:
  // What a state machine remembers: a hash over all it applied, in order.
  struct Machine {
    raft::LogIndex applied = 0;
    raft::Term term = 0;
    uint64_t hash = 0;
    raft::ConfState conf_state;
  };
  // Gives out the saved machine as its snapshot.
  class Disk : public raft::MemoryStorage {
   public:
    Result<Saved> Load() const override;
    Result<std::shared_ptr<const raft::Snapshot>> LatestSnapshot() const override;
    Machine machine;
    raft::HardState hard_state;
  };
  struct Process {
    raft::Config config;
    std::unique_ptr<Disk> disk;    // as the process sees it
    std::unique_ptr<Disk> synced;  // as a crash leaves it
    Machine machine;
    std::unique_ptr<raft::RawNode> node;  // null: crashed
    std::deque<raft::Message> appends;
    std::deque<raft::Message> applies;
    bool overtaken = false;  // nothing is applied before a snapshot is installed
  };

  Status Start(Process* process);
  void Crash(Process* process);
  Status RandomStep();
  Status RandomFault();
  Status RandomProposal(Process* process);
  Status Deliver(size_t at, bool keep);
  Status Step(Process* process, raft::Message message);
  Status HandleReady(Process* process);
  Status Store(Process* process, const raft::HardState& state,
               const std::vector<raft::Entry>& entries,
               const std::shared_ptr<const raft::Snapshot>& snapshot, bool sync);
  Status Apply(Process* process, const std::vector<raft::Entry>& entries);
  Status RunAppend(Process* process);
  Status RunApply(Process* process);
  Status Send(Process* from, raft::Message message);
  Status CheckReads(const raft::Ready& ready);
  void Compact(Process* process);
  Status Heal();
  Status Settle(Process* process);
  Process* RandomLive();
  raft::NodeId Leader() const;
  void Trace(uint64_t value);

  const uint64_t seed_;
  base::Random random_;
  std::vector<Process> processes_;
  std::vector<raft::Message> network_;
  std::set<std::pair<raft::NodeId, raft::NodeId>> cut_;  // from, to
  std::map<std::string, raft::LogIndex> reads_;  // what was committed when a read was asked for
  uint64_t next_value_ = 0;
  std::set<raft::LogIndex> changes_;
  std::map<raft::Term, raft::NodeId> leaders_;
  RaftInvariants invariants_;
  RandomGroupReport report_;
};

}  // namespace nokv::sim
