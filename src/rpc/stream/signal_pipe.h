// SignalPipe: signals of the process as events of a loop. Private to rpc/stream.
//
// A signal handler may do next to nothing, so it writes the number into a pipe that the loop reads.
// There is one at a time in a process, because handlers are.
//
// Thread safety: owned by the loop.
#pragma once

#include <functional>
#include <vector>

#include "rpc/stream/event_loop.h"

namespace nokv::rpc::stream {

class SignalPipe final : private Polled {
 public:
  // Calls `handler` from the loop with each of `signals` that comes. Until destroyed; then the
  // system's way to handle them is back.
  SignalPipe(EventLoop& loop, std::vector<int> signals, std::function<void(int)> handler);
  ~SignalPipe() override;

 private:
  void OnEvents(uint32_t events) override;

  EventLoop& loop_;
  const std::vector<int> signals_;
  const std::function<void(int)> handler_;
  int read_fd_ = -1;
  int write_fd_ = -1;
};

}  // namespace nokv::rpc::stream
