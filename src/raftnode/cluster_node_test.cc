// Three nodes over memory disks, a virtual clock and calls within this process.
#include "raftnode/cluster_node.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "raftnode/node_test_util.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"
#include "vfs/memory_fs.h"

namespace nokv::raftnode {
namespace {

constexpr uint64_t kTickMicros = 10'000;
constexpr transport::NodeId kNodes = 3;
constexpr uint64_t kMaxSnapshotBytes = 40;

class ClusterNodeTest : public testing::Test {
 protected:
  ClusterNodeTest()
      : runtime_(runtime::NewSimRuntime(7)),
        network_(*runtime_, [this](const std::string& from, const std::string& to) {
          const bool lost = cut_.contains(from) || cut_.contains(to);
          return lost ? std::nullopt : std::optional<uint64_t>(100);
        }) {
    for (transport::NodeId id = 1; id <= kNodes; id++) Start(id);
  }

  ~ClusterNodeTest() override {
    for (auto& [id, process] : processes_) {
      bool stopped = false;
      process.server = nullptr;
      process.raft->node().Stop([&stopped] { stopped = true; });
      RunFor(2);
      EXPECT_TRUE(stopped);
      process.raft = nullptr;
    }
    RunFor(1);
  }

  struct Process {
    std::unique_ptr<vfs::MemoryFileSystem> disk = vfs::NewMemoryFileSystem();
    metrics::Registry registry;
    std::unique_ptr<raftlog::RaftLog> log;
    std::map<GroupId, Words> machines;
    std::unique_ptr<ClusterNode> raft;
    std::unique_ptr<rpc::Server> server;
  };

  static std::string Address(transport::NodeId id) { return "node" + std::to_string(id); }

  void Start(transport::NodeId id) {
    Process& process = processes_[id];
    process.log = raftlog::RaftLog::Open(*process.disk, "/", {}).value();
    process.raft = std::make_unique<ClusterNode>(
        *runtime_, *process.log, NodeOptions{.tick_us = kTickMicros, .seed = id << 32},
        transport::TransportOptions{
            .cluster = 1, .node = id, .max_snapshot_bytes = kMaxSnapshotBytes},
        transport::TransportDoors{runtime_->clock(), base::NullLogger(), process.registry,
                                  [this, id](const std::string& address) {
                                    return network_.NewChannel(Address(id), address, rpc::AtOnce());
                                  }});
    for (transport::NodeId other = 1; other <= kNodes; other++) {
      if (other != id) process.raft->transport().SetPeer(other, Address(other));
    }
    std::vector<rpc::Service> services;
    services.push_back(process.raft->MakeService());
    process.server = network_.Listen(Address(id), std::move(services)).value();
  }

  // `member` of a group joins on `node`; with nothing but a leader to tell it, if `founds` is not
  // set.
  void Join(transport::NodeId node, GroupId group, raft::NodeId member,
            const std::vector<raft::NodeId>& voters, bool founds = true) {
    GroupOptions options;
    options.group = group;
    options.id = member;
    options.machine = &machine(node, group);
    options.raft.seed = member;
    options.raft.check_quorum = options.raft.pre_vote = true;
    options.snapshot_entries = 10;
    options.kept_entries = 2;
    auto founding = std::make_shared<raft::Snapshot>();
    founding->conf_state.voters = voters;
    founding->index = founding->term = 1;
    if (founds) options.founding = founding;
    raft(node).node().AddGroup(options,
                               [](const Status& status) { EXPECT_EQ(status.ToString(), "OK"); });
  }

  void Lead(transport::NodeId node, GroupId group) {
    raft(node).node().Campaign(group);
    RunFor(3);
    ASSERT_EQ(machine(node, group).role, raft::Role::kLeader);
  }

  Outcome Propose(transport::NodeId node, GroupId group, const std::string& text) {
    Outcome outcome;
    outcome.refusal = Refusal::kUnknown;
    raft(node).node().Propose(group, raft::Payload(text),
                              [&](Outcome got) { outcome = std::move(got); });
    RunFor(3);
    return outcome;
  }

  // What the first node, which leads group 7, does for the member on the third.
  std::optional<raft::ProgressState> StateOfThird() {
    std::optional<raft::ProgressState> seen;
    raft(1).node().Inspect(7, [&](const std::optional<raft::FullStatus>& status) {
      seen = status->progress.at(3).state;
    });
    runtime_->RunReady();
    return seen;
  }

  void RunFor(uint64_t ticks) { runtime_->Advance(ticks * kTickMicros); }
  ClusterNode& raft(transport::NodeId node) { return *processes_.at(node).raft; }
  Words& machine(transport::NodeId node, GroupId group) {
    return processes_.at(node).machines[group];
  }

  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::set<std::string> cut_;
  rpc::InProcessNetwork network_;
  std::map<transport::NodeId, Process> processes_;
};

TEST_F(ClusterNodeTest, MembersThatAreNumberedAsTheirNodesNeedNoPlaces) {
  for (transport::NodeId node = 1; node <= kNodes; node++) Join(node, 7, node, {1, 2, 3});
  Lead(1, 7);
  EXPECT_EQ(Propose(1, 7, "a").reply, "a");
  RunFor(3);
  for (transport::NodeId node = 1; node <= kNodes; node++) EXPECT_EQ(machine(node, 7).text, "a");
}

TEST_F(ClusterNodeTest, PlacedMembersAreReachedOnTheirNodes) {
  for (transport::NodeId node = 1; node <= kNodes; node++) {
    Join(node, 7, 70 + node, {71, 72, 73});
    Join(node, 8, 90 - node, {87, 88, 89});
    for (transport::NodeId other = 1; other <= kNodes; other++) {
      raft(node).PlaceMember(7, 70 + other, other);
      raft(node).PlaceMember(8, 90 - other, other);
    }
  }
  Lead(1, 7);
  Lead(3, 8);
  EXPECT_EQ(Propose(1, 7, "a").reply, "a");
  EXPECT_EQ(Propose(3, 8, "b").reply, "b");
  RunFor(3);
  for (transport::NodeId node = 1; node <= kNodes; node++) {
    EXPECT_EQ(machine(node, 7).text, "a");
    EXPECT_EQ(machine(node, 8).text, "b");
  }
}

TEST_F(ClusterNodeTest, ANewMemberAnswersALeaderThatNobodyPlacedForIt) {
  Join(1, 7, 71, {71});
  raft(1).PlaceMember(7, 72, 2);
  Lead(1, 7);
  ASSERT_TRUE(Propose(1, 7, "a").ok());
  Join(2, 7, 72, {}, /*founds=*/false);
  RunFor(1);
  EXPECT_EQ(raft(2).NodeOf(7, 71), 71U);
  raft::ConfChange change;
  change.steps = {{raft::ConfChangeType::kAddVoter, 72}};
  raft(1).node().ProposeConfChange(7, change, nullptr);
  RunFor(20);
  EXPECT_EQ(machine(2, 7).text, "a");
  EXPECT_EQ(raft(2).NodeOf(7, 71), 1U);
  EXPECT_TRUE(Propose(1, 7, "b").ok());

  raft(2).ForgetMembers(7);
  EXPECT_EQ(raft(2).NodeOf(7, 71), 71U);
}

TEST_F(ClusterNodeTest, AMemberIsNotWhereItsQuestionWasPassedOn) {
  for (transport::NodeId node = 1; node <= kNodes; node++) Join(node, 7, node, {1, 2, 3});
  Lead(1, 7);
  // The second still took the third for the leader.
  raft::Message question;
  question.type = raft::MessageType::kReadIndex;
  question.from = 2;
  question.to = 1;
  question.entries.emplace_back().data = raft::Payload("when?");
  raft(3).transport().Send(1, {{7, question}});
  RunFor(3);
  EXPECT_EQ(raft(1).NodeOf(7, 2), 2U);
  EXPECT_EQ(Propose(1, 7, "a").reply, "a");
  RunFor(3);
  EXPECT_EQ(machine(2, 7).text, "a");
}

TEST_F(ClusterNodeTest, NothingIsKeptOfGroupsThatAreNotHere) {
  Join(1, 7, 71, {71, 72});
  raft(1).PlaceMember(7, 72, 2);
  raft(1).node().Campaign(7);
  RunFor(20);
  EXPECT_EQ(raft(2).NodeOf(7, 71), 71U);
}

TEST_F(ClusterNodeTest, TheLeaderLearnsThatAMemberCannotBeReached) {
  for (transport::NodeId node = 1; node <= kNodes; node++) Join(node, 7, node, {1, 2, 3});
  Lead(1, 7);
  RunFor(3);
  EXPECT_EQ(StateOfThird(), raft::ProgressState::kReplicate);
  raft(1).transport().BlockPeer(3);
  ASSERT_TRUE(Propose(1, 7, "a").ok());
  EXPECT_EQ(StateOfThird(), raft::ProgressState::kProbe);
}

TEST_F(ClusterNodeTest, AMemberThatWasAwayGetsASnapshotAndEntriesAfterIt) {
  for (transport::NodeId node = 1; node <= kNodes; node++) Join(node, 7, node, {1, 2, 3});
  Lead(1, 7);
  cut_ = {Address(3)};
  const int installs = machine(3, 7).installs;
  for (int i = 0; i < 30; i++) ASSERT_TRUE(Propose(1, 7, "x").ok());
  cut_ = {};
  RunFor(300);
  EXPECT_GT(machine(3, 7).installs, installs);
  EXPECT_TRUE(Propose(1, 7, "y").ok());
  RunFor(30);
  EXPECT_EQ(machine(3, 7).text, std::string(30, 'x') + "y");
}

TEST_F(ClusterNodeTest, TheLeaderLearnsThatASnapshotDidNotArrive) {
  for (transport::NodeId node = 1; node <= kNodes; node++) Join(node, 7, node, {1, 2, 3});
  Lead(1, 7);
  cut_ = {Address(3)};
  const std::string word(kMaxSnapshotBytes, 'x');
  for (int i = 0; i < 30; i++) ASSERT_TRUE(Propose(1, 7, word).ok());
  cut_ = {};
  RunFor(300);
  EXPECT_EQ(machine(3, 7).text, "");
  EXPECT_EQ(StateOfThird(), raft::ProgressState::kProbe);
}

}  // namespace
}  // namespace nokv::raftnode
