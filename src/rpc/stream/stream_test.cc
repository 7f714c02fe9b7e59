#include "rpc/stream/stream.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "rpc/stream/socket_test_util.h"

namespace nokv::rpc::stream {
namespace {

// Consumes whole lines and sends them back; closes after "bye".
class LineEcho final : public Handler {
 public:
  LineEcho(Connection& connection, int* closed, int* drained)
      : connection_(connection), closed_(closed), drained_(drained) {}
  size_t OnData(std::string_view data) override {
    const size_t end = data.rfind('\n');
    if (end == std::string_view::npos) return 0;
    connection_.output().append(data.substr(0, end + 1));
    connection_.Flush();
    if (data.substr(0, 3) == "bye") connection_.CloseAfterFlush();
    return end + 1;
  }
  void OnDrained() override { ++*drained_; }
  void OnClosed() override { ++*closed_; }

 private:
  Connection& connection_;
  int* closed_;
  int* drained_;
};

// The parameter is how many other loops serve the sockets.
class StreamTest : public testing::TestWithParam<int> {
 protected:
  StreamTest() : loop_(NewLoop(base::NullLogger())) {
    ListenOptions options;
    for (int i = 0; i < GetParam(); ++i) {
      io_loops_.push_back(NewLoop(base::NullLogger()));
      options.io_loops.push_back(io_loops_.back().get());
    }
    auto listener = loop_->Listen(
        "127.0.0.1:0",
        [this](Connection& connection) {
          connection_ = &connection;
          return std::make_unique<LineEcho>(connection, &closed_, &drained_);
        },
        options);
    EXPECT_TRUE(listener.ok()) << listener.status();
    listener_ = std::move(listener).value();
  }

  void Poll() {
    loop_->Poll();
    for (const auto& io : io_loops_) io->Poll();
  }
  void Poll(int times) {
    for (int i = 0; i < times; ++i) Poll();
  }

  std::unique_ptr<Loop> loop_;
  std::vector<std::unique_ptr<Loop>> io_loops_;
  std::unique_ptr<Listener> listener_;
  const std::function<void()> poll_ = [this] { Poll(); };
  Connection* connection_ = nullptr;
  int closed_ = 0;
  int drained_ = 0;
};

TEST_P(StreamTest, KeepsWhatTheHandlerDoesNotConsume) {
  SocketClient client(listener_->address());
  client.Send("one\ntw");
  EXPECT_EQ(client.Receive(poll_, 4), "one\n");
  client.Send("o\n");
  EXPECT_EQ(client.Receive(poll_, 4), "two\n");
  EXPECT_TRUE(connection_->peer_is_loopback());
  EXPECT_EQ(connection_->local_address(), listener_->address());
}

TEST_P(StreamTest, SendsMoreThanASocketTakesAtOnce) {
  SocketClient client(listener_->address());
  std::string line(200000, 'x');
  line += '\n';
  for (int i = 0; i < 3; ++i) {
    client.Send(line.substr(0, 100000));
    Poll(100);
    client.Send(line.substr(100000));
    EXPECT_EQ(client.Receive(poll_, line.size()), line);
  }
}

TEST_P(StreamTest, AnswersAPeerThatHasClosedItsSide) {
  SocketClient client(listener_->address());
  client.Send("last\n");
  client.CloseWriting();
  EXPECT_EQ(client.Receive(poll_, 100), "last\n(end)");
  Poll(10);
  EXPECT_EQ(closed_, 1);
}

TEST_P(StreamTest, ClosesAfterTheOutput) {
  SocketClient client(listener_->address());
  client.Send("bye\n");
  EXPECT_EQ(client.Receive(poll_, 100), "bye\n(end)");
}

TEST_P(StreamTest, DoesNotReadWhenToldNotTo) {
  SocketClient client(listener_->address());
  client.Send("one\n");
  EXPECT_EQ(client.Receive(poll_, 4), "one\n");
  connection_->SetReading(false);
  Poll();
  client.Send("two\n");
  Poll(100);
  EXPECT_EQ(connection_->pending_bytes(), 0U);
  connection_->SetReading(true);
  EXPECT_EQ(client.Receive(poll_, 4), "two\n");
}

TEST_P(StreamTest, LeavesWithThePeerWhatIsNotRead) {
  SocketClient client(listener_->address());
  client.Send("one\n");
  EXPECT_EQ(client.Receive(poll_, 4), "one\n");
  connection_->SetReading(false);
  // The two sockets take some megabytes, and no more.
  const std::string bytes(size_t{64} << 20, 'x');
  size_t sent = 0;
  for (int idle = 0; idle < 100; ++idle) {
    const size_t more = client.Offer(std::string_view(bytes).substr(sent));
    if (more > 0) idle = 0;
    sent += more;
    Poll();
  }
  EXPECT_LT(sent, bytes.size() / 2);
}

TEST_P(StreamTest, TellsAHandlerThatWaitsWhenItsOutputIsSent) {
  SocketClient client(listener_->address());
  client.Send("one\n");
  EXPECT_EQ(client.Receive(poll_, 4), "one\n");
  const int before = drained_;
  connection_->output().append("two\n");
  connection_->Flush();
  const bool waits = connection_->pending_bytes() > 0;
  connection_->SetReading(false);
  EXPECT_EQ(client.Receive(poll_, 4), "two\n");
  Poll(10);
  EXPECT_EQ(connection_->pending_bytes(), 0U);
  EXPECT_EQ(drained_ > before, waits);
}

TEST_P(StreamTest, NamesTheAddressThatIsTakenAndTheWayOut) {
  const auto second = loop_->Listen(listener_->address(), nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(second.status().error_number(), 2101);
  EXPECT_NE(second.status().message().find(listener_->address()), std::string_view::npos);
  EXPECT_NE(second.status().hint().find("another address"), std::string_view::npos);
}

TEST_P(StreamTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "6380", "host:", "127.0.0.1:99999", "127.0.0.1:-1", "::1:6380",
                              "[::1:6380", "127.0.0.1:1e3"}) {
    const auto listener = loop_->Listen(address, nullptr);
    ASSERT_FALSE(listener.ok()) << address;
    EXPECT_EQ(listener.status().code(), StatusCode::kInvalidArgument) << address;
  }
}

TEST_P(StreamTest, ListensOnLoopbackIfNoHostIsNamed) {
  const auto listener = loop_->Listen(":0", nullptr);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_TRUE((*listener)->is_loopback());
}

INSTANTIATE_TEST_SUITE_P(OneLoop, StreamTest, testing::Values(0));
INSTANTIATE_TEST_SUITE_P(IoLoops, StreamTest, testing::Values(1, 2));

}  // namespace
}  // namespace nokv::rpc::stream
