// What a hub promises to whoever watches, and to whom it borrows from.
#include "metaroot/service/watch_hub.h"

#include <gtest/gtest.h>
#include <nokv/meta/v1/root.pb.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/call_test_util.h"
#include "rpc/in_process.h"
#include "runtime/sim_runtime.h"

namespace nokv::metaroot {
namespace {

namespace wire = ::nokv::meta::v1;

class WatchHubTest : public testing::Test {
 protected:
  WatchHubTest()
      : runtime_(runtime::NewSimRuntime(1)),
        network_(*runtime_),
        machine_(runtime_->clock(), nullptr),
        hub_(std::make_shared<WatchHub>(
            *runtime_, machine_, [this](const ConfirmDone& done) { Confirm(done); },
            WatchLimits())) {
    rpc::Service service;
    service.name = "hub";
    service.executor = executor();
    service.methods.push_back(
        {"Watch", [this](const std::shared_ptr<rpc::Call>& call) { return hub_->Accept(call); }});
    std::vector<rpc::Service> services;
    services.push_back(std::move(service));
    auto server = network_.Listen("hub", std::move(services));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = network_.NewChannel("client", "hub", executor());
  }
  ~WatchHubTest() override {
    server_.reset();
    channel_.reset();
    Run();
  }

  rpc::Executor executor() {
    return [this](std::function<void()> task) {
      runtime_->Post(runtime::Lane::kUrgent, std::move(task));
    };
  }
  void Confirm(const ConfirmDone& done) {
    confirms_++;
    if (while_asked_) while_asked_();
    done(true);
  }
  void Watch() {
    wire::WatchRequest request;
    request.set_heartbeat_ms(20);
    call_ = channel_->Open("/hub/Watch", {}, handler_);
    call_->Send(request.SerializeAsString());
    Run();
  }
  void Run() { runtime_->Advance(100'000); }
  // How many of the messages that came are heartbeats.
  size_t Heartbeats() {
    size_t count = 0;
    for (const std::string& message : handler_->WaitForMessages(0)) {
      wire::WatchResponse response;
      EXPECT_TRUE(response.ParseFromString(message));
      count += response.has_heartbeat();
    }
    return count;
  }

  std::unique_ptr<runtime::SimRuntime> runtime_;
  rpc::InProcessNetwork network_;
  RootMachine machine_;
  std::function<void()> while_asked_;
  int confirms_ = 0;
  std::shared_ptr<WatchHub> hub_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  std::shared_ptr<rpc::RecordingHandler> handler_ = std::make_shared<rpc::RecordingHandler>();
  std::shared_ptr<rpc::Call> call_;
};

// As a driver does whose callers may wait: the answer comes, and what it applies is told, before
// the question returns.
TEST_F(WatchHubTest, IsAnsweredFromWithinItsQuestion) {
  while_asked_ = [this] { hub_->Notify(); };
  Watch();
  EXPECT_GE(confirms_, 3);
  EXPECT_GE(Heartbeats(), 3U);
  hub_->Close(Status::Unavailable("it ends"), [] {});
}

TEST_F(WatchHubTest, IsClosedWhenNobodyUsesWhatItBorrows) {
  bool asking = false;
  std::optional<bool> closed_while_asking;
  while_asked_ = [&] {
    asking = true;
    hub_->Close(Status::Unavailable("it ends"), [&] { closed_while_asking = asking; });
    EXPECT_FALSE(closed_while_asking.has_value()) << "the question is still under way";
    asking = false;
  };
  Watch();
  EXPECT_EQ(closed_while_asking, false);
  EXPECT_EQ(confirms_, 1) << "nothing is asked after the end";
  EXPECT_EQ(handler_->WaitForDone().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace nokv::metaroot
