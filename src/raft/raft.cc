#include "raft/raft.h"

#include <algorithm>

#include "base/macros.h"
#include "raft/confchange/changer.h"
#include "raft/describe.h"

namespace nokv::raft {
namespace {

// What a transfer writes into its requests for votes: they pass a lease.
constexpr std::string_view kTransferContext = "CampaignTransfer";

bool IsVote(MessageType type) {
  return type == MessageType::kVote || type == MessageType::kVoteResp ||
         type == MessageType::kPreVote || type == MessageType::kPreVoteResp;
}

}  // namespace

Status Validate(const Config& config) {
  const auto bad = [](std::string_view what) { return Status::InvalidArgument(what); };
  if (config.id == kNoNode || IsStorageThread(config.id)) return bad("raft: id is reserved");
  if (config.heartbeat_ticks <= 0) return bad("raft: heartbeat_ticks must be positive");
  if (config.election_ticks <= config.heartbeat_ticks) {
    return bad("raft: election_ticks must be greater than heartbeat_ticks");
  }
  if (config.storage == nullptr) return bad("raft: storage is missing");
  if (config.logger == nullptr) return bad("raft: logger is missing");
  if (config.max_inflight_messages == 0) return bad("raft: max_inflight_messages must be positive");
  if (config.max_inflight_bytes < config.max_message_bytes) {
    return bad("raft: max_inflight_bytes must not be less than max_message_bytes");
  }
  if (config.read_mode == ReadMode::kLeaseBased && !config.check_quorum) {
    return bad("raft: lease-based reads need check_quorum");
  }
  return Status::Ok();
}

Raft::Raft(const Config& config, Tracker tracker)
    : config_(config),
      random_(config.seed),
      log_(*config.storage, config.max_committed_bytes_per_ready != 0
                                ? config.max_committed_bytes_per_ready
                                : std::max<uint64_t>(config.max_message_bytes, 1)),
      tracker_(std::move(tracker)),
      lease_(config.election_ticks) {}

Result<std::unique_ptr<Raft>> Raft::Open(const Config& config) {
  ASSIGN_OR_RETURN(const Storage::Saved saved, config.storage->Load());
  std::unique_ptr<Raft> raft(
      new Raft(config, Tracker(config.max_inflight_messages, config.max_inflight_bytes)));
  RETURN_IF_ERROR(raft->LoadState(saved));
  return raft;
}

Status Raft::LoadState(const Storage::Saved& saved) {
  ASSIGN_OR_RETURN(Membership members,
                   RestoreMembers(tracker_, log_.LastIndex(), saved.conf_state));
  SwitchTo(std::move(members));
  const HardState& state = saved.hard_state;
  const LogIndex committed = std::max(state.commit, config_.applied);
  if (committed > log_.LastIndex()) {
    return Status::Corruption("raft: index " + std::to_string(committed) +
                              " was committed, but the log ends at " +
                              std::to_string(log_.LastIndex()));
  }
  // A commit index alone need not be durable: what was applied or compacted was committed as well.
  log_.CommitTo(committed);
  term_ = state.term;
  vote_ = state.vote;
  // A snapshot in storage counts as applied, whatever the caller says.
  if (config_.applied > log_.applied()) log_.AppliedTo(config_.applied, 0);
  BecomeFollower(term_, kNoNode);
  // It may have made a promise just before it went down.
  if (UsesLeases()) promise_ticks_ = config_.election_ticks;
  return log_.failure();
}

void Raft::Note(std::string_view what) const {
  config_.logger->Log(base::LogLevel::kInfo, "raft node " + std::to_string(id()) + " term " +
                                                 std::to_string(term_) + ": " + std::string(what));
}

Status Raft::Step(Message&& message) {
  if (!PassTerm(message)) return Status::Ok();
  switch (message.type) {
    case MessageType::kHup:
      HandleHup(config_.pre_vote ? Campaign::kPreElection : Campaign::kElection);
      return Status::Ok();
    case MessageType::kStorageAppendResp:
      HandleAppendStored(message);
      return Status::Ok();
    case MessageType::kStorageApplyResp:
      HandleApplied(message);
      return Status::Ok();
    case MessageType::kVote:
    case MessageType::kPreVote:
      HandleVoteRequest(message);
      return Status::Ok();
    default:
      break;
  }
  switch (role_) {
    case Role::kLeader:
      return StepLeader(std::move(message));
    case Role::kFollower:
      return StepFollower(std::move(message));
    case Role::kCandidate:
    case Role::kPreCandidate:
      return StepCandidate(std::move(message));
  }
  return Status::Ok();
}

bool Raft::InLease() const {
  return config_.check_quorum && lead_ != kNoNode && election_elapsed_ < config_.election_ticks;
}

bool Raft::UsesLeases() const {
  return config_.read_mode == ReadMode::kLeaseBased && !config_.elect_as_etcd;
}

bool Raft::PassTerm(const Message& message) {
  if (message.term == 0 || message.term == term_) return true;
  if (message.term < term_) {
    HandleOldTerm(message);
    return false;
  }
  const bool asks = message.type == MessageType::kVote || message.type == MessageType::kPreVote;
  // Somebody who heard of the leader a moment ago does not help to depose it.
  if (asks && message.context != kTransferContext && (InLease() || promise_ticks_ > 0)) {
    return false;
  }
  // Asking is not campaigning: the term of a pre-vote is one that nobody has reached yet.
  if (message.type == MessageType::kPreVote) return true;
  if (message.type == MessageType::kPreVoteResp && !message.reject) return true;
  const bool from_leader = message.type == MessageType::kApp ||
                           message.type == MessageType::kHeartbeat ||
                           message.type == MessageType::kSnap;
  BecomeFollower(message.term, from_leader ? message.from : kNoNode);
  return true;
}

void Raft::HandleOldTerm(const Message& message) {
  const bool from_leader =
      message.type == MessageType::kHeartbeat || message.type == MessageType::kApp;
  const bool votes_tell = config_.elect_as_etcd && !config_.check_quorum && !config_.pre_vote;
  if (from_leader && !votes_tell) {
    // The old leader must hear of our term. A request for votes would not tell it with check_quorum
    // and pre_vote; and nobody asks for votes who is a learner in its own, older configuration: it
    // could neither be elected nor follow, though the leader's configuration may need its vote.
    Respond(message, {.type = MessageType::kAppResp});
  } else if (message.type == MessageType::kPreVote) {
    // Without an answer, nodes that switch the option on one by one could block each other.
    Respond(message, {.type = MessageType::kPreVoteResp, .term = term_, .reject = true});
  } else if (message.type == MessageType::kVote && !config_.elect_as_etcd) {
    // Nobody else may tell it: if this node campaigns by an older configuration, in which the other
    // has no vote, both would count terms up for ever, each in its own.
    RefuseVote(message, MessageType::kVoteResp);
  } else if (message.type == MessageType::kStorageAppendResp && message.snapshot != nullptr) {
    // The entries may have been replaced since, a snapshot is valid in any term.
    AppliedSnapshot(*message.snapshot);
  }
}

void Raft::Respond(const Message& to, Message&& response) {
  response.to = to.from;
  Send(std::move(response));
}

void Raft::Send(Message&& message) {
  if (message.from == kNoNode) message.from = id();
  // Proposals and reads are on behalf of somebody else and valid in whatever term they arrive.
  if (message.type == MessageType::kProp || message.type == MessageType::kReadIndex) {
    message.term = 0;
  } else if (!IsVote(message.type)) {
    message.term = term_;
  }
  // An answer promises that what it answers for survives a restart. So does a request for votes, of
  // the term and of the log that it shows: a candidate that forgot both could ask again in the same
  // term, and be elected by votes for the longer log that it had.
  const bool promises = message.type == MessageType::kAppResp ||
                        message.type == MessageType::kVoteResp ||
                        message.type == MessageType::kPreVoteResp ||
                        (message.type == MessageType::kVote && !config_.elect_as_etcd);
  std::vector<Message>& box = promises ? outbox_.after_append : outbox_.now;
  // For two followers and both storage threads, or a response and that of the storage.
  if (box.empty()) box.reserve(promises ? 2 : 4);
  box.push_back(std::move(message));
}

void Raft::HandleAppendStored(const Message& message) {
  if (message.index != 0) log_.unstable().StableTo({message.log_term, message.index});
  if (message.snapshot != nullptr) AppliedSnapshot(*message.snapshot);
}

void Raft::HandleApplied(const Message& message) {
  if (message.entries.empty()) return;
  AppliedTo(message.entries.back().index, EncodedSize(message.entries));
  ReduceUncommitted(PayloadSize(message.entries));
}

}  // namespace nokv::raft
