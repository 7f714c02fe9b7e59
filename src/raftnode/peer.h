// Peer: the member of one raft group in this process: its raft node, what it has stored and not yet
// promised, what its state machine has to do, and who waits for that.
//
// It keeps the obligations that raft/raw_node.h lists for asynchronous storage writes. The driver
// (node.h) calls it in passes, and does for all of them what is done together: append, sync, send.
//
// Invariants:
//   - `storing_` holds, in order, the appends with promises that are not kept yet: those whose
//     record is durable and whose snapshot is installed come first, and are let go in order.
//   - At most one operation of the state machine is under way, but for a snapshot being taken.
//   - A proposal waits under the (index, term) of its entry, and for nothing else.
//
// Thread safety: owned by the driver's pass.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/raw_node.h"
#include "raftlog/raft_log.h"
#include "raftnode/group_status.h"
#include "raftnode/node_metrics.h"
#include "raftnode/options.h"
#include "raftnode/sender.h"

namespace nokv::raftnode {

class Peer;

// What a peer has for the log: a message to its append thread, or what the driver writes itself.
struct PeerWrite {
  Peer* peer = nullptr;
  raft::Message message = {};
  // Otherwise it tells nothing that a promise depends on, and what it promises is kept as soon as
  // what was appended before it is durable.
  bool must_sync = false;
  std::shared_ptr<const raft::Snapshot> taken = {};  // with the index up to which the log is cut
  raft::LogIndex compact_to = 0;
  bool remove = false;

  bool promises() const {
    return !message.responses.empty() || message.snapshot != nullptr || remove;
  }
};

// What one pass collects from the groups.
struct Collected {
  std::vector<PeerWrite> writes;
  std::vector<Envelope> messages;
  raft::Ready ready;  // of the last group, for its memory
};

// What a peer sees of the driver around it.
class PeerHost {
 public:
  virtual ~PeerHost() = default;
  virtual raftlog::RaftLog& log() = 0;
  virtual const NodeOptions& options() const = 0;
  virtual NodeMetrics& metrics() = 0;
  // As of the beginning of the pass.
  virtual uint64_t now_us() = 0;
  // A number that no other process of this member has.
  virtual uint64_t NextNumber() = 0;
  // True in the thread that runs the pass.
  virtual bool InPass() const = 0;
  // Runs `task` in the pass, soon; from any thread.
  virtual void Call(std::function<void()> task) = 0;
  // The peer has something to collect.
  virtual void Touch(Peer* peer) = 0;
};

class Peer {
 public:
  struct Proposal {
    raft::Payload data;
    OutcomeDone done;
  };

  Peer(PeerHost& host, GroupOptions options) : host_(host), options_(std::move(options)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Takes up what the log holds of the group, or founds it there.
  Status Open();

  GroupId group() const { return options_.group; }
  raft::NodeId id() const { return options_.id; }
  const Status& failure() const { return failure_; }
  // Puts it where an older one may be.
  void GetStatus(GroupStatus* status) const;
  raft::FullStatus GetFullStatus() const { return node_->GetStatus(); }
  // No operation of the state machine is under way.
  bool idle() const { return !operating_ && !taking_snapshot_; }
  bool removed() const { return removed_ != nullptr; }

  // Of the driver: it is in the list of those that have something to collect, and of those whose
  // status is to be published; and where that is.
  bool touched = false;
  bool publishing = false;
  GroupStatus* published = nullptr;

  void Tick();
  void Step(raft::Message&& message);
  void Propose(Proposal proposal);
  void ProposeConfChange(const raft::ConfChange& change, OutcomeDone done);
  void Read(OutcomeDone done);
  void Campaign();
  void TransferLeader(raft::NodeId to);
  void ReportUnreachable(raft::NodeId to);
  void ReportSnapshot(raft::NodeId to, bool arrived);

  // Hands out what is to be stored and sent.
  void Collect(Collected* collected);
  // A write of it was appended, which has promises, or is durable; in the order of Collect.
  void Appended(PeerWrite&& write);
  void Stored();
  // Gives the state machine what it can do next, and answers reads.
  void Operate();

  // Stops the group for good.
  void Fail(const Status& status);
  // Stops the group and has it forgotten; `done` is called when that is durable.
  void Remove(Done done);
  // It was.
  void FinishRemoval() { removed_(Status::Ok()); }

 private:
  // What the state machine is to do.
  struct Operation {
    std::vector<raft::Entry> entries = {};
    size_t begun = 0;  // so many of them
    std::vector<raft::Message> responses = {};
    std::shared_ptr<const raft::Snapshot> install = {};
    bool promised = false;  // the snapshot is the first of `storing_`
  };
  struct Storing {
    raft::HardState hard_state;
    std::shared_ptr<const raft::Snapshot> snapshot;
    std::vector<raft::Message> responses;
    bool durable = false;
    bool installing = false;
  };
  struct PendingProposal {
    OutcomeDone done;
    bool is_change = false;
  };
  struct PendingRead {
    std::vector<OutcomeDone> waiting;
    uint64_t ticks = 0;
  };

  // Stops the group if `status` is not OK; true if it goes on.
  bool Check(const Status& status);
  // After a call into the node.
  bool Stepped();
  Outcome Refused(Refusal why) const;
  void Refuse(const OutcomeDone& done, Refusal why);
  Refusal RefusalOf(const Status& status) const;
  bool IsFull() const { return proposals_.size() + reads_waiting_ >= options_.max_waiting; }

  void CollectReady(Collected* collected);
  // Since when there is something to be committed.
  void NoteCommitted();
  void TakeHardState(raft::Message* write) const;
  void ProposeQueued();
  void ProposeOneByOne(std::vector<Proposal> batch);
  void NoteProposed(OutcomeDone done, bool is_change, uint64_t before_last);
  void AskQueuedReads();
  void NoteReads(const std::vector<raft::ReadState>& reads);
  void ExpireReads();
  void ServeReads();
  void NoteRole(const raft::SoftState& state);

  // peer_machine.cc
  void KeepPromises();
  void Respond(std::vector<raft::Message> responses);
  bool BeginOperation();
  void BeginInstall(Operation* operation);
  bool BeginConfChange(const raft::Entry& entry);
  void BeginApply(Operation* operation);
  // Takes those that wait for `entry`, or for another one in its place.
  OutcomeDone TakeProposal(const raft::Entry& entry);
  void LoseProposals(raft::LogIndex up_to);
  Done EndsOperation(raft::LogIndex index);
  void OperationEnded(raft::LogIndex index, const Status& status);
  void MaybeTakeSnapshot();
  void SnapshotTaken(const Result<std::shared_ptr<const raft::Snapshot>>& snapshot);

  PeerHost& host_;
  const GroupOptions options_;
  raftlog::GroupStorage* storage_ = nullptr;
  std::unique_ptr<raft::RawNode> node_;
  Status failure_;
  Done removed_;
  bool removal_collected_ = false;

  // Requests that came since the last Collect.
  std::vector<Proposal> queued_proposals_;
  std::vector<OutcomeDone> queued_reads_;
  std::vector<Envelope> outbox_;

  std::deque<Storing> storing_;
  size_t appended_ = 0;  // of `storing_`, those that are not durable, which are the last ones
  std::vector<PeerWrite> writes_;
  bool commit_is_unwritten_ = false;  // in the log is an older one

  // The state machine.
  std::deque<Operation> operations_;
  raft::LogIndex applied_ = 0;
  bool operating_ = false;
  bool installing_ = false;
  bool overtaken_ = false;  // nothing is applied before a snapshot is installed
  uint64_t operating_since_us_ = 0;
  bool taking_snapshot_ = false;
  bool snapshot_wanted_ = false;  // whatever was applied
  uint64_t taking_since_us_ = 0;
  uint64_t applied_entries_ = 0;  // since the last snapshot, and their bytes
  uint64_t applied_bytes_ = 0;

  // Who waits.
  std::map<std::pair<raft::LogIndex, raft::Term>, PendingProposal> proposals_;
  std::map<std::string, PendingRead> reads_;                 // for a quorum
  std::multimap<raft::LogIndex, OutcomeDone> served_later_;  // for their index
  size_t reads_waiting_ = 0;

  // Since when: 0 if it does not wait.
  uint64_t no_leader_since_us_ = 0;
  uint64_t uncommitted_since_us_ = 0;
  raft::LogIndex committed_ = 0;
  uint64_t unsynced_since_us_ = 0;
};

}  // namespace nokv::raftnode
