// Raft: the state machine of one member of one group. Internal: callers use RawNode.
//
// Split by what happens: raft.cc (making, terms, sending), raft_election.cc (votes, roles, ticks),
// raft_replication.cc (the leader's log and its followers'), raft_follower.cc (the other roles),
// raft_read.cc (linearizable reads), raft_membership.cc (configurations), raft_snapshot.cc.
//
// Whatever comes from outside is checked before anything changes: a message that cannot be right is
// refused with a Status. Thread safety: thread-compatible.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "nokv/status.h"
#include "raft/conf_change.h"
#include "raft/config.h"
#include "raft/lease.h"
#include "raft/log.h"
#include "raft/read_only.h"
#include "raft/tracker/tracker.h"
#include "raft/types.h"

namespace nokv::raft {

enum class Role : uint8_t { kFollower, kCandidate, kLeader, kPreCandidate };

struct SoftState {
  NodeId lead = kNoNode;
  Role role = Role::kFollower;
  bool operator==(const SoftState&) const = default;
};

// A read that may be served once `index` is applied.
struct ReadState {
  LogIndex index = 0;
  std::string context;  // the caller's, from ReadIndex
};

class Raft {
 public:
  // `config` is valid. Fails if the storage cannot be read or contradicts itself.
  static Result<std::unique_ptr<Raft>> Open(const Config& config);

  void Tick();
  // Takes what it needs of `message`.
  Status Step(Message&& message);
  // Applies a committed change. kFailedPrecondition if it does not fit the configuration.
  Result<ConfState> ApplyConfChange(const ConfChange& change);

  NodeId id() const { return config_.id; }
  SoftState soft_state() const { return {lead_, role_}; }
  HardState hard_state() const { return {term_, vote_, log_.committed()}; }
  NodeId transferee() const { return transferee_; }
  const Tracker& tracker() const { return tracker_; }
  Log& log() { return log_; }
  const Log& log() const { return log_; }

  // What waits to leave; RawNode takes it.
  struct Outbox {
    std::vector<Message> now;
    // May leave only when all that is unstable now is in storage. Some are to this node itself.
    std::vector<Message> after_append;
    std::vector<ReadState> reads;
  };
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }

  // The timeout of the running term only; for tests.
  void SetElectionTimeout(int ticks) { randomized_election_ticks_ = ticks; }

 private:
  enum class Campaign : uint8_t { kPreElection, kElection, kTransfer };

  Raft(const Config& config, Tracker tracker);

  // raft.cc
  Status LoadState(const Storage::Saved& saved);
  // Compares the terms; false if the message is dealt with.
  bool PassTerm(const Message& message);
  void HandleOldTerm(const Message& message);
  bool InLease() const;
  // Leases are trusted: promises are made, kept and counted.
  bool UsesLeases() const;
  void Send(Message&& message);
  void Respond(const Message& to, Message&& response);
  void Note(std::string_view what) const;
  void HandleAppendStored(const Message& message);
  void HandleApplied(const Message& message);

  // raft_election.cc
  void Reset(Term term);
  void RestartElectionTime();
  // As many ticks from now, unless something else happens.
  void CampaignAfter(int ticks);
  void BecomeFollower(Term term, NodeId lead);
  void BecomeCandidate();
  void BecomePreCandidate();
  void BecomeLeader();
  void TickElection();
  void TickHeartbeat();
  void HandleHup(Campaign campaign);
  void StartCampaign(Campaign campaign);
  void HandleVoteRequest(const Message& message);
  // Whoever encourages another to campaign lets it go ahead for some time. False if this one goes
  // ahead itself, since both asked at the same moment.
  bool YieldTo(const Message& request);
  void RefuseVote(const Message& request, MessageType answer);
  // `committed` is, on another member; here too if this log holds it.
  void LearnCommitted(EntryId committed);
  void HandleVoteResponse(const Message& message);
  void HandleCheckQuorum();
  bool Promotable() const;

  // raft_replication.cc
  Status StepLeader(Message&& message);
  Status HandleProposal(Message&& message);
  Status CheckProposal() const;
  Status CheckConfChanges(std::vector<Entry>* entries);
  bool AppendEntries(std::vector<Entry> entries);
  bool MaybeCommit();
  void SendAppend(NodeId to) { MaybeSendAppend(to, true); }
  // True if a message was sent. Without `send_if_empty` only if it holds entries.
  bool MaybeSendAppend(NodeId to, bool send_if_empty);
  void BroadcastAppend();
  bool TellsCommits() const;
  void BroadcastHeartbeat();
  std::string HeartbeatContext() const;
  void HandleHeartbeatContext(NodeId from, std::string_view context);
  void HandleAppendResponse(const Message& message, Progress* progress);
  void HandleAppendRejection(const Message& message, Progress* progress);
  void HandleAppendAck(const Message& message, Progress* progress);
  void HandleHeartbeatResponse(const Message& message, Progress* progress);
  void HandleTransfer(const Message& message, const Progress& progress);
  void SendTimeoutNow(NodeId to);
  void ReduceUncommitted(uint64_t bytes);
  void AppliedTo(LogIndex index, uint64_t bytes);

  // raft_follower.cc
  Status StepCandidate(Message&& message);
  Status StepFollower(Message&& message);
  Status HandleFromLeader(const Message& message);
  Status HandleAppend(const Message& message);
  Status HandleHeartbeat(const Message& message);
  Status Forward(Message&& message, std::string_view what);
  Status ForgetLeader();

  // raft_read.cc
  Status HandleReadIndex(Message&& message);
  void StartRead(Message&& message);
  void AnswerRead(const Message& request, LogIndex index);
  void ReleasePendingReads();
  void ReleaseConfirmedReads();
  bool CommittedInCurrentTerm() const;

  // raft_membership.cc
  ConfState SwitchTo(Membership members);
  void MaybeLeaveJoint();

  // raft_snapshot.cc
  bool MaybeSendSnapshot(NodeId to, Progress* progress);
  Status HandleSnapshot(const Message& message);
  Result<bool> RestoreSnapshot(const std::shared_ptr<const Snapshot>& snapshot);
  void HandleSnapshotStatus(const Message& message, Progress* progress);
  void AppliedSnapshot(const Snapshot& snapshot);

  const Config config_;
  base::Random random_;
  Log log_;
  Tracker tracker_;
  Outbox outbox_;

  Term term_ = 0;
  NodeId vote_ = kNoNode;
  NodeId lead_ = kNoNode;
  Role role_ = Role::kFollower;
  int election_elapsed_ = 0;
  int heartbeat_elapsed_ = 0;
  int randomized_election_ticks_ = 0;
  int yields_until_ = 0;  // ticks since the election time began; 0: to nobody
  // For so many ticks no vote is given, whatever becomes of term and leader; see Lease.
  int promise_ticks_ = 0;

  // Of a leader. All but the last are reset with the term.
  NodeId transferee_ = kNoNode;
  // No change of the configuration may be proposed before this index is applied.
  LogIndex pending_conf_index_ = 0;
  uint64_t uncommitted_bytes_ = 0;
  ReadQueue reads_;
  Lease lease_;
  std::vector<Message> pending_reads_;  // until an entry of this term is committed
};

}  // namespace nokv::raft
