#include "bench/raft/in_process.h"

#include <atomic>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "base/random.h"
#include "raftlog/raft_log.h"
#include "vfs/vfs.h"

namespace nokv::bench {
namespace {

constexpr size_t kMembers = 3;

// Keeps nothing: an entry is answered when it is committed.
class NoState : public raftnode::StateMachine {
 public:
  explicit NoState(std::function<void()> leads) : leads_(std::move(leads)) {}

  void Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) override {
    for (const raftnode::Committed& committed : entries) {
      applied_ = committed.entry.id();
      if (committed.done) committed.done({});
    }
    done(Status::Ok());
  }
  bool Admits(const raft::ConfChange& /*change*/) override { return true; }
  void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                       raftnode::Done done) override {
    applied_ = entry.id();
    conf_state_ = conf_state;
    done(Status::Ok());
  }
  void Install(const std::shared_ptr<const raft::Snapshot>& snapshot,
               raftnode::Done done) override {
    applied_ = snapshot->id();
    conf_state_ = snapshot->conf_state;
    done(Status::Ok());
  }
  void TakeSnapshot(raftnode::SnapshotDone done) override {
    auto snapshot = std::make_shared<raft::Snapshot>();
    snapshot->conf_state = conf_state_;
    snapshot->index = applied_.index;
    snapshot->term = applied_.term;
    done(std::shared_ptr<const raft::Snapshot>(std::move(snapshot)));
  }
  void RoleChanged(const raft::SoftState& state, raft::Term /*term*/) override {
    if (state.role == raft::Role::kLeader) leads_();
  }
  void Stopped(const Status& /*reason*/) override {}

 private:
  const std::function<void()> leads_;
  raft::EntryId applied_;
  raft::ConfState conf_state_;
};

}  // namespace

// The network: a call.
class InProcessGroups::Link : public raftnode::Sender {
 public:
  explicit Link(InProcessGroups& groups) : groups_(groups) {}
  void Send(std::vector<raftnode::Envelope> messages) override;

 private:
  InProcessGroups& groups_;
};

class InProcessGroups::Member {
 public:
  static Result<std::unique_ptr<Member>> Start(InProcessGroups& groups,
                                               const std::string& directory, raft::NodeId id) {
    std::unique_ptr<Member> member(new Member(groups));
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    ASSIGN_OR_RETURN(member->log_, raftlog::RaftLog::Open(vfs::PosixFileSystem(), directory, {}));
    raftnode::NodeOptions options;
    options.seed = base::MixSeed(id);
    member->id_ = id;
    member->node_ =
        std::make_unique<raftnode::Node>(*member->runtime_, *member->log_, member->link_, options);
    return member;
  }
  // Nothing runs afterwards; what others send is dropped.
  void Stop() {
    const auto stopped = runtime_->NewEvent();
    node_->Stop([&stopped] { stopped->Set(); });
    stopped->Wait();
  }

  void Join(raftlog::GroupId group, std::function<void()> leads) {
    machines_.push_back(std::make_unique<NoState>(std::move(leads)));
    raftnode::GroupOptions options;
    options.group = group;
    options.id = id_;
    options.machine = machines_.back().get();
    options.raft.seed = base::MixSeed(id_ * 1000 + group);
    options.raft.check_quorum = options.raft.pre_vote = true;
    auto founding = std::make_shared<raft::Snapshot>();
    founding->conf_state.voters = {1, 2, 3};
    founding->index = founding->term = 1;
    options.founding = std::move(founding);
    node_->AddGroup(std::move(options), [](const Status&) {});
  }
  raftnode::Node& node() { return *node_; }
  runtime::Runtime& runtime() { return *runtime_; }

 private:
  explicit Member(InProcessGroups& groups)
      : runtime_(runtime::NewThreadRuntime({})), link_(groups) {}

  const std::unique_ptr<runtime::Runtime> runtime_;
  Link link_;
  raft::NodeId id_ = raft::kNoNode;
  std::unique_ptr<raftlog::RaftLog> log_;
  std::vector<std::unique_ptr<NoState>> machines_;
  std::unique_ptr<raftnode::Node> node_;
};

void InProcessGroups::Link::Send(std::vector<raftnode::Envelope> messages) {
  std::array<std::vector<raftnode::Envelope>, kMembers> by_member;
  for (raftnode::Envelope& envelope : messages) {
    by_member[envelope.message.to - 1].push_back(std::move(envelope));
  }
  for (size_t i = 0; i < kMembers; i++) {
    if (!by_member[i].empty()) groups_.members_[i]->node().Receive(std::move(by_member[i]));
  }
}

Result<std::unique_ptr<InProcessGroups>> InProcessGroups::Start(const std::string& directory,
                                                                uint64_t groups) {
  auto all = std::make_unique<InProcessGroups>();
  all->groups_ = groups;
  for (size_t i = 0; i < kMembers; i++) {
    ASSIGN_OR_RETURN(all->members_[i],
                     Member::Start(*all, directory + "/" + std::to_string(i), i + 1));
  }
  const auto missing = std::make_shared<std::atomic<uint64_t>>(groups);
  const std::shared_ptr<runtime::Event> lead = all->members_[0]->runtime().NewEvent();
  for (uint64_t group = 1; group <= groups; group++) {
    all->members_[0]->Join(group, [missing, lead] {
      if (--*missing == 0) lead->Set();
    });
    for (size_t i = 1; i < kMembers; i++) all->members_[i]->Join(group, [] {});
    all->members_[0]->node().Campaign(group);
  }
  lead->Wait();
  return all;
}

// The members send to each other until the last of them has stopped.
InProcessGroups::~InProcessGroups() {
  for (auto& member : members_) {
    if (member != nullptr) member->Stop();
  }
}

Ask InProcessGroups::Proposals(const std::string& value) {
  return [this, value, next = std::make_shared<std::atomic<uint64_t>>(0)](
             uint64_t /*slot*/, std::function<void(bool ok)> done) {
    const uint64_t group = 1 + (*next)++ % groups_;
    members_[0]->node().Propose(
        group, raft::Payload(value),
        [done = std::move(done)](const raftnode::Outcome& outcome) { done(outcome.ok()); });
  };
}

}  // namespace nokv::bench
