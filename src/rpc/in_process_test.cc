#include "rpc/in_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/random.h"
#include "rpc/call_test_util.h"
#include "runtime/sim_runtime.h"

namespace nokv::rpc {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// A network in virtual time, with a server that records.
class World {
 public:
  World(uint64_t seed, Weather weather)
      : runtime(runtime::NewSimRuntime(seed)), network(*runtime, std::move(weather)) {
    std::vector<Service> services;
    services.push_back({"shop.v1.Till", {{"Pay", accepted.Accept()}}, executor()});
    auto listening = network.Listen("till", std::move(services));
    EXPECT_TRUE(listening.ok());
    server = std::move(listening).value();
    channel = network.NewChannel("client", "till", executor());
  }
  ~World() {
    server.reset();
    runtime->RunReady();
  }

  Executor executor() {
    return
        [this](std::function<void()> task) { runtime->Post(runtime::Lane::kLog, std::move(task)); };
  }

  std::unique_ptr<runtime::SimRuntime> runtime;
  InProcessNetwork network;
  AcceptedCalls accepted;
  std::unique_ptr<Server> server;
  std::unique_ptr<Channel> channel;
};

TEST(InProcessNetworkTest, TakesAsLongAsTheWeatherSays) {
  World world(1, [](const std::string&, const std::string&) { return 1000; });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = world.channel->Open("/shop.v1.Till/Pay", {}, client);
  world.runtime->Advance(1000);  // connected
  call->Send("one");
  world.runtime->Advance(999);
  const auto server = world.accepted.Wait();
  EXPECT_THAT(server.handler->WaitForSent(0), 0);
  world.runtime->Advance(1);
  EXPECT_THAT(server.handler->WaitForMessages(1), ElementsAre("one"));
  call->End(Status::Aborted("enough"));
  world.runtime->Advance(5000);
}

TEST(InProcessNetworkTest, KeepsTheOrderWhenLaterMessagesAreFaster) {
  uint64_t delay = 5000;
  World world(1, [&delay](const std::string&, const std::string&) { return delay; });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = world.channel->Open("/shop.v1.Till/Pay", {}, client);
  world.runtime->Advance(5000);
  call->Send("slow");
  world.runtime->RunReady();
  delay = 10;
  call->Send("fast");
  world.runtime->Advance(5000);
  EXPECT_THAT(world.accepted.Wait().handler->WaitForMessages(2), ElementsAre("slow", "fast"));
  call->End(Status::Aborted("enough"));
  world.runtime->Advance(5000);
}

TEST(InProcessNetworkTest, ALostMessageBreaksTheCallAtBothEnds) {
  bool lost = false;
  World world(1, [&lost](const std::string& from, const std::string&) -> std::optional<uint64_t> {
    if (lost && from == "till") return std::nullopt;
    return 10;
  });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = world.channel->Open("/shop.v1.Till/Pay", {}, client);
  call->Send("one");
  world.runtime->Advance(1000);
  const auto server = world.accepted.Wait();
  lost = true;
  call->Send("two");
  world.runtime->Advance(1000);
  EXPECT_THAT(server.handler->WaitForMessages(2), SizeIs(2)) << "the other direction is well";
  server.call->Send("lost");
  world.runtime->Advance(1000);
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kUnavailable);
  EXPECT_EQ(server.handler->WaitForDone().code(), StatusCode::kCancelled);
}

uint64_t RunSeed(uint64_t seed) {
  base::Random random(seed);
  World world(seed,
              [&random](const std::string&, const std::string&) { return random.Uniform(2000); });
  std::vector<std::shared_ptr<RecordingHandler>> clients;
  for (int c = 0; c < 3; ++c) {
    clients.push_back(std::make_shared<RecordingHandler>());
    const auto call = world.channel->Open("/shop.v1.Till/Pay", {}, clients.back());
    for (int i = 0; i < 20; ++i) call->Send(std::to_string(i));
    call->End(Status::Ok());
  }
  for (size_t c = 0; c < 3; ++c) {
    world.runtime->Advance(200'000);
    const auto server = world.accepted.Wait(c);
    server.call->End(Status::Ok());
  }
  world.runtime->Advance(200'000);
  for (const auto& client : clients) EXPECT_TRUE(client->WaitForDone().ok());
  return world.runtime->TraceHash();
}

TEST(InProcessNetworkTest, TheSameSeedGivesTheSameOrder) {
  std::set<uint64_t> traces;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(RunSeed(seed), RunSeed(seed));
    traces.insert(RunSeed(seed));
  }
  EXPECT_THAT(traces, SizeIs(5));
}

}  // namespace
}  // namespace nokv::rpc
