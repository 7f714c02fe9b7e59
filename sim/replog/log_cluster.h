// LogCluster: the machines of a replicated log, the members on them, and what holds over all of
// them: the raft invariants, and that members that applied the same entries are in the same state.
//
// A machine hosts one member at a time, or is spare. The id of a member is never used again: when
// it has left the group, its disk is wiped, and the machine may host another.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/nemesis/cluster.h"
#include "sim/replog/log_network.h"
#include "sim/replog/member.h"
#include "sim/workload/request.h"

namespace nokv::sim {

class LogCluster : public Cluster, public RequestTarget, public MemberHost {
 public:
  // `founders` machines with a member each, and `spares` without. `streams` as LogNetwork.
  LogCluster(World& world, Network& network, size_t founders, size_t spares,
             const MemberOptions& options, const std::optional<StreamOptions>& streams);
  ~LogCluster() override;

  void Begin();

  // Cluster.
  World& world() override { return world_; }
  Network& network() override { return network_; }
  size_t machines() const override { return slots_.size(); }
  Machine& machine(size_t number) override { return *slots_[number].machine; }
  std::optional<size_t> leader() override;
  void Stop(size_t number, End end, Machine::Loss loss) override;
  void Restart(size_t number) override;
  // Once in a run: a group of three can lose no more than one member.
  bool Rot(size_t number, uint64_t luck) override;

  // RequestTarget.
  std::vector<uint64_t> Addresses() override;
  void Arrive(uint64_t address, const Request& request, SendReply reply) override;

  // MemberHost.
  RaftInvariants& invariants() override { return invariants_; }
  std::unique_ptr<raftnode::Sender> Join(raft::NodeId id, Machine& machine,
                                         transport::Receiver& receiver) override;
  void Sending(const raft::Message& message) override;
  void Failed(raft::NodeId id, const Status& status) override;
  void Violated(raft::NodeId id, const Status& status) override;
  void Applied(raft::NodeId id, const RegisterMachine& machine) override;
  void Led(raft::NodeId id, raft::Term term) override;
  std::optional<uint64_t> AddressOf(raft::NodeId id) override;
  void Note(std::string_view what, std::initializer_list<uint64_t> numbers) override {
    world_.Note(what, numbers);
  }

  // For who operates the group. The member of a machine, or null if none runs there.
  Member* member(size_t number) { return slots_[number].member.get(); }
  // The id of the member that a machine hosts; kNoNode: it is spare.
  raft::NodeId hosted(size_t number) const { return slots_[number].id; }
  // The member whose disk was damaged and said so; it never runs again, and should be replaced.
  // kNoNode: none.
  raft::NodeId lost() const { return lost_; }
  // Starts a member with a new id, which knows nothing, on a spare machine.
  raft::NodeId Host(size_t number);
  // The member has left the group: ends it and wipes the disk.
  void Wipe(size_t number);

  // Everything is mended: starts what does not run, now and when a process ends later.
  void RestartAll() override;

  uint64_t leaders() const { return leaders_.size(); }
  uint64_t failures() const { return failures_; }    // processes that ended by an error of the disk
  uint64_t snapshots() const { return snapshots_; }  // sent
  LogNetwork& wires() { return wires_; }
  const std::vector<std::string>& violations() const { return violations_; }
  // Members of the newest configuration that are not lost have not all applied the same; empty:
  // they have.
  std::string Divergence();

 private:
  struct Slot {
    std::unique_ptr<Machine> machine;
    raft::NodeId id = raft::kNoNode;
    std::unique_ptr<Member> member;
  };

  Slot* SlotOf(raft::NodeId id);
  void Start(Slot* slot);
  void StartSoon(size_t number);
  // True if `status` is what the damage of its disk does to the member.
  bool NoteLoss(raft::NodeId id, const Status& status);

  World& world_;
  Network& network_;
  base::Random random_;
  const MemberOptions options_;
  raft::ConfState founders_;
  RaftInvariants invariants_;
  LogNetwork wires_;
  std::vector<Slot> slots_;
  std::map<raft::NodeId, size_t> hosts_;
  raft::NodeId next_id_ = 1;
  raft::NodeId rotten_ = raft::kNoNode;  // whose disk has a flipped bit, seen or not
  raft::NodeId lost_ = raft::kNoNode;
  std::map<raft::LogIndex, uint64_t> digests_;
  std::set<raft::Term> leaders_;
  uint64_t failures_ = 0;
  uint64_t snapshots_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace nokv::sim
