// What a transport promises when the address of a node changes at a bad moment.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rpc/call_test_util.h"
#include "runtime/runtime.h"
#include "transport/transport.h"

namespace nokv::transport {
namespace {

// Long enough for a thread that need not wait to go on.
constexpr uint64_t kMomentMicros = 200'000;
// This thread sends.
thread_local bool sends = false;

// Thread safety: thread-safe.
struct Seen {
  base::Mutex mu;
  base::CondVar changed;
  bool moving GUARDED_BY(mu) = false;           // somebody gives the node another address
  bool moved GUARDED_BY(mu) = false;            // that has returned
  bool ended_by_sender GUARDED_BY(mu) = false;  // a channel was
  std::vector<std::string> opened GUARDED_BY(mu);
  std::map<std::string, StatusCode> calls GUARDED_BY(mu);  // how those to an address were ended
};

class FakeCall final : public rpc::Call {
 public:
  FakeCall(Seen& seen, std::string to, std::shared_ptr<rpc::CallHandler> handler)
      : seen_(seen), to_(std::move(to)), handler_(std::move(handler)) {}
  void Send(std::string /*message*/) override {}
  size_t pending_bytes() const override { return 0; }
  void SetReading(bool /*on*/) override {}
  void End(const Status& status) override {
    {
      const base::MutexLock lock(seen_.mu);
      seen_.calls[to_] = status.code();
    }
    if (const auto handler = std::exchange(handler_, nullptr)) handler->OnDone(*this, status);
  }
  std::string peer() const override { return to_; }

 private:
  Seen& seen_;
  const std::string to_;
  std::shared_ptr<rpc::CallHandler> handler_;
};

// While a call to "old" is being opened, the node moves.
class FakeChannel final : public rpc::Channel {
 public:
  FakeChannel(Seen& seen, std::string to) : seen_(seen), to_(std::move(to)) {}
  FakeChannel(const FakeChannel&) = delete;
  FakeChannel& operator=(const FakeChannel&) = delete;
  ~FakeChannel() override {
    const base::MutexLock lock(seen_.mu);
    if (sends) seen_.ended_by_sender = true;
  }
  std::shared_ptr<rpc::Call> Open(const std::string& /*method*/,
                                  const rpc::CallOptions& /*options*/,
                                  std::shared_ptr<rpc::CallHandler> handler) override {
    const base::MutexLock lock(seen_.mu);
    seen_.opened.push_back(to_);
    if (to_ == "old") {
      seen_.moving = true;
      seen_.changed.SignalAll();
      while (!seen_.moved && seen_.changed.WaitFor(seen_.mu, kMomentMicros)) {
      }
      EXPECT_FALSE(seen_.moved) << "the old channel is in use";
    }
    return std::make_shared<FakeCall>(seen_, to_, std::move(handler));
  }

 private:
  Seen& seen_;
  const std::string to_;
};

class Nobody final : public Receiver {
 public:
  void Receive(NodeId /*from*/, Batch /*messages*/) override {}
  void ReportUnreachable(GroupId /*group*/, raft::NodeId /*to*/) override {}
  void ReportSnapshot(GroupId /*group*/, raft::NodeId /*to*/, bool /*arrived*/) override {}
};

class TransportAddressTest : public testing::TestWithParam<raft::MessageType> {};

// Who sends may be a handler, which must not end a channel: it would wait for itself.
TEST_P(TransportAddressTest, ChangesWhileACallIsBeingOpened) {
  Seen seen;
  metrics::Registry registry;
  Nobody receiver;
  const auto runtime = runtime::NewThreadRuntime({});
  Transport transport({.cluster = 1, .node = 1},
                      TransportDoors{runtime->clock(), base::NullLogger(), registry,
                                     [&](const std::string& to) {
                                       return std::make_unique<FakeChannel>(seen, to);
                                     }},
                      receiver);
  transport.SetPeer(2, "old");
  const auto event = runtime->NewEvent();
  runtime->Post(runtime::Lane::kLog, [&] {
    {
      const base::MutexLock lock(seen.mu);
      while (!seen.moving) {
        if (!seen.changed.WaitFor(seen.mu, rpc::kTestPatienceMicros)) break;
      }
    }
    transport.SetPeer(2, "new");
    {
      const base::MutexLock lock(seen.mu);
      seen.moved = true;
      seen.changed.SignalAll();
    }
    event->Set();
  });
  GroupMessage message{.group = 1, .message = {.type = GetParam(), .to = 2, .from = 1, .term = 1}};
  if (GetParam() == raft::MessageType::kSnap) {
    message.message.snapshot = std::make_shared<const raft::Snapshot>();
  }
  sends = true;
  transport.Send(2, {message});
  sends = false;
  event->Wait();
  const base::MutexLock lock(seen.mu);
  EXPECT_EQ(seen.opened.front(), "old");
  EXPECT_EQ(seen.calls["old"], StatusCode::kCancelled) << "it goes on at the old address";
  EXPECT_FALSE(seen.ended_by_sender);
  // The message waited for its stream; raft sends a snapshot again by itself.
  const bool is_snapshot = GetParam() == raft::MessageType::kSnap;
  EXPECT_EQ(seen.opened.back(), is_snapshot ? "old" : "new");
}

INSTANTIATE_TEST_SUITE_P(Streams, TransportAddressTest,
                         testing::Values(raft::MessageType::kHeartbeat, raft::MessageType::kSnap));

}  // namespace
}  // namespace nokv::transport
