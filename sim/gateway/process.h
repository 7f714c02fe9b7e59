// Process: a gateway over an engine, put together as nokv-redis does, in a simulated world; and its
// clients.
//
// Thread safety: thread-compatible; one thread runs it all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "redis/backend.h"
#include "redis/config.h"
#include "redis/fake_connection.h"
#include "redis/gateway.h"
#include "runtime/sim_runtime.h"
#include "sim/gateway/sim_loop.h"
#include "vfs/vfs.h"

namespace nokv::sim {

using Words = std::vector<std::string>;

// A client whose bytes arrive one request at a time.
class SimClient {
 public:
  // Both are borrowed.
  SimClient(redis::Gateway& gateway, SimLoop& loop);
  ~SimClient();

  // The gateway executes it at once; the reply comes when it comes. REQUIRES: the gateway is not
  // paused.
  void Send(const Words& words);
  // What has come since the last call, as redis::RenderReply puts it.
  std::vector<std::string> TakeReplies();

 private:
  SimLoop& loop_;
  redis::FakeConnection connection_;
  std::unique_ptr<rpc::stream::Handler> handler_;
};

class Process {
 public:
  // Opens the directory and waits until the gateway serves. Both are borrowed.
  static Result<std::unique_ptr<Process>> Start(uint64_t seed, redis::SyncPolicy sync,
                                                vfs::FileSystem& fs, runtime::SimRuntime& runtime);
  ~Process();

  // Its clients must be gone.
  Status Close();

  std::unique_ptr<SimClient> Connect() { return std::make_unique<SimClient>(*gateway_, loop_); }
  // Runs a round of the loop, or a task of the engine; false if there was none.
  bool RunLoop() { return loop_.PollRound() > 0; }
  bool RunEngine() { return runtime_.RunOne(); }
  // Runs until nothing is left to do now.
  void Settle();
  // Sends a command by a client of its own and returns its reply.
  std::string Run(const Words& words);

  bool paused() { return gateway_->executor().paused(); }
  const redis::AllCounts& counts() { return gateway_->executor().counts(); }
  redis::Backend& backend() { return *backend_; }
  uint64_t now_ms() { return runtime_.clock().WallMillis(); }

 private:
  Process(runtime::SimRuntime& runtime, std::unique_ptr<engine::Engine> engine);

  runtime::SimRuntime& runtime_;
  SimLoop loop_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<redis::Backend> backend_;
  std::unique_ptr<redis::Gateway> gateway_;
};

}  // namespace nokv::sim
