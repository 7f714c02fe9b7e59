// Elections: roles and their changes, ticks, votes.
#include <algorithm>

#include "base/check.h"
#include "raft/describe.h"
#include "raft/raft.h"

namespace nokv::raft {

void Raft::Reset(Term term) {
  if (term_ != term) {
    term_ = term;
    vote_ = kNoNode;
  }
  lead_ = kNoNode;
  heartbeat_elapsed_ = 0;
  const auto spread = static_cast<uint64_t>(config_.election_ticks);
  CampaignAfter(config_.election_ticks + static_cast<int>(random_.Uniform(spread)));
  transferee_ = kNoNode;
  tracker_.ResetVotes();
  for (auto& [node, progress] : tracker_.progress()) {
    const bool is_learner = progress.is_learner;
    progress = tracker_.NewProgress();
    progress.next = log_.LastIndex() + 1;
    progress.is_learner = is_learner;
    if (node == id()) progress.match = log_.LastIndex();
  }
  pending_conf_index_ = 0;
  uncommitted_bytes_ = 0;
  reads_ = ReadQueue();
  lease_ = Lease(config_.election_ticks);
  pending_reads_.clear();
}

void Raft::RestartElectionTime() {
  election_elapsed_ = 0;
  yields_until_ = 0;
}

void Raft::CampaignAfter(int ticks) {
  RestartElectionTime();
  randomized_election_ticks_ = ticks;
}

void Raft::BecomeFollower(Term term, NodeId lead) {
  Reset(term);
  lead_ = lead;
  role_ = Role::kFollower;
  Note("follower of " + DescribeNode(lead));
}

void Raft::BecomeCandidate() {
  NOKV_CHECK(role_ != Role::kLeader) << "a leader does not campaign";
  Reset(term_ + 1);
  vote_ = id();
  role_ = Role::kCandidate;
  Note("candidate");
}

void Raft::BecomePreCandidate() {
  NOKV_CHECK(role_ != Role::kLeader) << "a leader does not campaign";
  // Neither term nor vote change: nothing has been asked of anybody yet that would bind them.
  tracker_.ResetVotes();
  lead_ = kNoNode;
  role_ = Role::kPreCandidate;
  // Who heard of the leader a moment ago does not answer, and soon may: asking again binds nobody.
  // Not at a fixed pace, or two would ask in step for ever.
  if (!config_.elect_as_etcd) {
    const auto spread = static_cast<uint64_t>(config_.election_ticks) / 2 + 1;
    CampaignAfter(1 + static_cast<int>(random_.Uniform(spread)));
  }
  Note("pre-candidate");
}

void Raft::BecomeLeader() {
  NOKV_CHECK(role_ == Role::kCandidate) << "only a candidate becomes leader";
  Reset(term_);
  lead_ = id();
  role_ = Role::kLeader;
  Progress* self = tracker_.Find(id());
  NOKV_CHECK(self != nullptr) << "a node that is no member was elected";
  self->BecomeReplicate();
  self->recent_active = true;
  // The log may hold a change that is not applied. Instead of looking for it, wait for all of it.
  pending_conf_index_ = log_.LastIndex();
  // Commits, with itself, what earlier terms left behind.
  NOKV_CHECK(AppendEntries({Entry()})) << "the first entry of a term is never refused";
  Note("leader");
}

void Raft::Tick() {
  lease_.Tick();
  if (promise_ticks_ > 0) promise_ticks_--;
  if (role_ == Role::kLeader) {
    TickHeartbeat();
  } else {
    TickElection();
  }
}

void Raft::TickElection() {
  election_elapsed_++;
  const int due = std::max(randomized_election_ticks_, yields_until_);
  if (!Promotable() || election_elapsed_ < due) return;
  RestartElectionTime();
  HandleHup(config_.pre_vote ? Campaign::kPreElection : Campaign::kElection);
}

void Raft::TickHeartbeat() {
  heartbeat_elapsed_++;
  election_elapsed_++;
  if (election_elapsed_ >= config_.election_ticks) {
    election_elapsed_ = 0;
    if (config_.check_quorum) HandleCheckQuorum();
    // A transfer that took so long failed; proposals are accepted again.
    if (role_ == Role::kLeader) transferee_ = kNoNode;
  }
  if (role_ != Role::kLeader || heartbeat_elapsed_ < config_.heartbeat_ticks) return;
  heartbeat_elapsed_ = 0;
  BroadcastHeartbeat();
}

void Raft::HandleCheckQuorum() {
  if (!tracker_.QuorumActive()) {
    Note("no quorum was heard of, stepping down");
    BecomeFollower(term_, kNoNode);
  }
  for (auto& [node, progress] : tracker_.progress()) {
    if (node != id()) progress.recent_active = false;
  }
}

bool Raft::Promotable() const {
  const Progress* self = tracker_.Find(id());
  return self != nullptr && !self->is_learner && log_.unstable().snapshot() == nullptr;
}

void Raft::HandleHup(Campaign campaign) {
  if (role_ == Role::kLeader || !Promotable()) return;
  // Its own vote is promised as well.
  if (promise_ticks_ > 0 && campaign != Campaign::kTransfer) return;
  if (log_.HasUnappliedConfChange()) {
    Note("no election before committed configuration changes are applied");
    return;
  }
  StartCampaign(campaign);
}

void Raft::StartCampaign(Campaign campaign) {
  Message request;
  if (campaign == Campaign::kPreElection) {
    BecomePreCandidate();
    request.type = MessageType::kPreVote;
    request.term = term_ + 1;
  } else {
    BecomeCandidate();
    request.type = MessageType::kVote;
    request.term = term_;
  }
  const EntryId last = log_.LastId();
  request.index = last.index;
  request.log_term = last.term;
  if (campaign == Campaign::kTransfer) request.context = "CampaignTransfer";
  const MessageType answer =
      campaign == Campaign::kPreElection ? MessageType::kPreVoteResp : MessageType::kVoteResp;
  for (NodeId voter : tracker_.config().voters.All()) {
    if (voter == id()) {
      // Its own vote counts when it is in storage, as everybody's.
      Send({.type = answer, .to = id(), .term = request.term});
    } else {
      request.to = voter;
      Send(Message(request));
    }
  }
}

bool Raft::YieldTo(const Message& request) {
  const int pause = (config_.election_ticks + 1) / 2;
  if (role_ == Role::kPreCandidate) {
    // Both would be candidates next, and each would vote for itself. With equal logs either can
    // win, and one of them must.
    const bool equal = log_.LastId() == EntryId{request.log_term, request.index};
    if (equal && request.from < id()) return false;
    BecomeFollower(term_, kNoNode);
    CampaignAfter(pause);
  }
  // Once only: who asks may be able to win nothing but this vote.
  if (yields_until_ == 0) yields_until_ = election_elapsed_ + pause;
  return true;
}

void Raft::HandleVoteRequest(const Message& message) {
  const bool pre = message.type == MessageType::kPreVote;
  const MessageType answer = pre ? MessageType::kPreVoteResp : MessageType::kVoteResp;
  const bool free = vote_ == message.from || (vote_ == kNoNode && lead_ == kNoNode) ||
                    (pre && message.term > term_);
  // Learners vote as well: one that was promoted may not know it yet, and be needed.
  if (!free || !log_.IsUpToDate({message.log_term, message.index})) {
    RefuseVote(message, answer);
    return;
  }
  if (pre && !config_.elect_as_etcd && !YieldTo(message)) return;
  // In the term of the request: the candidate would ignore an older one.
  Respond(message, {.type = answer, .term = message.term});
  if (pre) return;
  RestartElectionTime();
  vote_ = message.from;
}

void Raft::RefuseVote(const Message& request, MessageType answer) {
  Message refusal{.type = answer, .term = term_, .reject = true};
  // A candidate that has not heard of it learns it. Otherwise the only voter that a change of the
  // configuration has left, if it missed the news, is refused by those who hold more than it does.
  if (!config_.elect_as_etcd) {
    refusal.commit = log_.committed();
    refusal.log_term = log_.TermAt(refusal.commit).value_or(0);
  }
  Respond(request, std::move(refusal));
}

void Raft::LearnCommitted(EntryId committed) {
  if (committed.index <= log_.committed() || !log_.Matches(committed)) return;
  log_.CommitTo(committed.index);
}

void Raft::HandleVoteResponse(const Message& message) {
  if (message.reject) {
    LearnCommitted({message.log_term, message.commit});
    // It may be no voter any more, or the only one: it campaigns again when it knows.
    if (log_.HasUnappliedConfChange()) return BecomeFollower(term_, kNoNode);
  }
  tracker_.RecordVote(message.from, !message.reject);
  switch (tracker_.TallyVotes()) {
    case VoteResult::kPending:
      break;
    case VoteResult::kLost:
      BecomeFollower(term_, kNoNode);
      break;
    case VoteResult::kWon:
      if (role_ == Role::kPreCandidate) {
        StartCampaign(Campaign::kElection);
      } else {
        BecomeLeader();
        BroadcastAppend();
      }
      break;
  }
}

}  // namespace nokv::raft
