#include "sim/replog/member.h"

#include "base/macros.h"

namespace nokv::sim {
namespace {

constexpr char kCheckpoint[] = "/raft/checkpoint";
constexpr uint64_t kMaxCheckpointBytes = 16 << 20;
constexpr raftlog::GroupId kGroup = 1;
// Requests that wait for an entry or a quorum.
constexpr size_t kMaxWaiting = 1000;

}  // namespace

Member::Member(MemberHost& host, Machine& machine, raft::NodeId id, const MemberOptions& options)
    : host_(host), machine_(machine), id_(id), options_(options) {}

Result<std::unique_ptr<Member>> Member::Start(MemberHost& host, Machine& machine, raft::NodeId id,
                                              const MemberOptions& options,
                                              const raft::ConfState& founders, uint64_t seed) {
  std::unique_ptr<Member> member(new Member(host, machine, id, options));
  RETURN_IF_ERROR(member->Open(founders, seed));
  return member;
}

Status Member::Open(const raft::ConfState& founders, uint64_t seed) {
  vfs::FileSystem& fs = machine_.fs();
  RETURN_IF_ERROR(fs.CreateDirs(kFolder));
  RETURN_IF_ERROR(fs.SyncDir("/"));
  ASSIGN_OR_RETURN(log_, raftlog::RaftLog::Open(fs, kFolder, options_.log));
  RETURN_IF_ERROR(LoadMachine());
  durable_ = state_;
  raftnode::GroupOptions group{.group = kGroup, .id = id_, .machine = this, .raft = options_.raft};
  group.raft.seed = seed;
  group.applied = state_.applied();
  group.conf_state = state_.conf_state();
  for (const raft::NodeId voter : founders.voters) {
    if (voter == id_) group.founding = RegisterMachine::Founded(founders).ToSnapshot();
  }
  group.snapshot_entries = options_.checkpoint_entries;
  group.kept_entries = options_.kept_entries;
  group.max_waiting = kMaxWaiting;
  group.tells_commits = options_.tells_commits;
  raftnode::NodeOptions options;
  options.tick_us = options_.tick_us;
  options.seed = seed;
  options.observer = this;
  // Of half of the members.
  options.callers_may_wait = seed % 2 == 0;
  raftnode::Sender& sender = *this;
  node_ = std::make_unique<raftnode::Node>(machine_.runtime(), *log_, sender, options);
  wires_ = host_.Join(id_, machine_, *this);
  node_->AddGroup(group, [this](const Status& status) { Check(status); });
  return Status::Ok();
}

Status Member::LoadMachine() {
  ASSIGN_OR_RETURN(const bool exists, machine_.fs().Exists(kCheckpoint));
  if (!exists) return Status::Ok();
  ASSIGN_OR_RETURN(const std::string bytes,
                   machine_.fs().ReadFile(kCheckpoint, kMaxCheckpointBytes));
  ASSIGN_OR_RETURN(state_, RegisterMachine::Decode(bytes));
  return Status::Ok();
}

Status Member::WriteCheckpoint(const RegisterMachine& state) {
  RETURN_IF_ERROR(vfs::WriteFileAtomically(machine_.fs(), kCheckpoint, state.Encode()));
  durable_ = state;
  host_.Note("checkpoint", {id_, state.applied()});
  return Status::Ok();
}

bool Member::Check(const Status& status) {
  if (status.ok() || ended_) return !ended_;
  ended_ = true;
  if (status.IsCorruption() || status.code() == StatusCode::kInternal ||
      status.code() == StatusCode::kInvalidArgument ||
      status.code() == StatusCode::kFailedPrecondition) {
    host_.Violated(id_, status);
  } else {
    host_.Failed(id_, status);
  }
  return false;
}

void Member::Arrive(const Request& request, const SendReply& reply) {
  if (ended_) return;
  if (request.kind == OperationKind::kRead && request.path == ReadPath::kReadIndex) {
    const raft::LogIndex committed = host_.invariants().committed();  // by anybody
    node_->Read(kGroup,
                [this, key = request.key, committed, reply](const raftnode::Outcome& outcome) {
                  if (ended_) return;
                  if (!outcome.ok()) return Refuse(reply, outcome.leader);
                  if (!Check(host_.invariants().Read(outcome.index, committed))) return;
                  reply({.done = true, .before = state_.Get(key), .leader = {}});
                });
    return;
  }
  node_->Propose(kGroup, raft::Payload(EncodeRequest(request)),
                 [this, reply](const raftnode::Outcome& outcome) {
                   if (ended_) return;
                   if (!outcome.ok()) return Refuse(reply, outcome.leader);
                   reply({.done = true, .before = DecodeValue(outcome.reply), .leader = {}});
                 });
}

void Member::Refuse(const SendReply& reply, raft::NodeId leader) const {
  reply({.done = false,
         .before = {},
         .leader = leader == raft::kNoNode ? std::nullopt : host_.AddressOf(leader)});
}

void Member::Change(const raft::ConfChange& change) {
  // What is refused is proposed again by who wants it.
  if (!ended_) node_->ProposeConfChange(kGroup, change, nullptr);
}

void Member::Transfer(raft::NodeId to) {
  if (!ended_) node_->TransferLeader(kGroup, to);
}

raft::BasicStatus Member::status() const {
  const auto status = node_->GetStatus(kGroup);
  return status && status->failure.ok() ? status->raft : raft::BasicStatus();
}

void Member::Inspect(std::function<void(const raft::FullStatus&)> done) {
  node_->Inspect(kGroup, [done = std::move(done)](const std::optional<raft::FullStatus>& status) {
    if (status) done(*status);
  });
}

void Member::Send(std::vector<raftnode::Envelope> messages) {
  for (const raftnode::Envelope& envelope : messages) {
    if (!Check(host_.invariants().Sent(envelope.message))) return;
    host_.Sending(envelope.message);
  }
  wires_->Send(std::move(messages));
}

void Member::Receive(transport::NodeId /*from*/, transport::Batch messages) {
  if (!ended_) node_->Receive(std::move(messages));
}

void Member::ReportUnreachable(transport::GroupId group, raft::NodeId to) {
  node_->ReportUnreachable(group, to);
}

void Member::ReportSnapshot(transport::GroupId group, raft::NodeId to, bool arrived) {
  node_->ReportSnapshot(group, to, arrived);
}

void Member::Opening(raftlog::GroupId /*group*/, raft::NodeId id, const raft::Storage& storage,
                     raft::LogIndex applied, const raft::ConfState& conf_state) {
  host_.invariants().Restart(id, storage, applied, conf_state);
}

Status Member::Stepped(raftlog::GroupId /*group*/, const raft::RawNode& node) {
  return host_.invariants().Stepped(node);
}

// Nobody sends what cannot be right.
Status Member::Refused(raftlog::GroupId /*group*/, const Status& why) {
  return why;
}

Status Member::Took(raftlog::GroupId /*group*/, const raft::RawNode& node,
                    const raft::Ready& ready) {
  return host_.invariants().Took(node, ready);
}

Status Member::Stored(raftlog::GroupId /*group*/, raft::NodeId id, const raft::HardState& state) {
  return host_.invariants().Stored(id, state);
}

}  // namespace nokv::sim
