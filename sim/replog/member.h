// Member: one process of a replicated log of registers: a raft node over a raft log on a simulated
// disk, a register machine with its checkpoints, and the requests of clients that wait.
//
// It keeps the obligations that raft/raw_node.h lists, and is run by the doors of its machine:
// syncs are tasks on Lane::kLog, so that entries are durable only some time after they were
// appended; checkpoints are files that are written on Lane::kFlush. The first error of the disk
// ends it: the host has to stop the process.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nokv/status.h"
#include "raft/raw_node.h"
#include "raftlog/raft_log.h"
#include "sim/raft/invariants.h"
#include "sim/replog/register_machine.h"
#include "sim/workload/request.h"
#include "sim/world/machine.h"

namespace nokv::sim {

struct MemberOptions {
  raft::Config raft;  // but for id, storage, applied and seed
  raftlog::RaftLogOptions log;
  uint64_t tick_us = 20'000;
  uint64_t checkpoint_entries = 100;  // applied between two checkpoints
  uint64_t kept_entries = 20;         // in the log behind a checkpoint
  bool send_while_syncing = true;     // what a leader appends
};

// What surrounds a member.
class MemberHost {
 public:
  virtual ~MemberHost() = default;
  virtual RaftInvariants& invariants() = 0;
  // To another member. False if it certainly will not arrive.
  virtual bool Send(raft::Message message) = 0;
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

class Member {
 public:
  // Opens what is on the disk of `machine`, which runs. A group of `founders` begins there if
  // nothing is and this is one of them. All are borrowed.
  static Result<std::unique_ptr<Member>> Start(MemberHost& host, Machine& machine, raft::NodeId id,
                                               const MemberOptions& options,
                                               const raft::ConfState& founders, uint64_t seed);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  raft::NodeId id() const { return id_; }
  // From another member, a client, or who operates the group.
  void Receive(raft::Message message);
  void Arrive(const Request& request, const SendReply& reply);
  void Change(const raft::ConfChange& change);
  void Transfer(raft::NodeId to);

  raft::BasicStatus status() const { return node_->GetBasicStatus(); }
  // With the progress of its followers, of a leader.
  raft::FullStatus full_status() const { return node_->GetStatus(); }
  const RegisterMachine& machine_state() const { return state_; }
  // The newest state of the machine that is on disk: this member will never go by an older one.
  const RegisterMachine& durable_state() const { return durable_; }

 private:
  struct Read {
    uint64_t key = 0;
    raft::LogIndex committed = 0;  // by anybody, when it was asked for
    SendReply reply;
  };
  struct Waiting {
    wal::LogPosition end;
    std::function<void()> done;
  };

  Member(MemberHost& host, Machine& machine, raft::NodeId id, const MemberOptions& options);

  // member_disk.cc
  Status Open(const raft::ConfState& founders, uint64_t seed);
  Status Found(const raft::ConfState& founders);
  Status LoadMachine();
  // Appends, and calls `done`, if there is one, when it is durable.
  void Store(const raft::HardState& state, const std::vector<raft::Entry>& entries,
             const std::shared_ptr<const raft::Snapshot>& snapshot, std::function<void()> done);
  void WhenSynced(wal::LogPosition end, std::function<void()> done);
  void PostSync();
  void Sync();
  void MaybeCheckpoint(bool now);
  void WriteCheckpoint(const RegisterMachine& state);

  void StartTicks();
  // All ticks that are due: a process that was paused must not go by an old view of time.
  void CatchUp();
  void Pump();
  void HandleSync(raft::Ready ready);
  void HandleAsync(raft::Ready ready);
  void FinishSync();
  void Install(const raft::Snapshot& snapshot);
  void Apply(const std::vector<raft::Entry>& entries);
  bool ApplyConf(const raft::Entry& entry);
  void ApplyRequest(const raft::Entry& entry);
  void Respond(std::vector<raft::Message> responses);
  void Send(raft::Message message);
  void StepSelf(raft::Message message);
  void NoteReads(const std::vector<raft::ReadState>& reads);
  void ServeReads();
  void Refuse(const SendReply& reply) const;
  // Ends the member if `status` is not OK; true if it goes on.
  bool Check(const Status& status);

  MemberHost& host_;
  Machine& machine_;
  const raft::NodeId id_;
  MemberOptions options_;
  std::unique_ptr<raftlog::RaftLog> log_;
  raftlog::GroupStorage* storage_ = nullptr;
  RegisterMachine state_;
  std::unique_ptr<raft::RawNode> node_;
  bool ended_ = false;
  uint64_t next_tick_us_ = 0;

  // Disk.
  raft::HardState appended_state_;  // the last one that was appended
  wal::LogPosition installed_end_;  // of the last snapshot that was
  std::deque<Waiting> waiting_;
  bool sync_posted_ = false;
  bool checkpointing_ = false;
  bool checkpoint_conf_ = false;  // a configuration waits for one
  RegisterMachine durable_;

  // The Ready that is being stored; without asynchronous writes.
  std::optional<raft::Ready> storing_;
  bool overtaken_ = false;  // nothing is applied before a snapshot is installed

  std::map<std::pair<uint64_t, uint64_t>, SendReply> proposals_;  // by client and number
  std::map<std::string, Read> reads_;                             // that wait for their index
  std::multimap<raft::LogIndex, Read> confirmed_;                 // that wait for it to be applied
  uint64_t next_read_ = 0;
  uint64_t boot_ = 0;  // tells reads of this process from those before it
};

}  // namespace nokv::sim
