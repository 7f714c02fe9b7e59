#include "rpc/stream/stream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace nokv::rpc::stream {
namespace {

// Consumes whole lines and sends them back; closes after "bye".
class LineEcho final : public Handler {
 public:
  LineEcho(Connection& connection, int* closed) : connection_(connection), closed_(closed) {}
  size_t OnData(std::string_view data) override {
    const size_t end = data.rfind('\n');
    if (end == std::string_view::npos) return 0;
    connection_.output().append(data.substr(0, end + 1));
    connection_.Flush();
    if (data.substr(0, 3) == "bye") connection_.CloseAfterFlush();
    return end + 1;
  }
  void OnClosed() override { ++*closed_; }

 private:
  Connection& connection_;
  int* closed_;
};

// A blocking client on another address family's socket would need a thread; this one polls.
class Client {
 public:
  explicit Client(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(fd_); }
  void Send(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void CloseWriting() { shutdown(fd_, SHUT_WR); }
  // Runs the loop until `count` bytes have come back, or the connection has ended.
  std::string Receive(Loop& loop, size_t count) {
    std::string received;
    for (int i = 0; i < 100000 && received.size() < count; ++i) {
      loop.Poll();
      char buffer[65536];
      const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0) return received + "(end)";
      if (got > 0) received.append(buffer, static_cast<size_t>(got));
    }
    return received;
  }

 private:
  int fd_;
};

class StreamTest : public testing::Test {
 protected:
  StreamTest() : loop_(NewLoop(base::NullLogger())) {
    auto listener = loop_->Listen("127.0.0.1:0", [this](Connection& connection) {
      connection_ = &connection;
      return std::make_unique<LineEcho>(connection, &closed_);
    });
    EXPECT_TRUE(listener.ok()) << listener.status();
    listener_ = std::move(listener).value();
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Listener> listener_;
  Connection* connection_ = nullptr;
  int closed_ = 0;
};

TEST_F(StreamTest, KeepsWhatTheHandlerDoesNotConsume) {
  Client client(listener_->address());
  client.Send("one\ntw");
  EXPECT_EQ(client.Receive(*loop_, 4), "one\n");
  client.Send("o\n");
  EXPECT_EQ(client.Receive(*loop_, 4), "two\n");
  EXPECT_TRUE(connection_->peer_is_loopback());
  EXPECT_EQ(connection_->local_address(), listener_->address());
}

TEST_F(StreamTest, SendsMoreThanASocketTakesAtOnce) {
  Client client(listener_->address());
  std::string line(200000, 'x');
  line += '\n';
  for (int i = 0; i < 3; ++i) {
    client.Send(line.substr(0, 100000));
    for (int j = 0; j < 100; ++j) loop_->Poll();
    client.Send(line.substr(100000));
    EXPECT_EQ(client.Receive(*loop_, line.size()), line);
  }
}

TEST_F(StreamTest, AnswersAPeerThatHasClosedItsSide) {
  Client client(listener_->address());
  client.Send("last\n");
  client.CloseWriting();
  EXPECT_EQ(client.Receive(*loop_, 100), "last\n(end)");
  loop_->Poll();
  EXPECT_EQ(closed_, 1);
}

TEST_F(StreamTest, ClosesAfterTheOutput) {
  Client client(listener_->address());
  client.Send("bye\n");
  EXPECT_EQ(client.Receive(*loop_, 100), "bye\n(end)");
}

TEST_F(StreamTest, DoesNotReadWhenToldNotTo) {
  Client client(listener_->address());
  client.Send("one\n");
  EXPECT_EQ(client.Receive(*loop_, 4), "one\n");
  connection_->SetReading(false);
  loop_->Poll();
  client.Send("two\n");
  for (int i = 0; i < 100; ++i) loop_->Poll();
  EXPECT_EQ(connection_->pending_bytes(), 0U);
  connection_->SetReading(true);
  EXPECT_EQ(client.Receive(*loop_, 4), "two\n");
}

TEST_F(StreamTest, NamesTheAddressThatIsTakenAndTheWayOut) {
  const auto second = loop_->Listen(listener_->address(), nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(second.status().error_number(), 2101);
  EXPECT_NE(second.status().message().find(listener_->address()), std::string_view::npos);
  EXPECT_NE(second.status().hint().find("another address"), std::string_view::npos);
}

TEST_F(StreamTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "6380", ":6380", "host:", "127.0.0.1:99999", "127.0.0.1:-1",
                              "::1:6380", "[::1:6380", "127.0.0.1:1e3"}) {
    const auto listener = loop_->Listen(address, nullptr);
    ASSERT_FALSE(listener.ok()) << address;
    EXPECT_EQ(listener.status().code(), StatusCode::kInvalidArgument) << address;
  }
}

}  // namespace
}  // namespace nokv::rpc::stream
