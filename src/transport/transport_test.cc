// What a transport promises, over a network in virtual time.
#include "transport/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "base/crc32c.h"
#include "rpc/call_test_util.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"

namespace nokv::transport {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Lines final : public base::Logger {
 public:
  void Log(base::LogLevel /*level*/, std::string_view message) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

class Ear final : public Receiver {
 public:
  void Receive(NodeId from, Batch messages) override {
    for (GroupMessage& message : messages) {
      senders.insert(from);
      received.push_back(std::move(message));
    }
  }
  void ReportUnreachable(GroupId group, raft::NodeId to) override {
    unreachable.emplace_back(group, to);
  }
  void ReportSnapshot(GroupId /*group*/, raft::NodeId /*to*/, bool arrived) override {
    snapshots.push_back(arrived);
  }

  std::set<NodeId> senders;
  std::vector<GroupMessage> received;
  std::vector<std::pair<GroupId, raft::NodeId>> unreachable;
  std::vector<bool> snapshots;
};

// Says a word, and wants to hear another.
struct Password final : Identity {
  std::string Greeting() const override { return says; }
  Status Greeted(NodeId /*from*/, std::string_view greeting) override {
    if (!open) return Status::Unavailable("it is closed");
    return greeting == wants ? Status::Ok() : Status::FailedPrecondition("that is not the word");
  }

  std::string says = {};
  std::string wants = {};
  bool open = true;
};

GroupMessage Heartbeat(GroupId group, uint64_t commit = 0) {
  return {
      .group = group,
      .message = {
          .type = raft::MessageType::kHeartbeat, .to = 2, .from = 1, .term = 1, .commit = commit}};
}

GroupMessage SnapshotMessage(size_t size) {
  raft::Snapshot snapshot{
      .data = raft::Payload(std::string(size, 's')), .conf_state = {}, .index = 5, .term = 1};
  snapshot.conf_state.voters = {1, 2};
  GroupMessage message{
      .group = 3, .message = {.type = raft::MessageType::kSnap, .to = 2, .from = 1, .term = 1}};
  message.message.snapshot = std::make_shared<raft::Snapshot>(std::move(snapshot));
  return message;
}

// Two nodes and what is between them.
class TransportTest : public testing::Test {
 protected:
  TransportTest()
      : runtime_(runtime::NewSimRuntime(1)),
        network_(*runtime_, [this](const std::string& from, const std::string& to) {
          return lost_.contains(from + to) ? std::nullopt : std::optional<uint64_t>(100);
        }) {}
  ~TransportTest() override {
    servers_.clear();
    nodes_.clear();
    runtime_->Advance(10'000);
  }

  struct Node {
    Ear ear;
    metrics::Registry registry;
    Password password;
    std::unique_ptr<Transport> transport;
  };

  rpc::Executor executor() {
    return [this](std::function<void()> task) {
      runtime_->Post(runtime::Lane::kLog, std::move(task));
    };
  }
  static std::string Address(NodeId node) { return std::string(1, static_cast<char>('a' + node)); }
  Node& Start(NodeId id, TransportOptions options = {}) {
    auto node = std::make_unique<Node>();
    if (options.cluster == 0) options.cluster = 77;
    options.node = id;
    node->transport = std::make_unique<Transport>(
        options,
        TransportDoors{runtime_->clock(), log_, node->registry,
                       [this, id](const std::string& address) {
                         return network_.NewChannel(Address(id), address, executor(),
                                                    {.max_message_bytes = size_t{64} << 20});
                       },
                       &node->password},
        node->ear);
    std::vector<rpc::Service> services;
    services.push_back(node->transport->MakeService(executor()));
    auto server = network_.Listen(Address(id), std::move(services));
    EXPECT_TRUE(server.ok()) << server.status();
    servers_.push_back(std::move(server).value());
    return *nodes_.emplace_back(std::move(node));
  }
  void StartTwo(const TransportOptions& first = {}, const TransportOptions& second = {}) {
    one_ = &Start(1, first);
    two_ = &Start(2, second);
    one_->transport->SetPeer(2, Address(2));
    two_->transport->SetPeer(1, Address(1));
  }
  void Send(GroupMessage message) const { one_->transport->Send(2, {std::move(message)}); }
  void Run(uint64_t ms = 10) { runtime_->Advance(ms * 1000); }
  uint64_t Refusals(Node& node, const std::string& reason) {
    return node.registry.GetCounter("nokv_transport_refused_total", "", {{"reason", reason}})
        .value();
  }
  uint64_t Drops(Node& node, const std::string& reason) {
    return node.registry
        .GetCounter("nokv_transport_dropped_messages_total", "", {{"reason", reason}})
        .value();
  }
  // Says this to node 2 as a client of `method`; the status with which the call ended.
  Status Say(const std::string& method, const std::vector<std::string>& requests) {
    const auto channel = network_.NewChannel("x", Address(2), executor());
    const auto handler = std::make_shared<rpc::RecordingHandler>();
    const auto call = channel->Open("/nokv.raft.v1.RaftTransport/" + method, {}, handler);
    for (const std::string& request : requests) call->Send(request);
    Run();
    call->End(Status::Aborted("nothing was said"));
    Run();
    return handler->WaitForDone();
  }

  Lines log_;
  std::set<std::string> lost_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  rpc::InProcessNetwork network_;
  std::vector<std::unique_ptr<rpc::Server>> servers_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Node* one_ = nullptr;
  Node* two_ = nullptr;
};

TEST_F(TransportTest, CarriesMessagesOfAllGroupsInOrder) {
  StartTwo();
  for (uint64_t i = 0; i < 100; ++i) Send(Heartbeat(i % 3, i));
  Run();
  ASSERT_THAT(two_->ear.received, SizeIs(100));
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(two_->ear.received[i].group, i % 3);
    EXPECT_EQ(two_->ear.received[i].message.commit, i);
  }
  EXPECT_THAT(two_->ear.senders, ElementsAre(1));
  EXPECT_THAT(one_->ear.unreachable, IsEmpty());
  EXPECT_EQ(one_->transport->stats().dials, 1U);
}

TEST_F(TransportTest, WhatComesDuringAWriteIsTheNextBatch) {
  StartTwo();
  Send(Heartbeat(1));
  Run();
  const auto batches = [&] {
    return one_->registry.GetCounter("nokv_transport_sent_batches_total", "").value();
  };
  EXPECT_EQ(batches(), 1U);
  for (int i = 0; i < 500; ++i) Send(Heartbeat(1));
  Run();
  EXPECT_THAT(two_->ear.received, SizeIs(501));
  EXPECT_LE(batches(), 3U);
}

TEST_F(TransportTest, DropsAndReportsWhatDoesNotFit) {
  StartTwo({.max_queued_messages = 10});
  for (int i = 0; i < 25; ++i) Send(Heartbeat(4));
  EXPECT_EQ(Drops(*one_, "queue_full"), 15U);
  EXPECT_THAT(one_->ear.unreachable, Contains(std::pair<GroupId, raft::NodeId>(4, 2)));
  Run();
  EXPECT_THAT(two_->ear.received, SizeIs(10));
}

TEST_F(TransportTest, WhatWaitsLeavesInOrderAndInBatchesOfALimitedSize) {
  StartTwo({.max_batch_bytes = 1000});
  for (uint64_t i = 0; i < 20; ++i) {
    GroupMessage message = Heartbeat(4, i);
    message.message.context = std::string(200, 'c');
    Send(std::move(message));
  }
  Run();
  ASSERT_THAT(two_->ear.received, SizeIs(20));
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(two_->ear.received[i].message.commit, i);
  const uint64_t batches =
      one_->registry.GetCounter("nokv_transport_sent_batches_total", "").value();
  EXPECT_GE(batches, 4U) << "a thousand bytes are four or five of them";
  EXPECT_LE(batches, 6U);
}

TEST_F(TransportTest, DropsAndReportsWhatIsTooLong) {
  StartTwo({.max_request_bytes = 10'000});
  GroupMessage message = Heartbeat(4);
  message.message.type = raft::MessageType::kApp;
  message.message.entries.push_back(
      {.term = 1, .index = 1, .data = raft::Payload(std::string(10'000, 'x'))});
  Send(std::move(message));
  Send(Heartbeat(5));
  Run();
  EXPECT_EQ(Drops(*one_, "too_long"), 1U);
  EXPECT_THAT(two_->ear.received, SizeIs(1));
}

TEST_F(TransportTest, ReportsMessagesToNodesThatItDoesNotKnow) {
  Node& node = Start(1);
  node.transport->Send(9, {Heartbeat(6), SnapshotMessage(1)});
  EXPECT_EQ(Drops(node, "unknown_node"), 2U);
  EXPECT_THAT(node.ear.unreachable, SizeIs(1));
  EXPECT_THAT(node.ear.snapshots, ElementsAre(false));
}

TEST_F(TransportTest, TriesAgainAfterAPauseThatGrows) {
  one_ = &Start(1, {.min_backoff_ms = 100, .max_backoff_ms = 400});
  one_->transport->SetPeer(2, Address(2));
  std::vector<uint64_t> pauses;
  uint64_t last_ms = 0;
  uint64_t dials = 0;
  for (uint64_t ms = 0; ms < 2000; ms += 10) {
    Send(Heartbeat(1));
    Run(10);
    const uint64_t now = one_->transport->stats().dials;
    if (now == std::exchange(dials, now)) continue;
    pauses.push_back(ms - std::exchange(last_ms, ms));
  }
  ASSERT_GE(pauses.size(), 5U);
  EXPECT_NEAR(static_cast<double>(pauses[1]), 100, 20);
  EXPECT_NEAR(static_cast<double>(pauses[2]), 200, 20);
  EXPECT_NEAR(static_cast<double>(pauses[3]), 400, 20);
  EXPECT_NEAR(static_cast<double>(pauses[4]), 400, 20);
  EXPECT_GT(Drops(*one_, "unreachable"), 100U);
  EXPECT_THAT(one_->ear.unreachable, SizeIs(testing::Gt(100U)));
  EXPECT_TRUE(one_->transport->stats().watchdog_active);
  EXPECT_THAT(one_->transport->stats().watchdog_reason, HasSubstr("nobody listens"));

  two_ = &Start(2);
  two_->transport->SetPeer(1, Address(1));
  Run(400);
  Send(Heartbeat(1));
  Run();
  EXPECT_THAT(two_->ear.received, SizeIs(1));
  EXPECT_FALSE(one_->transport->stats().watchdog_active);
}

TEST_F(TransportTest, BeginsANewStreamAfterTheConnectionBroke) {
  StartTwo({.min_backoff_ms = 20});
  Send(Heartbeat(1));
  Run();
  lost_ = {Address(1) + Address(2)};
  Send(Heartbeat(1));
  Run();
  Send(Heartbeat(1));
  Run();
  EXPECT_THAT(one_->ear.unreachable, SizeIs(testing::Ge(1U)));
  lost_.clear();
  Run(100);
  Send(Heartbeat(8));
  Run();
  EXPECT_EQ(two_->ear.received.back().group, 8U);
}

TEST_F(TransportTest, CarriesSnapshotsInChunks) {
  StartTwo({.snapshot_chunk_bytes = 1000}, {.snapshot_chunk_bytes = 1000});
  Send(SnapshotMessage(10'500));
  Send(Heartbeat(1));
  Send(SnapshotMessage(0));
  Run(100);
  ASSERT_THAT(two_->ear.received, SizeIs(3));
  std::erase_if(two_->ear.received,
                [](const GroupMessage& m) { return m.message.snapshot == nullptr; });
  ASSERT_THAT(two_->ear.received, SizeIs(2));
  EXPECT_EQ(two_->ear.received[0].message.snapshot->data.view(), std::string(10'500, 's'));
  EXPECT_EQ(two_->ear.received[0].message.snapshot->conf_state.voters,
            std::vector<raft::NodeId>({1, 2}));
  EXPECT_EQ(two_->ear.received[1].message.snapshot->data.size(), 0U);
  EXPECT_THAT(one_->ear.snapshots, ElementsAre(true, true));
}

TEST_F(TransportTest, ReportsSnapshotsThatDidNotArrive) {
  StartTwo({.snapshot_chunk_bytes = 1000}, {.max_snapshot_bytes = 5000});
  Send(SnapshotMessage(10'500));
  Run(100);
  EXPECT_THAT(one_->ear.snapshots, ElementsAre(false));
  EXPECT_EQ(Refusals(*two_, "too_long"), 1U);
  lost_ = {Address(1) + Address(2)};
  Send(SnapshotMessage(10));
  Run(100);
  EXPECT_THAT(one_->ear.snapshots, ElementsAre(false, false));
}

TEST_F(TransportTest, RefusesOtherClustersAndNodes) {
  StartTwo();
  const auto hello = [&](const Hello& said) { return Say("Messages", {EncodeHello(said)}); };
  EXPECT_EQ(hello({.cluster = 78, .from = 1, .to = 2}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refusals(*two_, "cluster"), 1U);
  EXPECT_EQ(hello({.cluster = 77, .from = 1, .to = 3}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refusals(*two_, "wrong_node"), 1U);
  EXPECT_EQ(hello({.cluster = 77, .from = 5, .to = 2}).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Refusals(*two_, "unknown_node"), 1U);
  EXPECT_EQ(hello({.protocol = 2, .cluster = 77, .from = 1, .to = 2}).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refusals(*two_, "protocol"), 1U);
  EXPECT_THAT(log_.lines, Contains(HasSubstr("node 1 is of cluster 78, and this node of 77")));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("node 5 is not known here")));
}

TEST_F(TransportTest, BothSidesJudgeWhatTheOtherSaysOfItself) {
  StartTwo({.min_backoff_ms = 1}, {.min_backoff_ms = 1});
  // Whoever is wrong, both know.
  for (Password* wrong : {&one_->password, &two_->password}) {
    const uint64_t before_one = Refusals(*one_, "identity");
    const uint64_t before_two = Refusals(*two_, "identity");
    wrong->says = "foe";
    Send(Heartbeat(1));
    Run(100);
    EXPECT_GT(Refusals(*one_, "identity"), before_one);
    EXPECT_EQ(Refusals(*two_, "identity") > before_two, wrong == &one_->password);
    wrong->says.clear();
  }
  EXPECT_THAT(two_->ear.received, IsEmpty());
  EXPECT_THAT(log_.lines, Contains(HasSubstr("[identity]: that is not the word")));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("node 2 refuses this one: that is not the word")));
  Send(Heartbeat(1));
  Run(100);
  EXPECT_THAT(two_->ear.received, SizeIs(1));
}

TEST_F(TransportTest, WhoIsToComeAgainIsNoStranger) {
  StartTwo({.min_backoff_ms = 1}, {.min_backoff_ms = 1});
  two_->password.open = false;
  Send(Heartbeat(1));
  Run(100);
  EXPECT_THAT(two_->ear.received, IsEmpty());
  EXPECT_EQ(Refusals(*one_, "identity") + Refusals(*two_, "identity"), 0U);
  EXPECT_FALSE(one_->ear.unreachable.empty());
  two_->password.open = true;
  Send(Heartbeat(1));
  Run(100);
  EXPECT_THAT(two_->ear.received, SizeIs(1));
}

TEST_F(TransportTest, ASnapshotOfAStrangerIsRefused) {
  StartTwo();
  one_->password.says = "foe";
  Send(SnapshotMessage(10'000));
  Run(100);
  EXPECT_THAT(one_->ear.snapshots, ElementsAre(false));
  EXPECT_EQ(Refusals(*two_, "identity"), 1U);
}

TEST_F(TransportTest, RefusesANodeThatWasRemoved) {
  StartTwo();
  Send(Heartbeat(1));
  Run();
  two_->transport->RemovePeer(1);
  Run();
  Send(Heartbeat(1));
  Run(100);
  Send(Heartbeat(1));
  Run(100);
  EXPECT_THAT(two_->ear.received, SizeIs(1));
  EXPECT_GE(Refusals(*two_, "removed_node"), 1U);
  EXPECT_THAT(log_.lines, Contains(HasSubstr("node 1 was removed")));
  two_->transport->SetPeer(1, Address(1));
  Run(2000);
  Send(Heartbeat(1));
  Run(100);
  EXPECT_THAT(two_->ear.received, SizeIs(1)) << "an id is not used again";
}

TEST_F(TransportTest, RefusesWhatIsNoMessage) {
  StartTwo();
  const std::string hello = EncodeHello({.cluster = 77, .from = 1, .to = 2});
  Batch batch;
  batch.push_back(Heartbeat(1));
  EXPECT_EQ(Say("Messages", {"\xff\xff"}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Say("Messages", {EncodeBatch(batch)}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Say("Messages", {hello, hello}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Say("Messages", {hello, "\x12\x02"}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusals(*two_, "malformed"), 4U);
  EXPECT_THAT(two_->ear.received, IsEmpty());
}

TEST_F(TransportTest, RefusesARequestThatIsTooLong) {
  StartTwo({}, {.max_request_bytes = 5000});
  EXPECT_EQ(Say("Messages", {std::string(5001, 'x')}).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Refusals(*two_, "too_long"), 1U);
  EXPECT_THAT(log_.lines, Contains(HasSubstr("a message of 5001 bytes, and 5000 are the limit")));
}

TEST_F(TransportTest, RefusesChunksThatDoNotFit) {
  StartTwo({}, {.snapshot_chunk_bytes = 1000});
  const std::string hello = EncodeSnapshotHello({.cluster = 77, .from = 1, .to = 2});
  SnapshotHeader header{.message = SnapshotMessage(0), .size_bytes = 20, .crc32c = 1};
  const std::string begin = EncodeSnapshotHeader(header);
  const std::string ten(10, 'x');
  std::string damaged = EncodeSnapshotChunk(0, ten);
  damaged.back() ^= 1;
  for (const std::vector<std::string>& requests : std::vector<std::vector<std::string>>{
           {hello, EncodeSnapshotChunk(0, ten)},                                      // of nothing
           {hello, begin, EncodeSnapshotChunk(5, ten)},                               // a hole
           {hello, begin, EncodeSnapshotChunk(0, ten), EncodeSnapshotChunk(0, ten)},  // again
           {hello, begin, EncodeSnapshotChunk(0, std::string(21, 'x'))},              // too much
           {hello, begin, EncodeSnapshotChunk(0, "")},                                // nothing
           {hello, begin, damaged},
           {hello, begin, EncodeSnapshotChunk(0, ten), EncodeSnapshotChunk(10, ten)}}) {
    const uint64_t before = Refusals(*two_, "chunk");
    EXPECT_EQ(Say("Snapshot", requests).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(Refusals(*two_, "chunk"), before + 1);
  }
  EXPECT_EQ(
      Say("Snapshot", {hello, begin, EncodeSnapshotChunk(0, std::string(100'000, 'x'))}).code(),
      StatusCode::kResourceExhausted);
  EXPECT_EQ(Say("Snapshot", {begin}).code(), StatusCode::kInvalidArgument) << "no hello";
  EXPECT_THAT(two_->ear.received, IsEmpty());
}

TEST_F(TransportTest, TakesOnlySoManySnapshotsAtATime) {
  StartTwo({}, {.max_incoming_snapshots = 1});
  const std::string hello = EncodeSnapshotHello({.cluster = 77, .from = 1, .to = 2});
  const std::string begin = EncodeSnapshotHeader({.message = SnapshotMessage(0), .size_bytes = 9});
  const auto channel = network_.NewChannel("x", Address(2), executor());
  const auto handler = std::make_shared<rpc::RecordingHandler>();
  const auto first = channel->Open("/nokv.raft.v1.RaftTransport/Snapshot", {}, handler);
  first->Send(hello);
  first->Send(begin);
  Run();
  EXPECT_EQ(Say("Snapshot", {hello, begin}).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Refusals(*two_, "busy"), 1U);
  first->End(Status::Aborted("enough"));
  Run();
  Send(SnapshotMessage(100));
  Run();
  EXPECT_THAT(one_->ear.snapshots, ElementsAre(true));
}

TEST_F(TransportTest, LogsOneLineInAWhileForEachReason) {
  StartTwo({}, {.log_interval_ms = 5000});
  const std::string hello = EncodeHello({.cluster = 78, .from = 1, .to = 2});
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Say("Messages", {hello}).ok());
  EXPECT_THAT(log_.lines, SizeIs(1));
  Run(5000);
  EXPECT_FALSE(Say("Messages", {hello}).ok());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("[cluster]"), HasSubstr("and 19 like it before")));
}

}  // namespace
}  // namespace nokv::transport
