// Three nodes over memory disks, a virtual clock and a network of function calls.
#include "raftnode/node.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "raftnode/node_test_util.h"
#include "runtime/sim_runtime.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::raftnode {
namespace {

constexpr uint64_t kTickMicros = 10'000;
constexpr size_t kMembers = 3;

class NodeTest : public testing::Test, protected Sender {
 protected:
  struct Process {
    std::unique_ptr<vfs::MemoryFileSystem> disk = vfs::NewMemoryFileSystem();
    std::unique_ptr<vfs::FaultFileSystem> fs = vfs::NewFaultFileSystem(*disk);
    std::unique_ptr<raftlog::RaftLog> log;
    std::map<GroupId, Words> machines;
    std::unique_ptr<Node> node;
  };

  void StartAll(const std::vector<GroupId>& groups) {
    for (raft::NodeId id = 1; id <= kMembers; id++) Start(id, groups);
  }

  void Start(raft::NodeId id, const std::vector<GroupId>& groups) {
    Process& process = processes_[id];
    process.log = raftlog::RaftLog::Open(*process.fs, "/", {}).value();
    NodeOptions options = node_options_;
    options.tick_us = kTickMicros;
    options.seed = id << 32;
    options.registry = &registry_;
    Sender& sender = *this;
    process.node = std::make_unique<Node>(*runtime_, *process.log, sender, options);
    for (const GroupId group : groups) {
      process.node->AddGroup(OptionsOf(id, group),
                             [](const Status& status) { EXPECT_EQ(status.ToString(), "OK"); });
    }
  }

  GroupOptions OptionsOf(raft::NodeId id, GroupId group) {
    Words& machine = processes_[id].machines[group];
    GroupOptions options = group_options_;
    options.group = group;
    options.id = id;
    options.machine = &machine;
    options.raft.seed = id * 100 + group;
    options.applied = machine.applied.index;
    options.conf_state = machine.conf_state;
    auto founding = std::make_shared<raft::Snapshot>();
    founding->conf_state.voters = {1, 2, 3};
    founding->index = founding->term = 1;
    options.founding = founding;
    return options;
  }

  void TearDown() override {
    for (auto& [id, process] : processes_) Stop(id);
  }

  void Stop(raft::NodeId id) {
    Process& process = processes_[id];
    if (process.node == nullptr) return;
    bool stopped = false;
    process.node->Stop([&stopped] { stopped = true; });
    for (auto& [group, words] : process.machines) {
      for (const auto& work : std::exchange(words.held_work, {})) work();
    }
    runtime_->RunReady();
    EXPECT_TRUE(stopped);
    process.node = nullptr;
    process.log = nullptr;
  }

  // Sender.
  void Send(std::vector<Envelope> messages) override {
    batches_.push_back(messages.size());
    for (Envelope& envelope : messages) {
      const raft::NodeId from = envelope.message.from;
      const raft::NodeId to = envelope.message.to;
      if (watch_) watch_(envelope);
      if (cut_.contains(from) || cut_.contains(to)) continue;
      runtime_->PostAfter(runtime::Lane::kFlush, 100, [this, to, envelope] {
        const auto found = processes_.find(to);
        if (found != processes_.end() && found->second.node != nullptr) {
          found->second.node->Receive({envelope});
        }
      });
    }
  }

  void RunFor(uint64_t ticks) { runtime_->Advance(ticks * kTickMicros); }

  void Lead(raft::NodeId id, GroupId group) {
    node(id).Campaign(group);
    RunFor(2);
    ASSERT_EQ(machine(id, group).role, raft::Role::kLeader);
  }

  Outcome Propose(raft::NodeId id, GroupId group, const std::string& text) {
    Outcome outcome;
    outcome.refusal = Refusal::kUnknown;
    node(id).Propose(group, raft::Payload(text), [&outcome](const Outcome& got) { outcome = got; });
    RunFor(3);
    return outcome;
  }

  Node& node(raft::NodeId id) { return *processes_[id].node; }
  Words& machine(raft::NodeId id, GroupId group) { return processes_[id].machines[group]; }
  uint64_t Syncs(raft::NodeId id) { return processes_[id].log->GetStats().log.syncs; }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(7);
  metrics::Registry registry_;
  NodeOptions node_options_;
  GroupOptions group_options_;
  std::map<raft::NodeId, Process> processes_;
  std::set<raft::NodeId> cut_;
  std::function<void(const Envelope&)> watch_;
  std::vector<size_t> batches_;
};

TEST_F(NodeTest, AProposalIsAnsweredByTheMachineThatAppliedIt) {
  StartAll({7});
  Lead(1, 7);
  EXPECT_EQ(Propose(1, 7, "a").reply, "a");
  EXPECT_EQ(Propose(1, 7, "b").reply, "ab");
  RunFor(3);
  for (raft::NodeId id = 1; id <= kMembers; id++) EXPECT_EQ(machine(id, 7).text, "ab");
}

TEST_F(NodeTest, WhoDoesNotLeadSaysWhoDoes) {
  StartAll({7});
  Lead(1, 7);
  const Outcome outcome = Propose(2, 7, "a");
  EXPECT_EQ(outcome.refusal, Refusal::kNotLeader);
  EXPECT_EQ(outcome.leader, 1U);
  EXPECT_EQ(Propose(1, 8, "a").refusal, Refusal::kNoGroup);
}

TEST_F(NodeTest, GroupsThatAreReadyTogetherShareARecordAndASync) {
  std::vector<GroupId> groups;
  for (GroupId group = 1; group <= 20; group++) groups.push_back(group);
  StartAll(groups);
  for (const GroupId group : groups) Lead(1, group);
  RunFor(3);
  const uint64_t syncs = Syncs(1);
  batches_.clear();
  int answers = 0;
  for (const GroupId group : groups) {
    node(1).Propose(group, raft::Payload("x"), [&](const Outcome& got) { answers += got.ok(); });
  }
  runtime_->Advance(kTickMicros / 2);
  EXPECT_EQ(answers, 20);
  // The proposals, and what is committed by them; not one for each group.
  EXPECT_LE(Syncs(1) - syncs, 4U);
  ASSERT_FALSE(batches_.empty());
  EXPECT_EQ(batches_[0], 40U);
}

TEST_F(NodeTest, WhatPromisesLeavesOnlyWhenItIsDurable) {
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  uint64_t at_send = 0;
  bool sent_entries = false;
  const uint64_t before = Syncs(2);
  watch_ = [&](const Envelope& envelope) {
    const raft::Message& message = envelope.message;
    if (message.from == 1 && !message.entries.empty()) {
      // While the leader's own sync has not even begun.
      sent_entries = true;
    }
    if (message.from == 2 && message.type == raft::MessageType::kAppResp && at_send == 0) {
      at_send = Syncs(2);
    }
  };
  EXPECT_TRUE(Propose(1, 7, "a").ok());
  EXPECT_TRUE(sent_entries);
  EXPECT_GT(at_send, before);
}

TEST_F(NodeTest, ACallerThatMayWaitSendsAndSyncsWhatLittleThereIs) {
  node_options_.callers_may_wait = true;
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  const uint64_t syncs = Syncs(1);
  batches_.clear();
  bool answered = false;
  node(1).Propose(7, raft::Payload("a"), [&answered](const Outcome& got) { answered = got.ok(); });
  // No task has run yet.
  EXPECT_EQ(batches_, std::vector<size_t>{2});
  EXPECT_EQ(Syncs(1), syncs + 1);
  RunFor(3);
  EXPECT_TRUE(answered);
}

TEST_F(NodeTest, ACallerThatMayWaitDoesNotWhileMuchIsUnderWay) {
  node_options_.callers_may_wait = true;
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  const uint64_t syncs = Syncs(1);
  int answers = 0;
  const auto propose = [&](const std::vector<std::string>& texts) {
    std::vector<Node::Request> proposals;
    for (const std::string& text : texts) {
      proposals.push_back(
          {7, raft::Payload(text), [&](const Outcome& got) { answers += got.ok(); }});
    }
    batches_.clear();
    node(1).Propose(std::move(proposals));
  };
  propose({"a", "b"});
  // It sends, and another thread syncs.
  EXPECT_EQ(batches_, std::vector<size_t>{2});
  EXPECT_EQ(Syncs(1), syncs);
  // What comes after so much leaves it to another thread, and shares its pass.
  propose({"c"});
  EXPECT_TRUE(batches_.empty());
  RunFor(3);
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(machine(1, 7).text, "abc");
}

TEST_F(NodeTest, APromiseThatNeedsNothingNewInTheLogNeedsNoSync) {
  StartAll({7});
  Lead(1, 7);
  EXPECT_TRUE(Propose(1, 7, "a").ok());
  RunFor(3);
  const raft::BasicStatus leader = node(1).GetStatus(7)->raft;
  const uint64_t before = Syncs(2);
  int answers = 0;
  watch_ = [&](const Envelope& envelope) {
    answers += envelope.message.from == 2 && envelope.message.type == raft::MessageType::kAppResp;
  };
  node(2).Receive({{7,
                    {.type = raft::MessageType::kApp,
                     .to = 2,
                     .from = 1,
                     .term = leader.hard_state.term,
                     .log_term = leader.hard_state.term,
                     .index = leader.last_index,
                     .commit = leader.hard_state.commit}}});
  runtime_->RunReady();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(Syncs(2), before);
}

TEST_F(NodeTest, ACommitIsWrittenWithTheNextEntry) {
  StartAll({7});
  Lead(1, 7);
  EXPECT_TRUE(Propose(1, 7, "a").ok());
  RunFor(3);
  const auto stored = [this] { return processes_[1].log->StorageOf(7).Load()->hard_state; };
  const raft::HardState first = node(1).GetStatus(7)->raft.hard_state;
  EXPECT_LT(stored().commit, first.commit);
  EXPECT_EQ(stored().term, first.term);
  EXPECT_TRUE(Propose(1, 7, "b").ok());
  RunFor(3);
  EXPECT_EQ(stored(), first);
}

TEST_F(NodeTest, ATermIsDurableBeforeAnythingIsPromisedInIt) {
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  const raft::BasicStatus leader = node(1).GetStatus(7)->raft;
  const raft::Term next = leader.hard_state.term + 1;
  const auto from_next_leader = [&](raft::MessageType type) {
    Envelope envelope{7, {.type = type, .to = 2, .from = 3, .term = next}};
    if (type == raft::MessageType::kApp) {
      envelope.message.log_term = leader.hard_state.term;
      envelope.message.index = leader.last_index;
    }
    node(2).Receive({envelope});
  };
  const uint64_t before = Syncs(2);
  // It tells of the term, and asks for no promise.
  from_next_leader(raft::MessageType::kHeartbeat);
  uint64_t at_answer = 0;
  watch_ = [&](const Envelope& envelope) {
    const raft::Message& message = envelope.message;
    if (message.from == 2 && message.type == raft::MessageType::kAppResp) at_answer = Syncs(2);
  };
  from_next_leader(raft::MessageType::kApp);
  runtime_->RunReady();
  EXPECT_GT(at_answer, before);
}

TEST_F(NodeTest, TooMuchThatIsNotCommittedIsRefused) {
  group_options_.raft.max_uncommitted_bytes = 100;
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  cut_ = {2, 3};
  std::vector<Refusal> refusals;
  for (int i = 0; i < 5; i++) {
    node(1).Propose(7, raft::Payload(std::string(40, 'x')),
                    [&](const Outcome& got) { refusals.push_back(got.refusal); });
  }
  runtime_->Advance(kTickMicros / 2);
  EXPECT_EQ(refusals, std::vector<Refusal>(3, Refusal::kBusy));
  Stop(1);
  EXPECT_EQ(refusals.size(), 5U);
  EXPECT_EQ(refusals.back(), Refusal::kUnknown);
}

TEST_F(NodeTest, QueuesAreBounded) {
  node_options_.max_queued_requests = 10;
  node_options_.max_queued_messages = 5;
  StartAll({7});
  Lead(1, 7);
  int busy = 0;
  for (int i = 0; i < 15; i++) {
    node(1).Propose(7, raft::Payload("x"),
                    [&](const Outcome& got) { busy += got.refusal == Refusal::kBusy; });
  }
  EXPECT_EQ(busy, 5);
  node(1).Receive(std::vector<Envelope>(8, {99, {.type = raft::MessageType::kHeartbeat}}));
  EXPECT_EQ(registry_
                .GetCounter("nokv_raft_messages_dropped_total",
                            "Raft messages of other members that went nowhere.",
                            {{"reason", "queue_full"}})
                .value(),
            3U);
  RunFor(3);
}

TEST_F(NodeTest, AReplacedProposalIsLostAndNotMistakenForTheOneInItsPlace) {
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  cut_ = {1};
  Outcome lost;
  lost.refusal = Refusal::kUnknown;
  node(1).Propose(7, raft::Payload("a"), [&](const Outcome& got) { lost = got; });
  RunFor(1);
  node(2).Campaign(7);
  RunFor(60);
  ASSERT_TRUE(Propose(2, 7, "b").ok() || Propose(3, 7, "b").ok());
  EXPECT_EQ(lost.refusal, Refusal::kUnknown);
  cut_ = {};
  RunFor(30);
  EXPECT_EQ(lost.refusal, Refusal::kLost);
  EXPECT_EQ(machine(1, 7).text, "b");
}

TEST_F(NodeTest, AReadWaitsForAQuorumAndUntilItsIndexIsApplied) {
  StartAll({7});
  Lead(1, 7);
  machine(1, 7).held = true;
  node(1).Propose(7, raft::Payload("a"), nullptr);
  RunFor(2);
  std::string seen = "nothing";
  node(1).Read(7, [&](const Outcome& got) { seen = got.ok() ? machine(1, 7).text : "refused"; });
  RunFor(3);
  EXPECT_EQ(seen, "nothing");
  machine(1, 7).held = false;
  for (const auto& work : std::exchange(machine(1, 7).held_work, {})) work();
  RunFor(1);
  EXPECT_EQ(seen, "a");

  cut_ = {1};
  Refusal refusal = Refusal::kNone;
  node(1).Read(7, [&](const Outcome& got) { refusal = got.refusal; });
  RunFor(30);
  EXPECT_EQ(refusal, Refusal::kNoQuorum);
}

TEST_F(NodeTest, ChangesOfTheConfigurationAreAppliedOrAnsweredAsUnfit) {
  StartAll({7});
  Lead(1, 7);
  const auto change = [this](raft::ConfChange conf_change) {
    Outcome outcome;
    outcome.refusal = Refusal::kUnknown;
    node(1).ProposeConfChange(7, std::move(conf_change),
                              [&](const Outcome& got) { outcome = got; });
    RunFor(5);
    return outcome.refusal;
  };
  raft::ConfChange remove;
  remove.steps = {{raft::ConfChangeType::kRemove, 3}};
  raft::ConfChange late = remove;
  late.context = "late";
  EXPECT_EQ(change(late), Refusal::kUnfit);
  EXPECT_EQ(machine(1, 7).conf_state.voters, (std::vector<raft::NodeId>{1, 2, 3}));
  EXPECT_EQ(change(remove), Refusal::kNone);
  EXPECT_EQ(machine(2, 7).conf_state.voters, (std::vector<raft::NodeId>{1, 2}));
  // There is no joint configuration to leave.
  EXPECT_EQ(change({}), Refusal::kUnfit);
}

TEST_F(NodeTest, AMemberThatWasAwayGetsASnapshotAndARestartGoesOnFromIt) {
  group_options_.snapshot_entries = 10;
  group_options_.kept_entries = 2;
  StartAll({7});
  Lead(1, 7);
  cut_ = {3};
  std::string text;
  for (int i = 0; i < 30; i++) {
    text += 'x';
    ASSERT_TRUE(Propose(1, 7, "x").ok());
  }
  const int installs = machine(3, 7).installs;
  cut_ = {};
  RunFor(60);
  EXPECT_EQ(machine(3, 7).text, text);
  EXPECT_GT(machine(3, 7).installs, installs);
  Stop(3);
  Start(3, {7});
  RunFor(30);
  EXPECT_EQ(machine(3, 7).text, text);
}

TEST_F(NodeTest, ASnapshotThatNamesNewMembersIsTakenAgainIfItWasLost) {
  StartAll({7});
  Lead(1, 7);
  machine(1, 7).loses_snapshots = true;
  raft::ConfChange change;
  change.steps = {{raft::ConfChangeType::kAddLearner, 4}};
  node(1).ProposeConfChange(7, change, [](const Outcome&) {});
  RunFor(5);
  ASSERT_EQ(machine(1, 7).conf_state.learners, (std::vector<raft::NodeId>{4}));
  Stop(1);
  machine(1, 7).loses_snapshots = false;
  const int before = machine(1, 7).snapshots;
  Start(1, {7});
  RunFor(5);
  EXPECT_EQ(machine(1, 7).snapshots, before + 1);
  // Now it is stored.
  Stop(1);
  Start(1, {7});
  RunFor(5);
  EXPECT_EQ(machine(1, 7).snapshots, before + 1);
}

TEST_F(NodeTest, ASnapshotThatTheMachineHasNotTakenOverIsInstalledAtTheNextStart) {
  group_options_.snapshot_entries = 10;
  group_options_.kept_entries = 2;
  StartAll({7});
  Lead(1, 7);
  cut_ = {3};
  for (int i = 0; i < 30; i++) ASSERT_TRUE(Propose(1, 7, "x").ok());
  cut_ = {};
  RunFor(60);
  const std::string text = machine(3, 7).text;
  Stop(3);
  machine(3, 7) = Words();
  Start(3, {7});
  RunFor(60);
  EXPECT_EQ(machine(3, 7).text, text);
}

TEST_F(NodeTest, AFailedSyncStopsEveryGroupWithItsReason) {
  StartAll({7, 8});
  Lead(1, 7);
  Lead(2, 8);
  RunFor(3);
  processes_[1].fs->SetObserver([](const vfs::Operation& operation) {
    return vfs::Fault{.error_number = operation.op == vfs::Op::kMappedSync ? EIO : 0};
  });
  const Outcome outcome = Propose(1, 7, "a");
  EXPECT_TRUE(outcome.refusal == Refusal::kUnknown) << ToString(outcome.refusal);
  for (const GroupId group : {7, 8}) {
    EXPECT_EQ(machine(1, group).stopped.code(), StatusCode::kUnavailable);
    EXPECT_EQ(node(1).GetStatus(group)->failure.ToString(), machine(1, group).stopped.ToString());
  }
  EXPECT_EQ(Propose(1, 7, "a").refusal, Refusal::kStopped);
}

TEST_F(NodeTest, AMachineThatCannotApplyStopsItsGroupAndNoOther) {
  StartAll({7, 8});
  Lead(1, 7);
  Lead(1, 8);
  machine(1, 7).answer = Status::IoError("write", EIO);
  EXPECT_FALSE(Propose(1, 7, "a").ok());
  EXPECT_FALSE(machine(1, 7).stopped.ok());
  EXPECT_TRUE(Propose(1, 8, "a").ok());
}

TEST_F(NodeTest, ARemovedMemberIsForgottenByTheLog) {
  StartAll({7, 8});
  Lead(1, 8);
  Status removed = Status::Internal("not yet");
  node(3).RemoveGroup(7, [&](const Status& status) { removed = status; });
  RunFor(2);
  EXPECT_EQ(removed.ToString(), "OK");
  EXPECT_EQ(processes_[3].log->Groups(), std::vector<raftlog::GroupId>{8});
  EXPECT_EQ(node(3).Groups(), std::vector<GroupId>{8});
  EXPECT_TRUE(Propose(1, 8, "a").ok());
}

TEST_F(NodeTest, TheStatusSaysWhatAGroupWaitsForAndSinceWhen) {
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  EXPECT_TRUE(node(1).GetStatus(7)->waits.empty());
  cut_ = {2, 3};
  const uint64_t now = runtime_->clock().MonotonicMicros();
  node(1).Propose(7, raft::Payload("a"), nullptr);
  RunFor(5);
  const GroupStatus status = *node(1).GetStatus(7);
  ASSERT_EQ(status.waits.size(), 1U);
  EXPECT_EQ(status.waits[0].what, WaitFor::kQuorum);
  EXPECT_EQ(status.waits[0].since_us, now);
  EXPECT_NE(ToString(status, now + 50'000).find("waits for a quorum since 50 ms"),
            std::string::npos)
      << ToString(status, now + 50'000);
  machine(2, 7).held = true;
  EXPECT_FALSE(node(1).GetStatus(9).has_value());
}

TEST_F(NodeTest, TheLeadershipIsHandedOver) {
  StartAll({7});
  Lead(1, 7);
  RunFor(3);
  node(1).TransferLeader(7, 3);
  RunFor(5);
  EXPECT_EQ(machine(3, 7).role, raft::Role::kLeader);
}

TEST_F(NodeTest, MessagesForAnUnknownGroupAreShownToTheOwner) {
  std::vector<GroupId> unknown;
  node_options_.unknown_group = [&](const Envelope& envelope) {
    unknown.push_back(envelope.group);
  };
  StartAll({7});
  node(1).Receive({{9, {.type = raft::MessageType::kHeartbeat, .to = 1, .from = 2, .term = 1}}});
  RunFor(1);
  EXPECT_EQ(unknown, std::vector<GroupId>{9});
}

}  // namespace
}  // namespace nokv::raftnode
