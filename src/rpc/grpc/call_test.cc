// What a call promises, the same over gRPC and inside a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/log.h"
#include "rpc/call_test_util.h"
#include "rpc/grpc/grpc.h"
#include "rpc/in_process.h"
#include "rpc/unary.h"

namespace nokv::rpc {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CallTest : public testing::TestWithParam<bool> {
 protected:
  CallTest()
      : runtime_(runtime::NewThreadRuntime({.compaction_threads = 4})), network_(*runtime_) {}
  ~CallTest() override {
    channel_.reset();
    server_.reset();
    runtime_.reset();
  }

  bool grpc() const { return GetParam(); }
  Executor executor() {
    // Tasks are still posted while the runtime ends.
    return [runtime = runtime_.get()](std::function<void()> task) {
      runtime->Post(runtime::Lane::kCompaction, std::move(task));
    };
  }
  void Serve(AcceptCall accept, const CallLimits& limits = {}) {
    std::vector<Service> services;
    services.push_back({"shop.v1.Till", {{"Pay", std::move(accept)}}, executor(), limits});
    services.back().methods.push_back(
        UnaryMethod("Greet", [](std::string name, const Answer& answer) {
          if (name.empty()) {
            return answer(Status::NotFound("nobody").WithHint("say who").WithErrorNumber(1301));
          }
          answer("hello, " + name);
        }));
    auto server = grpc() ? grpc::Listen("127.0.0.1:0", std::move(services), {}, base::NullLogger())
                         : network_.Listen("till", std::move(services));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
    channel_ = Connect(server_->address());
  }
  std::unique_ptr<Channel> Connect(const std::string& address, const CallLimits& limits = {}) {
    if (grpc()) return grpc::NewChannel(address, {.executor = executor(), .limits = limits});
    return network_.NewChannel("client", address, executor(), limits);
  }
  std::shared_ptr<Call> Open(const std::shared_ptr<CallHandler>& handler,
                             const CallOptions& options = {}) {
    return channel_->Open("/shop.v1.Till/Pay", options, handler);
  }
  Result<std::string> Ask(const std::string& method, std::string request) {
    const auto done = runtime_->NewEvent();
    Result<std::string> answer = Status::Internal("not answered");
    CallUnary(*channel_, method, std::move(request), {}, [&](Result<std::string> result) {
      answer = std::move(result);
      done->Set();
    });
    done->Wait();
    return answer;
  }

  std::unique_ptr<runtime::Runtime> runtime_;
  InProcessNetwork network_;
  AcceptedCalls accepted_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

TEST_P(CallTest, CarriesMessagesBothWaysInOrder) {
  Serve([](const std::shared_ptr<Call>&) { return std::make_shared<EchoHandler>(); });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  std::vector<std::string> sent;
  for (size_t i = 0; i < 500; ++i) {
    sent.push_back(std::to_string(i) + std::string(i * 37 % 5000, 'x'));
    call->Send(sent.back());
  }
  call->Send(sent.emplace_back());  // an empty message is one, too
  call->End(Status::Ok());
  EXPECT_TRUE(client->WaitForDone().ok()) << client->WaitForDone();
  EXPECT_EQ(client->WaitForMessages(0), sent);
}

TEST_P(CallTest, AnswersARequestWithAMessageOrAFailure) {
  Serve(accepted_.Accept());
  const auto answer = Ask("/shop.v1.Till/Greet", "bob");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "hello, bob");
  const Status failure = Ask("/shop.v1.Till/Greet", "").status();
  EXPECT_EQ(failure.ToString(),
            Status::NotFound("nobody").WithHint("say who").WithErrorNumber(1301).ToString());
}

TEST_P(CallTest, RefusesMethodsThatItDoesNotHave) {
  Serve(accepted_.Accept());
  EXPECT_EQ(Ask("/shop.v1.Till/Steal", "x").status().code(), StatusCode::kUnimplemented);
  const Status other = Ask("/shop.v1.Safe/Pay", "x").status();
  EXPECT_EQ(other.code(), StatusCode::kUnimplemented);
  EXPECT_FALSE(other.message().empty()) << "gRPC itself says nothing";
}

TEST_P(CallTest, SaysThatNobodyListens) {
  channel_ = Connect("127.0.0.1:1");
  const auto client = std::make_shared<RecordingHandler>();
  Open(client)->Send("hello");
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kUnavailable);
}

TEST_P(CallTest, TellsTheServerThatTheClientGaveUp) {
  Serve(accepted_.Accept());
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  call->Send("one");
  const auto server = accepted_.Wait();
  EXPECT_THAT(server.handler->WaitForMessages(1), ElementsAre("one"));
  call->End(Status::Aborted("changed my mind"));
  EXPECT_EQ(client->WaitForDone().ToString(), Status::Aborted("changed my mind").ToString());
  EXPECT_EQ(server.handler->WaitForDone().code(), StatusCode::kCancelled);
  call->Send("ignored");
  server.call->Send("ignored");
}

TEST_P(CallTest, AClientThatHasSaidAllMayStillGiveUp) {
  Serve([this](const std::shared_ptr<Call>& call) { return accepted_.Accept()(call); });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  call->End(Status::Ok());
  call->End(Status::Aborted("changed my mind"));
  EXPECT_THAT(client->WaitForDone().code(), AnyOf(StatusCode::kAborted, StatusCode::kOk));
}

TEST_P(CallTest, EndsAtItsDeadline) {
  Serve(accepted_.Accept());
  const auto client = std::make_shared<RecordingHandler>();
  Open(client, {.deadline_ms = 200})->Send("one");
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(accepted_.Wait().handler->WaitForDone().code(), StatusCode::kCancelled);
}

TEST_P(CallTest, AServerEndsWithAStatusAfterWhatItHasSent) {
  Serve(accepted_.Accept());
  const auto client = std::make_shared<RecordingHandler>();
  Open(client)->Send("one");
  const auto server = accepted_.Wait();
  for (int i = 0; i < 100; ++i) server.call->Send(std::string(1000, 'x'));
  server.call->End(Status::Ok());
  EXPECT_TRUE(client->WaitForDone().ok());
  EXPECT_THAT(client->WaitForMessages(0), SizeIs(100));
  EXPECT_TRUE(server.handler->WaitForDone().ok());

  const auto second = std::make_shared<RecordingHandler>();
  Open(second)->Send("one");
  accepted_.Wait(1).call->End(Status::FailedPrecondition("closed on Sundays"));
  EXPECT_EQ(second->WaitForDone().ToString(),
            Status::FailedPrecondition("closed on Sundays").ToString());
}

TEST_P(CallTest, RefusesAMessageOverTheLimit) {
  Serve(accepted_.Accept(), {.max_message_bytes = 1000});
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  call->Send(std::string(1000, 'x'));
  EXPECT_THAT(accepted_.Wait().handler->WaitForMessages(1), ElementsAre(std::string(1000, 'x')));
  call->Send(std::string(1001, 'x'));
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(accepted_.Wait().handler->WaitForMessages(0), SizeIs(1));
}

TEST_P(CallTest, AReceiverThatDoesNotReadStopsTheSender) {
  Serve(accepted_.Accept(/*reading=*/false));
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  constexpr size_t kStopped = size_t{1} << 20;
  size_t count = 0;
  // gRPC's window grows while it believes that the way is long, as it does on a busy machine: then
  // it takes in more than at first, but not for ever.
  for (int round = 0; round < 8 && call->pending_bytes() <= kStopped; ++round) {
    for (size_t i = 0; i < 256; ++i, ++count) call->Send(std::string(size_t{64} << 10, 'x'));
    accepted_.Wait();
    // Other calls go on.
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(Ask("/shop.v1.Till/Greet", "bob").ok());
  }
  const auto server = accepted_.Wait();
  EXPECT_GT(call->pending_bytes(), kStopped);
  EXPECT_THAT(server.handler->WaitForMessages(0), SizeIs(0));

  server.call->SetReading(true);
  EXPECT_THAT(server.handler->WaitForMessages(count), SizeIs(count));
  EXPECT_GE(client->WaitForSent(1), 1);
  EXPECT_EQ(call->pending_bytes(), 0U);
  call->End(Status::Ok());
}

TEST_P(CallTest, EndsACallThatPilesUpTooMuch) {
  Serve(accepted_.Accept(/*reading=*/false));
  channel_ = Connect(server_->address(), {.max_pending_bytes = size_t{4} << 20});
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  call->Send("one");
  // Else the client may give up before the server has heard of it.
  const auto server = accepted_.Wait();
  for (size_t i = 0; i < 512; ++i) call->Send(std::string(size_t{64} << 10, 'x'));
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(client->WaitForDone().message()), HasSubstr("4194304 bytes"));
  EXPECT_EQ(server.handler->WaitForDone().code(), StatusCode::kCancelled);
}

TEST_P(CallTest, AServerThatEndsEndsItsCalls) {
  Serve(accepted_.Accept());
  const auto client = std::make_shared<RecordingHandler>();
  Open(client)->Send("one");
  const auto server = accepted_.Wait();
  server_.reset();
  EXPECT_THAT(client->WaitForDone().code(),
              AnyOf(StatusCode::kUnavailable, StatusCode::kCancelled));
  EXPECT_EQ(server.handler->WaitForDone().code(), StatusCode::kCancelled);
}

// Notices when two threads are in it.
class LonelyHandler final : public RecordingHandler {
 public:
  void OnMessage(Call& call, std::string message) override {
    if (inside_.exchange(true)) ++overlaps_;
    call.Send(message);
    RecordingHandler::OnMessage(call, std::move(message));
    inside_.store(false);
  }
  void OnSent(Call& call) override {
    if (inside_.exchange(true)) ++overlaps_;
    RecordingHandler::OnSent(call);
    inside_.store(false);
  }
  int overlaps() const { return overlaps_.load(); }

 private:
  std::atomic<bool> inside_{false};
  std::atomic<int> overlaps_{0};
};

TEST_P(CallTest, RunsTheHandlersOfACallOneAfterTheOther) {
  const auto server = std::make_shared<LonelyHandler>();
  Serve([&server](const std::shared_ptr<Call>&) { return server; });
  const auto client = std::make_shared<RecordingHandler>();
  const auto call = Open(client);
  for (int i = 0; i < 2000; ++i) call->Send(std::to_string(i));
  EXPECT_THAT(client->WaitForMessages(2000), SizeIs(2000));
  EXPECT_EQ(server->overlaps(), 0);
  call->End(Status::Aborted("enough"));
  EXPECT_EQ(client->WaitForDone().code(), StatusCode::kAborted);
  EXPECT_EQ(server->WaitForDone().code(), StatusCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(, CallTest, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "OverGrpc" : "InProcess");
});

}  // namespace
}  // namespace nokv::rpc
