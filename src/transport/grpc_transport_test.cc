// The documented transport scenarios: raft members over real streams. With CHAOS_TRACE_METRICS set
// they print what they saw, one `TRANSPORT_METRIC NAME=JSON` per line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "raft/memory_storage.h"
#include "raft/raw_node.h"
#include "rpc/call_test_util.h"
#include "rpc/grpc/grpc.h"
#include "rpc/stream/tls.h"
#include "rpc/stream/tls_test_util.h"
#include "transport/transport.h"
#include "vfs/memory_fs.h"

namespace nokv::transport {
namespace {

using testing::HasSubstr;

constexpr GroupId kGroup = 7;
constexpr uint64_t kTickMicros = 5'000;
constexpr const char* kServerName = "raft";

void PrintMetric(const std::string& name, const TransportStats& stats) {
  const char* wanted = std::getenv("CHAOS_TRACE_METRICS");
  if (wanted == nullptr || *wanted == '\0') return;
  std::printf(
      "TRANSPORT_METRIC %s={\"dials_total\":%lu,\"dial_failures\":%lu,\"send_success\":%lu,"
      "\"send_failures\":%lu,\"received\":%lu,\"refused\":%lu,\"blocked_peers\":%lu,"
      "\"watchdog_active\":%s}\n",
      name.c_str(), stats.dials, stats.dial_failures, stats.sent_messages, stats.dropped_messages,
      stats.received_messages, stats.refused, stats.blocked_peers,
      stats.watchdog_active ? "true" : "false");
}

// What came for any member. Thread safety: thread-safe.
class Mail {
 public:
  void Put(std::function<void()> item) {
    base::MutexLock lock(mu_);
    items_.push_back(std::move(item));
    changed_.Signal();
  }
  // What there is; waits for it, up to a tick.
  std::vector<std::function<void()>> Take() {
    base::MutexLock lock(mu_);
    if (items_.empty()) changed_.WaitFor(mu_, kTickMicros);
    return std::exchange(items_, {});
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<std::function<void()>> items_ GUARDED_BY(mu_);
};

// One member on a node of the same number. Driven by the test's thread, to which the transport
// posts what it has.
class Member final : public Receiver {
 public:
  // With TLS unless `tls` is null.
  Member(NodeId id, std::vector<raft::NodeId> voters, Mail& mail, runtime::Runtime& runtime,
         rpc::stream::TlsContext* tls)
      : mail_(mail), runtime_(runtime), tls_(tls) {
    raft::Snapshot snapshot;
    snapshot.index = 1;
    snapshot.term = 1;
    snapshot.conf_state.voters = std::move(voters);
    EXPECT_TRUE(storage_.ApplySnapshot(std::make_shared<const raft::Snapshot>(snapshot)).ok());
    storage_.SetHardState({1, raft::kNoNode, 1});
    raft::Config config;
    config.id = id;
    config.storage = &storage_;
    config.applied = 1;
    config.check_quorum = true;
    config.pre_vote = true;
    config.seed = id;
    auto node = raft::RawNode::Open(config);
    EXPECT_TRUE(node.ok()) << node.status();
    node_ = std::move(node).value();
    transport_ = std::make_unique<Transport>(
        TransportOptions{.cluster = 1, .node = id, .max_backoff_ms = 100},
        TransportDoors{base::SystemClock(), base::NullLogger(), registry_,
                       [this](const std::string& address) {
                         return rpc::grpc::NewChannel(
                             address, {.executor = executor(),
                                       .tls = tls_,
                                       .tls_server_name = tls_ == nullptr ? "" : kServerName,
                                       .max_backoff_ms = 100});
                       }},
        *this);
  }
  ~Member() override { server_.reset(); }

  rpc::Executor executor() {
    return
        [this](std::function<void()> task) { runtime_.Post(runtime::Lane::kLog, std::move(task)); };
  }
  void Serve(const std::string& address) {
    std::vector<rpc::Service> services;
    services.push_back(transport_->MakeService(executor()));
    auto server =
        rpc::grpc::Listen(address, std::move(services), {.tls = tls_}, base::NullLogger());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
  }
  void StopServing() { server_.reset(); }
  void StopTransport() { transport_.reset(); }
  const std::string& address() const { return server_->address(); }
  Transport& transport() { return *transport_; }
  raft::RawNode& node() { return *node_; }
  bool leads() const { return node_->GetBasicStatus().soft_state.role == raft::Role::kLeader; }
  const std::vector<std::string>& applied() const { return applied_; }
  size_t unreachable() const { return unreachable_; }

  void Receive(NodeId /*from*/, Batch messages) override {
    auto shared = std::make_shared<Batch>(std::move(messages));
    mail_.Put([this, shared] {
      // What it refuses is refused.
      for (GroupMessage& m : *shared) static_cast<void>(node_->Step(std::move(m.message)));
    });
  }
  void ReportUnreachable(GroupId /*group*/, raft::NodeId to) override {
    mail_.Put([this, to] {
      ++unreachable_;
      node_->ReportUnreachable(to);
    });
  }
  void ReportSnapshot(GroupId /*group*/, raft::NodeId to, bool arrived) override {
    mail_.Put([this, to, arrived] { node_->ReportSnapshot(to, arrived); });
  }

  void Work() {
    while (node_->HasReady()) {
      raft::Ready ready = node_->TakeReady();
      if (ready.snapshot != nullptr) {
        EXPECT_TRUE(storage_.ApplySnapshot(ready.snapshot).ok());
      }
      EXPECT_TRUE(storage_.Append(ready.entries).ok());
      if (!ready.hard_state.empty()) storage_.SetHardState(ready.hard_state);
      for (raft::Message& message : ready.messages) {
        const NodeId to = message.to;
        transport_->Send(to, {{kGroup, std::move(message)}});
      }
      for (const raft::Entry& entry : ready.committed_entries) {
        if (entry.data.size() > 0) applied_.emplace_back(entry.data.view());
      }
      EXPECT_TRUE(node_->Advance().ok());
    }
  }

 private:
  Mail& mail_;
  runtime::Runtime& runtime_;
  rpc::stream::TlsContext* const tls_;
  metrics::Registry registry_;
  raft::MemoryStorage storage_;
  std::unique_ptr<raft::RawNode> node_;
  std::vector<std::string> applied_;
  size_t unreachable_ = 0;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<rpc::Server> server_;
};

class GRPCTransport : public testing::Test {
 protected:
  explicit GRPCTransport(rpc::stream::TlsContext* tls = nullptr)
      : runtime_(runtime::NewThreadRuntime({})) {
    for (NodeId id = 1; id <= 3; ++id) {
      members_.push_back(
          std::make_unique<Member>(id, std::vector<raft::NodeId>{1, 2, 3}, mail_, *runtime_, tls));
      members_.back()->Serve("127.0.0.1:0");
    }
    for (NodeId from = 1; from <= 3; ++from) {
      for (NodeId to = 1; to <= 3; ++to) {
        if (from != to) member(from).transport().SetPeer(to, member(to).address());
      }
    }
  }
  ~GRPCTransport() override {
    for (const auto& member : members_) member->StopServing();
    // Calls end in the executor, and use what the members are.
    for (const auto& member : members_) member->StopTransport();
    runtime_.reset();
  }

  Member& member(NodeId id) { return *members_[id - 1]; }
  // Runs the members, with a tick whenever nothing came for a while, until `done`.
  template <typename Done>
  bool RunUntil(const Done& done) {
    const uint64_t end = base::SystemClock().MonotonicMicros() + rpc::kTestPatienceMicros;
    uint64_t next_tick = base::SystemClock().MonotonicMicros();
    while (!done()) {
      const uint64_t now = base::SystemClock().MonotonicMicros();
      if (now > end) return false;
      for (const auto& item : mail_.Take()) item();
      if (now >= next_tick) {
        next_tick = now + kTickMicros;
        for (const auto& member : members_) member->node().Tick();
      }
      for (const auto& member : members_) member->Work();
    }
    return true;
  }
  // A leader other than `not_this`, once there is one.
  NodeId AwaitLeader(NodeId not_this = 0) {
    NodeId leader = 0;
    EXPECT_TRUE(RunUntil([&] {
      for (NodeId id = 1; id <= 3; ++id) {
        if (id != not_this && member(id).leads()) leader = id;
      }
      return leader != 0;
    }));
    return leader;
  }
  bool AwaitApplied(const std::vector<NodeId>& ids, const std::string& value) {
    return RunUntil([&] {
      for (const NodeId id : ids) {
        const auto& applied = member(id).applied();
        if (applied.empty() || applied.back() != value) return false;
      }
      return true;
    });
  }

  std::unique_ptr<runtime::Runtime> runtime_;
  Mail mail_;
  std::vector<std::unique_ptr<Member>> members_;
};

TEST_F(GRPCTransport, ReplicatesProposals) {
  const NodeId leader = AwaitLeader();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(member(leader).node().Propose(raft::Payload(std::to_string(i))).ok());
  }
  EXPECT_TRUE(AwaitApplied({1, 2, 3}, "199"));
  for (NodeId id = 1; id <= 3; ++id) EXPECT_EQ(member(id).applied().size(), 200U);
  PrintMetric("replicate", member(leader).transport().stats());
}

TEST_F(GRPCTransport, HandlesPartition) {
  const NodeId old_leader = AwaitLeader();
  std::vector<NodeId> others;
  for (NodeId id = 1; id <= 3; ++id) {
    if (id == old_leader) continue;
    others.push_back(id);
    member(old_leader).transport().BlockPeer(id);
    member(id).transport().BlockPeer(old_leader);
  }
  ASSERT_TRUE(member(old_leader).node().Propose({"lost"}).ok());
  const NodeId new_leader = AwaitLeader(old_leader);
  ASSERT_TRUE(member(new_leader).node().Propose({"kept"}).ok());
  EXPECT_TRUE(AwaitApplied(others, "kept"));
  EXPECT_TRUE(member(old_leader).applied().empty()) << "nobody else has what it proposed";
  const TransportStats cut = member(old_leader).transport().stats();
  EXPECT_EQ(cut.blocked_peers, 2U);
  EXPECT_GT(cut.dropped_messages, 0U);
  PrintMetric("partition", cut);

  for (const NodeId id : others) {
    member(old_leader).transport().UnblockPeer(id);
    member(id).transport().UnblockPeer(old_leader);
  }
  EXPECT_TRUE(AwaitApplied({1, 2, 3}, "kept"));
  EXPECT_EQ(member(old_leader).applied().size(), 1U) << "what was not committed is gone";
  PrintMetric("healed", member(old_leader).transport().stats());
}

TEST_F(GRPCTransport, MetricsWatchdog) {
  const NodeId leader = AwaitLeader();
  const NodeId follower = leader % 3 + 1;
  Transport& transport = member(leader).transport();
  // Whoever leads by then: on a busy machine that may be another one, and this one would have
  // nothing to say. The follower takes no notice of a leader of the past.
  const auto watchdog = [&] {
    transport.Send(
        follower,
        {{.group = kGroup,
          .message = {
              .type = raft::MessageType::kHeartbeat, .to = follower, .from = leader, .term = 1}}});
    return transport.stats().watchdog_active;
  };
  EXPECT_TRUE(RunUntil([&] { return !watchdog(); }));
  const std::string address = member(follower).address();
  member(follower).StopServing();
  EXPECT_TRUE(RunUntil(watchdog));
  const TransportStats failing = transport.stats();
  EXPECT_GE(failing.dial_failures, 3U);
  EXPECT_THAT(failing.watchdog_reason, HasSubstr("node " + std::to_string(follower)));
  PrintMetric("watchdog", failing);

  member(follower).Serve(address);
  EXPECT_TRUE(RunUntil([&] { return !watchdog(); }));
  PrintMetric("watchdog_cleared", transport.stats());
}

TEST_F(GRPCTransport, MetricsBlockedPeers) {
  const NodeId leader = AwaitLeader();
  const NodeId follower = leader % 3 + 1;
  Transport& transport = member(leader).transport();
  EXPECT_EQ(transport.stats().blocked_peers, 0U);
  transport.BlockPeer(follower);
  transport.BlockPeer(follower);
  EXPECT_EQ(transport.stats().blocked_peers, 1U);
  const size_t before = member(leader).unreachable();
  EXPECT_TRUE(RunUntil([&] { return member(leader).unreachable() > before; })) << "it is reported";
  EXPECT_GT(transport.stats().dropped_messages, 0U);
  PrintMetric("blocked", transport.stats());
  transport.UnblockPeer(follower);
  EXPECT_EQ(transport.stats().blocked_peers, 0U);
  PrintMetric("unblocked", transport.stats());
}

// The files of a node.
struct Certificates {
  Certificates() {
    EXPECT_TRUE(fs->CreateDirs("tls").ok());
    const rpc::stream::CertificateAndKey issued = authority.Issue(kServerName, 30);
    for (const auto& [path, content] :
         {std::pair("tls/ca", authority.certificate()), std::pair("tls/cert", issued.certificate),
          std::pair("tls/key", issued.key)}) {
      EXPECT_TRUE(vfs::WriteFileAtomically(*fs, path, content).ok());
    }
    auto opened = rpc::stream::TlsContext::Open(
        {.cert_file = "tls/cert", .key_file = "tls/key", .ca_file = "tls/ca"},
        {*fs, base::SystemClock(), base::NullLogger()});
    EXPECT_TRUE(opened.ok()) << opened.status();
    context = std::move(opened).value();
  }

  rpc::stream::TestAuthority authority;
  std::unique_ptr<vfs::FileSystem> fs = vfs::NewMemoryFileSystem();
  std::unique_ptr<rpc::stream::TlsContext> context;
};

class GRPCTransportOverTls : private Certificates, public GRPCTransport {
 protected:
  GRPCTransportOverTls() : GRPCTransport(context.get()) {}
};

TEST_F(GRPCTransportOverTls, ReplicatesProposals) {
  const NodeId leader = AwaitLeader();
  ASSERT_TRUE(member(leader).node().Propose({"secret"}).ok());
  EXPECT_TRUE(AwaitApplied({1, 2, 3}, "secret"));
}

TEST_F(GRPCTransportOverTls, WhoShowsNoCertificateIsNotHeard) {
  AwaitLeader();
  Member plain(4, {1, 4}, mail_, *runtime_, nullptr);
  member(1).transport().SetPeer(4, "127.0.0.1:1");
  plain.transport().SetPeer(1, member(1).address());
  const uint64_t refused = member(1).transport().stats().refused;
  ASSERT_TRUE(plain.node().Campaign().ok());
  plain.Work();
  EXPECT_TRUE(RunUntil([&] { return plain.unreachable() > 0; }));
  EXPECT_EQ(plain.transport().stats().sent_messages, 0U);
  EXPECT_EQ(member(1).transport().stats().refused, refused) << "it did not come to a hello";
  plain.StopTransport();
}

}  // namespace
}  // namespace nokv::transport
