// What a client promises, among nodes that are scripted, over a network in virtual time.
#include "metaroot/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nokv/meta/v1/root.pb.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "rpc/in_process.h"
#include "rpc/unary.h"
#include "runtime/sim_runtime.h"

namespace nokv::metaroot {
namespace {

namespace wire = ::nokv::meta::v1;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A node that says what it is told to.
struct FakeNode {
  uint64_t leader = 1;  // says that this one leads
  int appends = 0;      // that it was asked for
  bool mute = false;    // takes calls, says nothing
  Status fails;
  Outcome outcome;
  std::vector<std::shared_ptr<rpc::Call>> watchers;
  std::vector<wire::WatchRequest> watched;
  std::unique_ptr<rpc::Server> server;
};

class WatchHandler final : public rpc::CallHandler {
 public:
  WatchHandler(FakeNode& node, std::shared_ptr<rpc::Call> call)
      : node_(node), call_(std::move(call)) {}
  void OnMessage(rpc::Call& /*call*/, std::string message) override {
    ASSERT_TRUE(node_.watched.emplace_back().ParseFromString(message));
    node_.watchers.push_back(call_);
  }
  void OnPeerEnded(rpc::Call& /*call*/) override {}
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override { call_.reset(); }

 private:
  FakeNode& node_;
  std::shared_ptr<rpc::Call> call_;
};

class Ear final : public Listener {
 public:
  void OnState(State state) override { heard.push_back("state " + std::to_string(state.revision)); }
  Status OnEvents(std::vector<TailEvent> events) override {
    for (const TailEvent& event : events) heard.push_back(std::to_string(event.revision));
    return follows ? Status::Ok() : Status::Internal("cannot follow");
  }
  void OnHeartbeat(uint64_t revision) override {
    heard.push_back("heartbeat " + std::to_string(revision));
  }
  void OnLost(const Status& why) override { lost.push_back(why.ToString()); }

  bool follows = true;
  std::vector<std::string> heard;
  std::vector<std::string> lost;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest()
      : runtime_(runtime::NewSimRuntime(1)),
        network_(*runtime_, [this](const std::string& from, const std::string& to) {
          const bool lost = unreachable_.contains(from) || unreachable_.contains(to);
          return lost ? std::nullopt : std::optional<uint64_t>(100);
        }) {
    for (uint64_t id = 1; id <= 3; id++) Listen(id);
    ClientOptions options;
    for (uint64_t id = 1; id <= 3; id++) options.members.push_back({id, Address(id)});
    client_ = std::make_unique<Client>(*runtime_, options, [this](const std::string& address) {
      return network_.NewChannel("client", address, executor());
    });
  }
  ~ClientTest() override {
    client_.reset();
    for (auto& [id, node] : nodes_) {
      node.watchers.clear();
      node.server.reset();
    }
    runtime_->Advance(10'000'000);
  }

  static std::string Address(uint64_t id) { return "root" + std::to_string(id); }
  rpc::Executor executor() {
    return [this](std::function<void()> task) {
      runtime_->Post(runtime::Lane::kLog, std::move(task));
    };
  }
  void Listen(uint64_t id) {
    FakeNode& node = nodes_[id];
    rpc::Service service;
    service.name = kServiceName;
    service.executor = executor();
    service.methods.push_back(
        rpc::UnaryMethod("Append", [&node, id](const std::string& request, rpc::Answer answer) {
          node.appends++;
          Serve(node, id, request, std::move(answer));
        }));
    service.methods.push_back(
        rpc::UnaryMethod("Confirm", [&node](const std::string& /*request*/, rpc::Answer answer) {
          if (node.mute) return;
          if (!node.fails.ok()) return answer(node.fails);
          wire::ConfirmResponse response;
          ToWire(node.outcome.head, response.mutable_head());
          answer(response.SerializeAsString());
        }));
    service.methods.push_back({"Watch", [&node](const std::shared_ptr<rpc::Call>& call) {
                                 return std::make_shared<WatchHandler>(node, call);
                               }});
    auto server = network_.Listen(Address(id), {service});
    ASSERT_TRUE(server.ok()) << server.status();
    node.server = std::move(server).value();
  }
  static void Serve(FakeNode& node, uint64_t id, const std::string& request,
                    const rpc::Answer& answer) {
    wire::AppendRequest parsed;
    ASSERT_TRUE(parsed.ParseFromString(request));
    if (node.mute) return;
    if (!node.fails.ok()) return answer(node.fails);
    wire::AppendResponse response;
    if (node.leader == id) {
      ToWire(node.outcome, &response);
    } else {
      response.mutable_not_proposed()->set_leader_node_id(node.leader);
    }
    answer(response.SerializeAsString());
  }

  Result<Outcome> Append(Command command = {.events = {ClusterCreated{7}}}) {
    Result<Outcome> result = Status::Internal("no answer");
    client_->Append(command, 5'000, [&](Result<Outcome> outcome) { result = std::move(outcome); });
    runtime_->Advance(6'000'000);
    return result;
  }
  static void Tell(const FakeNode& node, const wire::WatchResponse& response) {
    node.watchers.back()->Send(response.SerializeAsString());
  }
  static void TellState(const FakeNode& node, uint64_t revision) {
    State state;
    state.revision = revision;
    for (const wire::StatePart& part : ToParts(state)) {
      wire::WatchResponse response;
      *response.mutable_state() = part;
      Tell(node, response);
    }
  }
  static void TellEvent(const FakeNode& node, uint64_t revision) {
    wire::WatchResponse response;
    ToWire(TailEvent{revision, LeaseGranted{"c1", 1}}, response.mutable_events()->add_events());
    Tell(node, response);
  }
  static void TellHeartbeat(const FakeNode& node, uint64_t revision) {
    wire::WatchResponse response;
    response.mutable_heartbeat()->set_revision(revision);
    Tell(node, response);
  }
  void Run(uint64_t ms = 10) { runtime_->Advance(ms * 1000); }

  std::set<std::string> unreachable_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  rpc::InProcessNetwork network_;
  std::map<uint64_t, FakeNode> nodes_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, BelievesWhoSaysThatAnotherLeads) {
  for (auto& [id, node] : nodes_) node.leader = 3;
  nodes_[3].outcome.applied = 1;
  const Result<Outcome> outcome = Append();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->applied, 1U);
  EXPECT_EQ(nodes_[2].appends, 0);
  // And begins with it the next time.
  ASSERT_TRUE(Append().ok());
  EXPECT_EQ(nodes_[1].appends, 1);
  EXPECT_EQ(nodes_[3].appends, 2);
}

TEST_F(ClientTest, OneNodeThatIsGoneOrMuteCostsAnAttempt) {
  for (auto& [id, node] : nodes_) node.leader = 2;
  nodes_[1].server.reset();
  ASSERT_TRUE(Append().ok());
  nodes_[2].mute = true;
  nodes_[3].leader = 3;
  const Result<Outcome> outcome = Append();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(nodes_[3].appends, 1);
}

TEST_F(ClientTest, WaitsForALeaderUntilTheDeadline) {
  for (auto& [id, node] : nodes_) node.leader = 0;
  EXPECT_EQ(Append().status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_GT(nodes_[1].appends, 3);
  EXPECT_LT(nodes_[1].appends, 100) << "without a pause";
}

TEST_F(ClientTest, ARefusalIsAnOutcomeWithTheHead) {
  nodes_[1].outcome = {.status = Status::Aborted("c2 holds the lease"), .head = {.revision = 9}};
  const Result<Outcome> outcome = Append();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->status.code(), StatusCode::kAborted);
  EXPECT_EQ(outcome->head.revision, 9U);
}

// It may have been taken, and would then be refused for its own sake.
TEST_F(ClientTest, ACommandWithAConditionIsNotAskedAgainWhenNobodyKnows) {
  nodes_[1].fails = Status(StatusCode::kUnknown, "lost");
  EXPECT_EQ(Append({.events = {ClusterCreated{7}}, .expected_revision = 0}).status().code(),
            StatusCode::kUnknown);
  EXPECT_EQ(nodes_[1].appends + nodes_[2].appends + nodes_[3].appends, 1);
  nodes_[1].fails = Status::Ok();
  nodes_[2].leader = 2;
  EXPECT_TRUE(Append({.events = {ClusterCreated{7}}, .expected_revision = 0}).ok());
}

TEST_F(ClientTest, AsksOnForWhatCanBeToldTwice) {
  nodes_[1].fails = Status(StatusCode::kUnknown, "lost");
  nodes_[2].leader = 2;
  EXPECT_TRUE(Append().ok());
  nodes_[2].fails = Status::InvalidArgument("no event");
  EXPECT_EQ(Append().status().code(), StatusCode::kInvalidArgument) << "is wrong everywhere";
}

TEST_F(ClientTest, SomethingElseAtOneAddressIsPassedBy) {
  nodes_[1].fails = Status::Unimplemented("a store");
  nodes_[2].leader = 2;
  const Result<Outcome> outcome = Append();
  EXPECT_TRUE(outcome.ok()) << outcome.status();
}

TEST_F(ClientTest, AnyNodeConfirms) {
  nodes_[1].fails = Status::Unavailable("no quorum");
  nodes_[2].outcome.head.revision = 12;
  Result<StateHead> head = Status::Internal("no answer");
  client_->Confirm(1'000, [&](Result<StateHead> confirmed) { head = std::move(confirmed); });
  Run();
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->revision, 12U);
}

TEST_F(ClientTest, FollowsAnotherNodeFromWhereItWas) {
  Ear ear;
  client_->Follow(std::nullopt, &ear);
  Run();
  ASSERT_EQ(nodes_[1].watched.size(), 1U);
  EXPECT_FALSE(nodes_[1].watched[0].has_after_revision());
  TellState(nodes_[1], 5);
  TellEvent(nodes_[1], 6);
  TellHeartbeat(nodes_[1], 6);
  Run();
  nodes_[1].watchers.clear();
  nodes_[1].server.reset();
  Run();
  ASSERT_EQ(nodes_[2].watched.size(), 1U);
  EXPECT_EQ(nodes_[2].watched[0].after_revision(), 6U);
  TellEvent(nodes_[2], 7);
  Run();
  EXPECT_THAT(ear.heard, ElementsAre("state 5", "6", "heartbeat 6", "7"));
  EXPECT_THAT(ear.lost, ElementsAre(HasSubstr("root1")));
}

TEST_F(ClientTest, LeavesANodeThatSaysNothing) {
  Ear ear;
  client_->Follow(4, &ear);
  Run();
  unreachable_.insert("root1");
  Run(1'400);
  EXPECT_THAT(nodes_[2].watched, IsEmpty());
  Run(200);
  ASSERT_EQ(nodes_[2].watched.size(), 1U);
  EXPECT_EQ(nodes_[2].watched[0].after_revision(), 4U);
}

TEST_F(ClientTest, LeavesANodeThatLeavesOutEvents) {
  Ear ear;
  client_->Follow(4, &ear);
  Run();
  TellEvent(nodes_[1], 6);
  Run();
  EXPECT_THAT(ear.heard, IsEmpty());
  EXPECT_THAT(ear.lost, ElementsAre(HasSubstr("left out")));
  TellHeartbeat(nodes_[2], 5);
  Run();
  EXPECT_EQ(ear.lost.size(), 2U);
  // And whoever would take it back.
  TellState(nodes_[3], 3);
  Run();
  EXPECT_THAT(ear.heard, IsEmpty());
  EXPECT_EQ(ear.lost.size(), 3U);
}

TEST_F(ClientTest, AListenerThatCannotFollowGetsTheStateAnew) {
  Ear ear;
  client_->Follow(4, &ear);
  Run();
  ear.follows = false;
  TellEvent(nodes_[1], 5);
  Run();
  EXPECT_THAT(ear.lost, ElementsAre(HasSubstr("cannot follow")));
  ASSERT_EQ(nodes_[2].watched.size(), 1U);
  EXPECT_FALSE(nodes_[2].watched[0].has_after_revision());
  ear.follows = true;
  TellState(nodes_[2], 4);
  Run();
  ASSERT_EQ(nodes_[3].watched.size(), 1U) << "a node that is behind does not help";
  EXPECT_FALSE(nodes_[3].watched[0].has_after_revision());
  TellState(nodes_[3], 5);
  TellEvent(nodes_[3], 6);
  Run();
  EXPECT_THAT(ear.heard, ElementsAre("5", "state 5", "6"));
}

TEST_F(ClientTest, AnEventOfANewerVersionIsPassedByWithTheState) {
  Ear ear;
  client_->Follow(4, &ear);
  Run();
  wire::WatchResponse response;
  response.mutable_events()->add_events()->set_revision(5);
  Tell(nodes_[1], response);
  Run();
  EXPECT_EQ(ear.lost.size(), 1U);
  ASSERT_EQ(nodes_[2].watched.size(), 1U);
  EXPECT_FALSE(nodes_[2].watched[0].has_after_revision());
}

TEST_F(ClientTest, EndsWhatIsUnderWayWhenItGoes) {
  for (auto& [id, node] : nodes_) node.leader = 0;
  nodes_[2].mute = true;
  Ear ear;
  client_->Follow(4, &ear);
  std::vector<StatusCode> codes;
  client_->Append({.events = {ClusterCreated{7}}}, 5'000,
                  [&](Result<Outcome> outcome) { codes.push_back(outcome.status().code()); });
  Run(500);
  client_.reset();
  Run();
  EXPECT_THAT(codes, ElementsAre(StatusCode::kCancelled));
  Run(20'000);
  EXPECT_THAT(ear.lost, IsEmpty());
}

}  // namespace
}  // namespace nokv::metaroot
