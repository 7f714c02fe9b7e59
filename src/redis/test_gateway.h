// A gateway over a memory backend, a clock that the test moves, and clients without sockets.
// For tests only.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "redis/fake_connection.h"
#include "redis/gateway.h"
#include "redis/memory_backend.h"
#include "rpc/stream/stream.h"
#include "vfs/memory_fs.h"

namespace nokv::redis {

class TestClock final : public base::Clock {
 public:
  uint64_t MonotonicMicros() override { return millis_ * 1000; }
  uint64_t WallMillis() override { return millis_; }
  void Advance(int64_t millis) { millis_ += static_cast<uint64_t>(millis); }

 private:
  uint64_t millis_ = 1'700'000'000'000;
};

// A loop that can be run round by round: what is posted in one round waits for the next.
class RoundLoop final : public rpc::stream::Loop {
 public:
  void Run() override { loop_->Run(); }
  size_t Poll() override {
    size_t ran = 0;
    while (const size_t now = PollRound()) ran += now;
    return ran;
  }
  size_t PollRound() {
    std::deque<std::function<void()>> tasks;
    tasks.swap(tasks_);
    for (const auto& task : tasks) task();
    return tasks.size() + loop_->Poll();
  }
  void Stop() override { loop_->Stop(); }
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  bool OnLoopThread() const override { return loop_->OnLoopThread(); }
  std::unique_ptr<rpc::stream::Timer> Every(uint64_t interval_ms,
                                            std::function<void()> tick) override {
    const auto shared = std::make_shared<std::function<void()>>(std::move(tick));
    ticks_.push_back(shared);
    return loop_->Every(interval_ms, [shared] { (*shared)(); });
  }
  // Each timer fires once more, whatever the time is.
  void RunTimers() {
    for (const auto& weak : std::vector(ticks_)) {
      const auto tick = weak.lock();
      if (tick != nullptr) (*tick)();
    }
  }
  void OnSignals(const std::vector<int>& signals, std::function<void(int)> handler) override {
    loop_->OnSignals(signals, std::move(handler));
  }
  Result<std::unique_ptr<rpc::stream::Listener>> Listen(
      const std::string& address, rpc::stream::AcceptHandler accept,
      const rpc::stream::ListenOptions& options = {}) override {
    return loop_->Listen(address, std::move(accept), options);
  }

 private:
  std::unique_ptr<rpc::stream::Loop> loop_ = rpc::stream::NewLoop(base::NullLogger());
  std::deque<std::function<void()>> tasks_;
  std::vector<std::weak_ptr<std::function<void()>>> ticks_;
};

class TestGateway {
 public:
  explicit TestGateway(const Config& config = {})
      : config_(config), backend_(clock_), loop_(std::make_unique<RoundLoop>()) {
    Start();
    Finish();
  }

  // As when the process ends and starts again on the same store.
  void Restart(uint64_t generations = 1) {
    RestartWithoutWaiting(generations);
    Finish();
  }
  void RestartWithoutWaiting(uint64_t generations) {
    gateway_.reset();
    loop_ = std::make_unique<RoundLoop>();
    backend_.set_generation(backend_.Generation() + generations);
    Start();
  }
  // Lets the start end.
  void Finish() {
    while (loop_->Poll() > 0) {
    }
    EXPECT_TRUE(started_.ok()) << started_;
  }

  TestClock& clock() { return clock_; }
  MemoryBackend& backend() { return backend_; }
  vfs::MemoryFileSystem& files() { return *files_; }
  Gateway& gateway() { return *gateway_; }
  void Poll() { loop_->Poll(); }
  void PollRound() { loop_->PollRound(); }
  void RunTimers() { loop_->RunTimers(); }

 private:
  void Start() {
    gateway_ = std::make_unique<Gateway>(
        config_, GatewayDoors{backend_, *loop_, clock_, base::NullLogger(), *files_, 1});
    started_ = Status::Internal("not started");
    gateway_->Start([this](Status status) { started_ = std::move(status); });
  }

  Config config_;
  TestClock clock_;
  MemoryBackend backend_;
  std::unique_ptr<vfs::MemoryFileSystem> files_ = vfs::NewMemoryFileSystem();
  std::unique_ptr<RoundLoop> loop_;
  std::unique_ptr<Gateway> gateway_;
  Status started_;
};

// One client of it.
class TestClient {
 public:
  // `common_name` is that of its certificate.
  explicit TestClient(TestGateway& gateway, std::string common_name = "") : gateway_(gateway) {
    connection_.set_peer_common_name(std::move(common_name));
    handler_ = gateway.gateway().Accept(connection_);
  }
  ~TestClient() { Disconnect(); }
  // Must come before the gateway ends.
  void Disconnect() {
    if (handler_ != nullptr) handler_->OnClosed();
    handler_.reset();
  }

  // Gives bytes to the session as they would come from a socket; returns what came back.
  std::string Send(std::string_view bytes) {
    input_ += bytes;
    if (handler_ != nullptr) input_.erase(0, handler_->OnData(input_));
    return Received();
  }
  // As Send; what the gateway keeps back for a moment has come too.
  std::string SendAndWait(std::string_view bytes);
  // Sends a command with redis-cli's quoting; returns the reply in the form of RenderReply.
  std::string Run(std::string_view line);
  std::string Received() {
    gateway_.gateway().EndRound();
    return connection_.TakeReceived();
  }
  FakeConnection& connection() { return connection_; }
  rpc::stream::Handler* handler() { return handler_.get(); }
  const std::string& unconsumed() const { return input_; }

 private:
  TestGateway& gateway_;
  FakeConnection connection_;
  std::string input_;
  std::unique_ptr<rpc::stream::Handler> handler_;
};

}  // namespace nokv::redis
