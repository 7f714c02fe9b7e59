// SimLoop: an event loop without sockets, over a virtual clock. It runs when it is told to, a round
// at a time: what is posted in one round waits for the next.
//
// Thread safety: owned by one thread. That it is "on the loop" is true within a round only, so that
// completions which come between rounds take the way of those that come from other threads.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "rpc/stream/stream.h"

namespace nokv::sim {

class SimLoop final : public rpc::stream::Loop {
 public:
  // Borrowed.
  explicit SimLoop(base::Clock& clock) : clock_(clock) {}

  // Runs what was posted before, then the timers that are due; returns how many there were.
  size_t PollRound();
  // As if one client's bytes had been read.
  void RunOnLoop(const std::function<void()>& task);

  void Run() override { Poll(); }
  size_t Poll() override;
  void Stop() override {}
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  bool OnLoopThread() const override { return on_loop_; }
  std::unique_ptr<rpc::stream::Timer> Every(uint64_t interval_ms,
                                            std::function<void()> tick) override;
  void OnSignals(const std::vector<int>& signals, std::function<void(int)> handler) override;
  // kUnimplemented.
  Result<std::unique_ptr<rpc::stream::Listener>> Listen(
      const std::string& address, rpc::stream::AcceptHandler accept,
      const rpc::stream::ListenOptions& options = {}) override;

 private:
  class SimTimer;
  struct Repeated {
    uint64_t interval_us;
    uint64_t due_us;
    std::function<void()> tick;
  };

  base::Clock& clock_;
  bool on_loop_ = false;
  std::deque<std::function<void()>> tasks_;
  std::map<uint64_t, Repeated> timers_;  // by id
  uint64_t next_timer_ = 1;
};

}  // namespace nokv::sim
