// Three nodes of a metadata root and their clients, over memory disks, a virtual clock and calls
// within this process.
#include "server/meta_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "metaroot/client/client.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::server {
namespace {

using metaroot::Command;
using metaroot::Consistency;
using metaroot::Event;
using metaroot::LeaseEnded;
using metaroot::LeaseGranted;
using metaroot::NodeStatus;
using metaroot::State;
using metaroot::StateHead;
using metaroot::StoreJoined;
using metaroot::WindowReserved;
using testing::HasSubstr;

constexpr uint64_t kMs = 1000;

// Keeps a copy of the state as its events make it.
class Copy final : public metaroot::Listener {
 public:
  void OnState(State state) override {
    states++;
    revision = state.revision;
  }
  Status OnEvents(std::vector<metaroot::TailEvent> told) override {
    for (metaroot::TailEvent& event : told) {
      EXPECT_EQ(event.revision, revision + 1);
      revision = event.revision;
      events++;
    }
    return Status::Ok();
  }
  void OnHeartbeat(uint64_t confirmed) override {
    EXPECT_EQ(confirmed, revision);
    heartbeats++;
  }
  void OnLost(const Status& why) override { lost.push_back(why.ToString()); }

  uint64_t revision = 0;
  int states = 0;
  int events = 0;
  int heartbeats = 0;
  std::vector<std::string> lost;
};

class MetaRootTest : public testing::Test {
 protected:
  MetaRootTest()
      : runtime_(runtime::NewSimRuntime(7)),
        network_(*runtime_, [this](const std::string& from, const std::string& to) {
          const bool lost = cut_.contains(from) || cut_.contains(to);
          return lost ? std::nullopt : std::optional<uint64_t>(100);
        }) {
    for (uint64_t id = 1; id <= 3; id++) peers_[id] = "raft" + std::to_string(id);
  }
  ~MetaRootTest() override {
    clients_.clear();
    for (uint64_t id = 1; id <= 3; id++) Stop(id);
  }

  struct Process {
    std::unique_ptr<vfs::MemoryFileSystem> disk = vfs::NewMemoryFileSystem();
    std::unique_ptr<vfs::FaultFileSystem> fs = vfs::NewFaultFileSystem(*disk);
    metrics::Registry registry;
    std::unique_ptr<MetaRoot> root;
    std::unique_ptr<rpc::Server> server;
    std::unique_ptr<rpc::Server> transport_server;
    Status failure;
  };

  MetaRootOptions OptionsOf(uint64_t id) {
    MetaRootOptions options;
    options.workdir = "/root";
    options.node = id;
    options.peers = peers_;
    options.tick_us = 10 * kMs;
    options.seed = ++seed_;
    options.cluster_id = 100 * options.seed + id;
    options.snapshot_entries = 20;
    options.kept_entries = 5;
    return options;
  }
  Result<std::unique_ptr<MetaRoot>> Open(const MetaRootOptions& options) {
    Process& process = processes_[options.node];
    const std::string from = peers_[options.node];
    return MetaRoot::Open(options, {*runtime_, *process.fs, base::NullLogger(), process.registry,
                                    [this, from](const std::string& address) {
                                      return network_.NewChannel(
                                          from, address, rpc::AtOnce(),
                                          {.max_message_bytes = size_t{64} << 20});
                                    },
                                    [&process](const Status& why) { process.failure = why; }});
  }
  void LoseDisk(uint64_t id) {
    Process& process = processes_[id];
    process.disk = vfs::NewMemoryFileSystem();
    process.fs = vfs::NewFaultFileSystem(*process.disk);
    process.failure = Status::Ok();
  }
  void Start(uint64_t id) {
    Process& process = processes_[id];
    auto root = Open(OptionsOf(id));
    ASSERT_TRUE(root.ok()) << root.status();
    process.root = *std::move(root);
    process.server =
        network_.Listen("root" + std::to_string(id), {process.root->ClientService(rpc::AtOnce())})
            .value();
    process.transport_server =
        network_.Listen(peers_[id], {process.root->TransportService()}).value();
    process.root->Start();
  }
  void StartAll() {
    for (uint64_t id = 1; id <= 3; id++) Start(id);
    Run(1'000);
    ASSERT_NE(Leader(), 0U);
  }
  void Stop(uint64_t id) {
    Process& process = processes_[id];
    if (process.root == nullptr) return;
    process.server = nullptr;
    process.transport_server = nullptr;
    bool stopped = false;
    process.root->Stop([&stopped] { stopped = true; });
    Run(50);
    EXPECT_TRUE(stopped);
    process.root = nullptr;
  }
  // From the others and from clients.
  void CutOff(uint64_t id) {
    cut_.insert("root" + std::to_string(id));
    cut_.insert(peers_[id]);
  }

  metaroot::Client& NewClient(const std::vector<uint64_t>& nodes = {1, 2, 3}) {
    metaroot::ClientOptions options;
    for (const uint64_t id : nodes) options.members.push_back({id, "root" + std::to_string(id)});
    clients_.push_back(
        std::make_unique<metaroot::Client>(*runtime_, options, [this](const std::string& address) {
          return network_.NewChannel("client", address, rpc::AtOnce());
        }));
    return *clients_.back();
  }
  // Calls `ask` with a callback and waits for the answer.
  template <typename Value, typename Ask>
  Result<Value> Await(const Ask& ask) {
    std::optional<Result<Value>> answer;
    ask([&answer](Result<Value> got) { answer = std::move(got); });
    for (int i = 0; i < 1'000 && !answer.has_value(); i++) Run(5);
    EXPECT_TRUE(answer.has_value());
    return answer.has_value() ? *std::move(answer) : Result<Value>(Status::Internal("no answer"));
  }
  metaroot::Outcome Append(metaroot::Client& client, Command command) {
    Result<metaroot::Outcome> outcome = Await<metaroot::Outcome>(
        [&](auto done) { client.Append(command, 4'000, std::move(done)); });
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *outcome : metaroot::Outcome{.status = outcome.status()};
  }
  metaroot::Outcome Append(metaroot::Client& client, Event event) {
    return Append(client, Command{.events = {std::move(event)}});
  }
  Result<StateHead> Confirm(metaroot::Client& client, uint64_t deadline_ms = 4'000) {
    return Await<StateHead>([&](auto done) { client.Confirm(deadline_ms, std::move(done)); });
  }

  // Of the highest term; 0: none.
  uint64_t Leader() {
    uint64_t leader = 0;
    uint64_t term = 0;
    for (auto& [id, process] : processes_) {
      if (process.root == nullptr) continue;
      const NodeStatus status = process.root->status();
      if (status.leader != id || status.term < term) continue;
      leader = id;
      term = status.term;
    }
    return leader;
  }
  uint64_t Refusals(uint64_t id, const std::string& reason) {
    return processes_[id]
        .registry.GetCounter("nokv_transport_refused_total", "", {{"reason", reason}})
        .value();
  }
  uint64_t NotLeader() { return Leader() == 1 ? 2 : 1; }
  MetaRoot& root(uint64_t id) { return *processes_.at(id).root; }
  void Run(uint64_t ms) { runtime_->Advance(ms * kMs); }
  void ExpectEqualStates() {
    const auto [index, hash] = root(1).machine().AppliedHash();
    for (uint64_t id = 2; id <= 3; id++) {
      EXPECT_EQ(root(id).machine().AppliedHash(), std::pair(index, hash)) << id;
    }
  }

  std::map<uint64_t, std::string> peers_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::set<std::string> cut_;
  rpc::InProcessNetwork network_;
  std::map<uint64_t, Process> processes_;
  std::vector<std::unique_ptr<metaroot::Client>> clients_;
  uint64_t seed_ = 0;
};

TEST_F(MetaRootTest, FoundsOneClusterAndAgreesOnItsEvents) {
  StartAll();
  metaroot::Client& client = NewClient();
  const metaroot::Outcome joined = Append(client, StoreJoined{1, "a:1"});
  EXPECT_TRUE(joined.status.ok()) << joined.status;
  EXPECT_EQ(joined.head.revision, 2U);
  EXPECT_GT(joined.head.cluster_id, 100U);
  EXPECT_EQ(Append(client, StoreJoined{1, "a:1"}).applied, 0U) << "it is so already";
  Run(100);
  ExpectEqualStates();
  const NodeStatus status = root(NotLeader()).status();
  EXPECT_EQ(status.leader, Leader());
  EXPECT_EQ(status.stores, 1U);
  EXPECT_EQ(status.members, peers_);
}

TEST_F(MetaRootTest, ACommandIsRefusedIfSomethingHappenedSinceItWasDecided) {
  StartAll();
  metaroot::Client& client = NewClient();
  const uint64_t revision = Append(client, StoreJoined{1, "a:1"}).head.revision;
  EXPECT_TRUE(Append(client, {.events = {StoreJoined{2, "b:1"}}, .expected_revision = revision})
                  .status.ok());
  const metaroot::Outcome late =
      Append(client, {.events = {StoreJoined{3, "c:1"}}, .expected_revision = revision});
  EXPECT_EQ(late.status.code(), StatusCode::kAborted);
  EXPECT_EQ(late.head.revision, revision + 1);
  // All of it or nothing.
  EXPECT_FALSE(
      Append(client, {.events = {StoreJoined{4, "d:1"}, StoreJoined{5, "a:1"}}}).status.ok());
  EXPECT_EQ(root(Leader()).status().stores, 2U);
}

TEST_F(MetaRootTest, ALeaseGoesToAnotherOnceItsTimeHasPassed) {
  StartAll();
  metaroot::Client& client = NewClient();
  const metaroot::Outcome first = Append(client, LeaseGranted{"c1", 1'000});
  EXPECT_EQ(first.head.lease.generation, 1U);
  const metaroot::Outcome refused = Append(client, LeaseGranted{"c2", 1'000});
  EXPECT_EQ(refused.status.code(), StatusCode::kAborted);
  EXPECT_EQ(refused.head.lease.holder, "c1");
  Run(900);
  // Renewed, so its time begins anew.
  EXPECT_EQ(Append(client, LeaseGranted{"c1", 1'000}).head.lease.generation, 1U);
  Run(900);
  EXPECT_FALSE(Append(client, LeaseGranted{"c2", 1'000}).status.ok());
  Run(200);
  const metaroot::Outcome next = Append(client, LeaseGranted{"c2", 1'000});
  EXPECT_TRUE(next.status.ok()) << next.status;
  EXPECT_EQ(next.applied, 2U) << "the end and the grant in one";
  EXPECT_EQ(next.head.lease.generation, 2U);
  EXPECT_FALSE(Append(client, WindowReserved{metaroot::WindowKind::kIds, 1, 1, 10}).status.ok());
  EXPECT_TRUE(Append(client, WindowReserved{metaroot::WindowKind::kIds, 2, 1, 10}).status.ok());
}

TEST_F(MetaRootTest, ANewLeaderDoesNotCutALeaseShort) {
  StartAll();
  metaroot::Client& client = NewClient();
  Append(client, LeaseGranted{"c1", 3'000});
  Stop(Leader());
  Run(500);
  const metaroot::Outcome refused = Append(client, LeaseGranted{"c2", 1'000});
  EXPECT_EQ(refused.status.code(), StatusCode::kAborted) << refused.status;
  Run(3'000);
  EXPECT_TRUE(Append(client, LeaseGranted{"c2", 1'000}).status.ok());
}

TEST_F(MetaRootTest, OnlyTheRootSaysThatTheTimeOfALeaseHasPassed) {
  StartAll();
  metaroot::Client& client = NewClient();
  const uint64_t granted = Append(client, LeaseGranted{"c1", 1'000}).head.lease.granted_revision;
  const auto ended = Await<metaroot::Outcome>([&](auto done) {
    client.Append({.events = {LeaseEnded{1, false, granted}}}, 1'000, std::move(done));
  });
  EXPECT_EQ(ended.status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Append(client, LeaseEnded{1, true}).status.ok());
  EXPECT_EQ(Append(client, LeaseGranted{"c2", 1'000}).head.lease.generation, 2U);
}

TEST_F(MetaRootTest, OneNodeMayBeGoneAtAnyTimeEvenAtTheStart) {
  Start(1);
  Start(3);
  Run(1'000);
  metaroot::Client& client = NewClient();
  EXPECT_TRUE(Append(client, StoreJoined{1, "a:1"}).status.ok());
  Start(2);
  Run(500);
  const uint64_t leader = Leader();
  Stop(leader);
  EXPECT_TRUE(Append(client, StoreJoined{2, "b:1"}).status.ok());
  Start(leader);
  Run(500);
  ExpectEqualStates();
}

TEST_F(MetaRootTest, ANodeThatWasAwayForLongTakesASnapshot) {
  StartAll();
  const uint64_t away = NotLeader();
  Stop(away);
  metaroot::Client& client = NewClient();
  for (uint64_t i = 1; i <= 60; i++) {
    ASSERT_TRUE(Append(client, StoreJoined{i, "h" + std::to_string(i)}).status.ok());
  }
  Start(away);
  Run(500);
  ExpectEqualStates();
  // And all of it is there after all have been stopped.
  for (uint64_t id = 1; id <= 3; id++) Stop(id);
  StartAll();
  const Result<StateHead> head = Confirm(client);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->membership_epoch, 60U);
  ExpectEqualStates();
}

TEST_F(MetaRootTest, AnyNodeAnswersStrongReadsAndNoneThatIsCutOff) {
  StartAll();
  const uint64_t leader = Leader();
  metaroot::Client& client = NewClient();
  for (uint64_t id = 1; id <= 3; id++) {
    const uint64_t revision =
        Append(client, StoreJoined{id, "h" + std::to_string(id)}).head.revision;
    const Result<StateHead> head = Confirm(NewClient({id}));
    ASSERT_TRUE(head.ok()) << head.status();
    EXPECT_GE(head->revision, revision);
    metaroot::Client& asked = NewClient({id});
    const auto state = Await<State>(
        [&](auto done) { asked.GetState(Consistency::kStrong, 4'000, std::move(done)); });
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(HashOf(*state), HashOf(root(leader).machine().state()));
  }
  // Its raft hears nobody; clients reach it.
  cut_.insert(peers_[leader]);
  Run(1'000);
  metaroot::Client& others = NewClient();
  ASSERT_TRUE(Append(others, StoreJoined{9, "h9"}).status.ok());
  EXPECT_FALSE(Confirm(NewClient({leader}), 500).ok());
  metaroot::Client& stale = NewClient({leader});
  const auto state =
      Await<State>([&](auto done) { stale.GetState(Consistency::kAny, 500, std::move(done)); });
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->stores.contains(9));
  EXPECT_THAT(root(leader).Ready().ToString(), HasSubstr("leader"));
}

TEST_F(MetaRootTest, WhoFollowsIsToldEverythingOnceWhateverNodesDo) {
  StartAll();
  metaroot::Client& client = NewClient();
  Append(client, StoreJoined{1, "h1"});
  Run(100);  // until every node has it
  Copy copy;
  metaroot::Client& follower = NewClient();
  follower.Follow(std::nullopt, &copy);
  Run(1'100);
  EXPECT_EQ(copy.states, 1);
  EXPECT_EQ(copy.revision, 2U);
  EXPECT_GE(copy.heartbeats, 2);
  for (uint64_t i = 2; i <= 10; i++) {
    ASSERT_TRUE(Append(client, StoreJoined{i, "h" + std::to_string(i)}).status.ok());
  }
  CutOff(1);
  for (uint64_t i = 11; i <= 20; i++) {
    ASSERT_TRUE(Append(client, StoreJoined{i, "h" + std::to_string(i)}).status.ok());
  }
  Run(3'000);
  EXPECT_EQ(copy.revision, 21U);
  EXPECT_EQ(copy.events, 19);
  EXPECT_EQ(copy.states, 1);
  EXPECT_FALSE(copy.lost.empty());
}

TEST_F(MetaRootTest, WhoIsBehindTheTailGetsTheState) {
  StartAll();
  metaroot::Client& client = NewClient();
  for (size_t i = 0; i <= metaroot::kMaxTailEvents / metaroot::kMaxCommandEvents; i++) {
    const Command command = {
        .events = std::vector<Event>(metaroot::kMaxCommandEvents, LeaseGranted{"c1", 1'000})};
    ASSERT_TRUE(Append(client, command).status.ok());
  }
  Run(100);  // until every node has them
  const uint64_t revision = root(Leader()).machine().head().revision;
  Copy behind;
  NewClient().Follow(1, &behind);
  Copy near;
  near.revision = revision - 10;
  NewClient().Follow(near.revision, &near);
  Run(100);
  EXPECT_EQ(behind.states, 1);
  EXPECT_EQ(behind.revision, revision);
  EXPECT_EQ(near.states, 0);
  EXPECT_EQ(near.events, 10);
  metaroot::Client& lister = NewClient();
  const auto list = Await<metaroot::EventList>(
      [&](auto done) { lister.ListEvents(0, 5, 1'000, std::move(done)); });
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->events.size(), 5U);
  EXPECT_EQ(list->kept_after, revision - metaroot::kMaxTailEvents);
  EXPECT_EQ(list->events[0].revision, list->kept_after + 1);
  EXPECT_EQ(list->revision, revision);
}

TEST_F(MetaRootTest, ANodeThatIsCutOffPassesForNobodyWhoIsUpToDate) {
  StartAll();
  Copy copy;
  NewClient({3}).Follow(std::nullopt, &copy);
  Run(1'000);
  cut_.insert(peers_[3]);
  Run(1'000);
  const int heartbeats = copy.heartbeats;
  Run(5'000);
  EXPECT_EQ(copy.heartbeats, heartbeats);
  cut_.clear();
  Run(3'000);
  EXPECT_GT(copy.heartbeats, heartbeats);
}

TEST_F(MetaRootTest, ADirectoryOfAnotherNodeIsRefused) {
  StartAll();
  const Status busy = Open(OptionsOf(1)).status();
  EXPECT_EQ(busy.error_number(), 1203) << busy;
  Stop(1);
  peers_[2] = "elsewhere";
  const Status other = Open(OptionsOf(1)).status();
  EXPECT_EQ(other.error_number(), 2304) << other;
  EXPECT_THAT(other.ToString(), HasSubstr("node 1 of 1=raft1 2=raft2 3=raft3"));
  MetaRootOptions stranger = OptionsOf(1);
  stranger.peers.erase(1);
  EXPECT_EQ(Open(stranger).status().code(), StatusCode::kInvalidArgument);
  peers_[2] = "raft2";
  Start(1);
  Run(300);
  ExpectEqualStates();
}

TEST_F(MetaRootTest, ANodeWhoseDiskIsFullStopsAndGoesOnWhenThereIsRoom) {
  StartAll();
  metaroot::Client& client = NewClient();
  uint64_t stores = 0;
  const auto join = [&] {
    stores++;
    return Append(client, StoreJoined{stores, "h" + std::to_string(stores)}).status;
  };
  for (const bool leads : {true, false}) {
    const uint64_t full = leads ? Leader() : NotLeader();
    Process& process = processes_[full];
    process.fs->SetObserver([](const vfs::Operation& operation) {
      return vfs::Fault{.error_number = vfs::ChangesDisk(operation.op) ? ENOSPC : 0};
    });
    for (int i = 0; i < 5; i++) ASSERT_TRUE(join().ok()) << "the others go on";
    EXPECT_EQ(process.failure.error_number(), 2307) << process.failure;
    EXPECT_THAT(process.failure.ToString(), HasSubstr("cannot write to /root"));
    EXPECT_THAT(process.failure.ToString(), HasSubstr("No space left on device"));
    EXPECT_THAT(process.failure.hint(), HasSubstr("free disk space, then start it again"));
    EXPECT_EQ(root(full).Ready().error_number(), 2307) << "and /readyz says so";
    Stop(full);
    EXPECT_EQ(Open(OptionsOf(full)).status().error_number(), 2307);
    process.fs->SetObserver(nullptr);
    process.failure = Status::Ok();
    Start(full);
    Run(1'000);
    ExpectEqualStates();
    EXPECT_EQ(root(full).status().stores, stores) << "nothing is lost";
  }
}

TEST_F(MetaRootTest, ANodeThatHasLostItsDirectoryTakesNoPart) {
  StartAll();
  metaroot::Client& client = NewClient();
  ASSERT_TRUE(Append(client, StoreJoined{1, "h1"}).status.ok());
  Run(100);
  const uint64_t lost = NotLeader();
  Stop(lost);
  LoseDisk(lost);
  Start(lost);
  Run(2'000);
  EXPECT_EQ(processes_[lost].failure.error_number(), 2306) << processes_[lost].failure;
  EXPECT_EQ(root(lost).Ready().error_number(), 2306);
  EXPECT_EQ(root(lost).status().head.revision, 0U);
  // The other two go on. When one of them is gone there is no majority, and the third makes none.
  ASSERT_TRUE(Append(client, StoreJoined{2, "h2"}).status.ok());
  const uint64_t leader = Leader();
  Stop(leader);
  EXPECT_FALSE(Confirm(NewClient(), 3'000).ok());
  Start(leader);
  Run(2'000);
  ASSERT_TRUE(Append(client, StoreJoined{3, "h3"}).status.ok());
}

TEST_F(MetaRootTest, ANodeThatHasLostItsDirectoryFoundsNoClusterWithOneThatIsNew) {
  Start(1);
  Start(2);
  Run(1'000);
  metaroot::Client& client = NewClient();
  ASSERT_TRUE(Append(client, StoreJoined{1, "h1"}).status.ok());
  Stop(2);
  LoseDisk(2);
  Start(2);
  Start(3);
  Run(5'000);
  EXPECT_EQ(processes_[2].failure.error_number(), 2306);
  EXPECT_EQ(root(3).status().head.cluster_id, 0U);
  EXPECT_THAT(root(3).Ready().ToString(), HasSubstr("waits until node 2 knows it"));
  EXPECT_EQ(root(1).status().stores, 1U) << "what is left is there";
}

TEST_F(MetaRootTest, TheDirectoryOfAnOlderClusterIsRefused) {
  StartAll();
  metaroot::Client& client = NewClient();
  ASSERT_TRUE(Append(client, StoreJoined{1, "old"}).status.ok());
  Run(100);
  for (uint64_t id = 1; id <= 3; id++) Stop(id);
  // Two begin anew under the same numbers and addresses, and then comes the third as it was.
  LoseDisk(2);
  LoseDisk(3);
  Start(2);
  Start(3);
  Run(1'000);
  ASSERT_TRUE(Append(client, StoreJoined{1, "new"}).status.ok());
  Start(1);
  Run(2'000);
  EXPECT_EQ(root(1).Ready().error_number(), 2305) << root(1).Ready();
  EXPECT_THAT(root(1).status().waits_for, HasSubstr("is of cluster"));
  EXPECT_TRUE(root(2).Ready().ok());
  for (uint64_t id = 1; id <= 3; id++) {
    EXPECT_GT(Refusals(id, "identity"), 0U) << "on both sides: " << id;
  }
  ASSERT_TRUE(Append(client, StoreJoined{2, "more"}).status.ok());
  EXPECT_EQ(root(1).machine().state().stores.at(1).addr, "old") << "and nothing is changed";
}

}  // namespace
}  // namespace nokv::server
