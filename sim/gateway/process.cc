#include "sim/gateway/process.h"

#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/macros.h"
#include "redis/engine_backend.h"
#include "sim/crash/workload.h"

namespace nokv::sim {

SimClient::SimClient(redis::Gateway& gateway, SimLoop& loop)
    : loop_(loop), handler_(gateway.Accept(connection_)) {}

SimClient::~SimClient() {
  loop_.RunOnLoop([this] { handler_->OnClosed(); });
}

void SimClient::Send(const Words& words) {
  const std::string request = redis::EncodeRequest(words);
  loop_.RunOnLoop([&] { NOKV_CHECK(handler_->OnData(request) == request.size()); });
}

std::vector<std::string> SimClient::TakeReplies() {
  return redis::RenderReplies(connection_.TakeReceived());
}

Process::Process(runtime::SimRuntime& runtime, std::unique_ptr<engine::Engine> engine)
    : runtime_(runtime),
      loop_(runtime.clock()),
      engine_(std::move(engine)),
      backend_(redis::NewEngineBackend(*engine_)) {}

Process::~Process() {
  if (engine_ != nullptr) (void)Close();
}

Result<std::unique_ptr<Process>> Process::Start(uint64_t seed, redis::SyncPolicy sync,
                                                vfs::FileSystem& fs, runtime::SimRuntime& runtime) {
  ASSIGN_OR_RETURN(auto engine, engine::Engine::Open(TinyOptions(seed), kDirectory,
                                                     {fs, runtime, base::NullLogger()}));
  std::unique_ptr<Process> process(new Process(runtime, std::move(engine)));
  redis::Config config;
  config.sync = sync;
  process->gateway_ = std::make_unique<redis::Gateway>(
      config, redis::GatewayDoors{*process->backend_, process->loop_, runtime.clock(),
                                  base::NullLogger(), fs, seed});
  Status ready = Status::Internal("the gateway does not start");
  process->gateway_->Start([&ready](Status status) { ready = std::move(status); });
  process->Settle();
  RETURN_IF_ERROR(ready);
  return process;
}

Status Process::Close() {
  Settle();
  gateway_.reset();
  Status closed = Status::Internal("the engine does not close");
  engine_->CloseAsync([&closed](Status status) { closed = std::move(status); });
  runtime_.RunReady();
  backend_.reset();
  engine_.reset();
  return closed;
}

void Process::Settle() {
  while (RunLoop() || RunEngine()) {
  }
}

std::string Process::Run(const Words& words) {
  SimClient client(*gateway_, loop_);
  Settle();
  client.Send(words);
  Settle();
  const std::vector<std::string> replies = client.TakeReplies();
  return replies.size() == 1 ? replies[0] : std::to_string(replies.size()) + " replies";
}

}  // namespace nokv::sim
