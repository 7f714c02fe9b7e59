// Member: one process of a replicated log of registers: the driver of raft groups (src/raftnode/)
// over a raft log on a simulated disk, a register machine with its checkpoints, and the requests of
// clients.
//
// It is run by the doors of its machine: syncs are tasks on Lane::kLog, so that entries are durable
// only some time after they were appended; checkpoints are files that are written on Lane::kFlush.
// The first error of the disk ends it: the host has to stop the process.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nokv/status.h"
#include "raftlog/raft_log.h"
#include "raftnode/node.h"
#include "sim/raft/invariants.h"
#include "sim/replog/register_machine.h"
#include "sim/workload/request.h"
#include "sim/world/machine.h"
#include "transport/transport.h"

namespace nokv::sim {

struct MemberOptions {
  raft::Config raft;  // but for id, storage, applied and seed
  raftlog::RaftLogOptions log;
  uint64_t tick_us = 20'000;
  uint64_t checkpoint_entries = 100;  // applied between two checkpoints
  uint64_t kept_entries = 20;         // in the log behind a checkpoint
  bool tells_commits = false;         // to followers, at once
  bool apply_later = false;           // as a task of its own, so that other things go on meanwhile
};

// What surrounds a member.
class MemberHost {
 public:
  virtual ~MemberHost() = default;
  virtual RaftInvariants& invariants() = 0;
  // The way of `id`, which runs on `machine`, to the others; `receiver` is told what comes from
  // them until it is destroyed.
  virtual std::unique_ptr<raftnode::Sender> Join(raft::NodeId id, Machine& machine,
                                                 transport::Receiver& receiver) = 0;
  // It goes that way now.
  virtual void Sending(const raft::Message& message) = 0;
  // The process has to end: an error of its disk.
  virtual void Failed(raft::NodeId id, const Status& status) = 0;
  // Something that must not happen did.
  virtual void Violated(raft::NodeId id, const Status& status) = 0;
  // The machine of `id` is as it is after this many entries.
  virtual void Applied(raft::NodeId id, const RegisterMachine& machine) = 0;
  virtual void Led(raft::NodeId id, raft::Term term) = 0;
  virtual std::optional<uint64_t> AddressOf(raft::NodeId id) = 0;
  virtual void Note(std::string_view what, std::initializer_list<uint64_t> numbers) = 0;
};

class Member : private raftnode::StateMachine,
               raftnode::Sender,
               raftnode::Observer,
               transport::Receiver {
 public:
  static constexpr char kFolder[] = "/raft";  // all files of a member

  // Opens what is on the disk of `machine`, which runs. A group of `founders` begins there if
  // nothing is and this is one of them. All are borrowed.
  static Result<std::unique_ptr<Member>> Start(MemberHost& host, Machine& machine, raft::NodeId id,
                                               const MemberOptions& options,
                                               const raft::ConfState& founders, uint64_t seed);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  raft::NodeId id() const { return id_; }
  // From a client, or who operates the group.
  void Arrive(const Request& request, const SendReply& reply);
  void Change(const raft::ConfChange& change);
  void Transfer(raft::NodeId to);

  raft::BasicStatus status() const;
  // Calls `done` soon, with the progress of its followers, of a leader.
  void Inspect(std::function<void(const raft::FullStatus&)> done);
  const RegisterMachine& machine_state() const { return state_; }
  // The newest state of the machine that is on disk: this member will never go by an older one.
  const RegisterMachine& durable_state() const { return durable_; }

 private:
  Member(MemberHost& host, Machine& machine, raft::NodeId id, const MemberOptions& options);

  Status Open(const raft::ConfState& founders, uint64_t seed);
  Status LoadMachine();
  // Ends the member if `status` is not OK; true if it goes on.
  bool Check(const Status& status);
  void Refuse(const SendReply& reply, raft::NodeId leader) const;

  // StateMachine: member_machine.cc
  void Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) override;
  bool Admits(const raft::ConfChange& change) override;
  void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                       raftnode::Done done) override;
  void Install(const std::shared_ptr<const raft::Snapshot>& snapshot, raftnode::Done done) override;
  void TakeSnapshot(raftnode::SnapshotDone done) override;
  void RoleChanged(const raft::SoftState& state, raft::Term term) override;
  void Stopped(const Status& reason) override;
  // Now, or as a task of its own.
  void Operate(std::function<Status()> operation, raftnode::Done done);
  Status ApplyNow(const std::vector<raftnode::Committed>& entries);
  Status InstallNow(const raft::Snapshot& snapshot);
  Status NoteApplied(const raft::Entry& entry);
  Status WriteCheckpoint(const RegisterMachine& state);

  // Sender.
  void Send(std::vector<raftnode::Envelope> messages) override;

  // transport::Receiver.
  void Receive(transport::NodeId from, transport::Batch messages) override;
  void ReportUnreachable(transport::GroupId group, raft::NodeId to) override;
  void ReportSnapshot(transport::GroupId group, raft::NodeId to, bool arrived) override;

  // Observer.
  void Opening(raftlog::GroupId group, raft::NodeId id, const raft::Storage& storage,
               raft::LogIndex applied, const raft::ConfState& conf_state) override;
  Status Stepped(raftlog::GroupId group, const raft::RawNode& node) override;
  Status Refused(raftlog::GroupId group, const Status& why) override;
  Status Took(raftlog::GroupId group, const raft::RawNode& node, const raft::Ready& ready) override;
  Status Stored(raftlog::GroupId group, raft::NodeId id, const raft::HardState& state) override;

  MemberHost& host_;
  Machine& machine_;
  const raft::NodeId id_;
  const MemberOptions options_;
  std::unique_ptr<raftlog::RaftLog> log_;
  RegisterMachine state_;
  RegisterMachine durable_;
  bool ended_ = false;
  std::unique_ptr<raftnode::Node> node_;
  // Ends first: what it reports goes to the node.
  std::unique_ptr<raftnode::Sender> wires_;
};

}  // namespace nokv::sim
