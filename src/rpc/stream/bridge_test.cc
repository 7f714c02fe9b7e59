// Sockets on I/O loops, handlers on the home loop: what must hold across the two, and that it holds
// when each loop has a thread.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rpc/stream/socket_test_util.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tls.h"
#include "rpc/stream/tls_test_util.h"
#include "vfs/memory_fs.h"

namespace nokv::rpc::stream {
namespace {

constexpr int kMaxTurns = 10'000'000;

// What a test sees of one connection, and does with it.
struct Seen {
  Connection* connection = nullptr;
  std::string received;
  int drained = 0;
  int closed = 0;
  bool echo = true;
  bool stop_when_full = false;
  bool stopped = false;
};

class Watcher final : public Handler {
 public:
  Watcher(Connection& connection, Seen* seen) : seen_(seen) { seen->connection = &connection; }
  size_t OnData(std::string_view data) override {
    if (seen_->echo) {
      seen_->connection->output().append(data);
      seen_->connection->Flush();
    } else {
      seen_->received.append(data);
    }
    if (seen_->stop_when_full && seen_->connection->pending_bytes() > 1'000'000) {
      seen_->stopped = true;
      seen_->connection->SetReading(false);
    }
    return data.size();
  }
  void OnDrained() override {
    ++seen_->drained;
    if (std::exchange(seen_->stopped, false)) seen_->connection->SetReading(true);
  }
  void OnClosed() override {
    ++seen_->closed;
    seen_->connection = nullptr;
  }

 private:
  Seen* seen_;
};

std::string Pattern(size_t size) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  return bytes;
}

// Two I/O loops, each on a thread; the home loop is polled by the test.
class BridgeTest : public testing::Test {
 protected:
  BridgeTest() : home_(NewLoop(base::NullLogger())) {
    for (int i = 0; i < 2; ++i) {
      io_.push_back(NewLoop(base::NullLogger()));
      options_.io_loops.push_back(io_.back().get());
      threads_.emplace_back([loop = io_.back().get()] { loop->Run(); });
    }
  }
  ~BridgeTest() override {
    listener_.reset();
    for (const auto& loop : io_) {
      loop->Post([raw = loop.get()] { raw->Stop(); });
    }
    for (std::thread& thread : threads_) thread.join();
  }

  std::string Listen() {
    auto listener = home_->Listen(
        "127.0.0.1:0",
        [this](Connection& connection) -> std::unique_ptr<Handler> {
          EXPECT_TRUE(home_->OnLoopThread());
          if (accepted_ == seen_.size()) {
            connection.output().append("no room");
            return nullptr;
          }
          return std::make_unique<Watcher>(connection, &seen_[accepted_++]);
        },
        options_);
    EXPECT_TRUE(listener.ok()) << listener.status();
    listener_ = std::move(listener).value();
    return listener_->address();
  }
  template <typename Done>
  void PollUntil(Done done) {
    for (int i = 0; i < kMaxTurns && !done(); ++i) home_->Poll();
    ASSERT_TRUE(done());
  }
  // Sends and receives at once until all of `bytes` is back.
  void Echo(SocketClient& client, const std::string& bytes) {
    size_t sent = 0;
    std::string received;
    PollUntil([&] {
      sent += client.Offer(std::string_view(bytes).substr(sent));
      client.Receive(&received);
      return received.size() == bytes.size();
    });
    EXPECT_TRUE(received == bytes);
  }

  std::unique_ptr<Loop> home_;
  std::vector<std::unique_ptr<Loop>> io_;
  std::vector<std::thread> threads_;
  ListenOptions options_;
  std::unique_ptr<Listener> listener_;
  std::vector<Seen> seen_ = std::vector<Seen>(4);
  size_t accepted_ = 0;
};

TEST_F(BridgeTest, CarriesBytesInOrderBothWays) {
  const std::string address = Listen();
  SocketClient one(address);
  SocketClient two(address);
  Echo(one, "small");
  Echo(two, Pattern(3'000'000));
  Echo(one, Pattern(1'000'000));
}

TEST_F(BridgeTest, ShowsInOrderWhatCameWhileReadingWasOff) {
  for (Seen& seen : seen_) seen.echo = false;
  SocketClient client(Listen());
  client.Offer("x");
  PollUntil([&] { return seen_[0].received == "x"; });
  seen_[0].connection->SetReading(false);
  const std::string bytes = Pattern(1 << 20);
  size_t sent = client.Offer(bytes);
  for (int i = 0; i < 1000; ++i) home_->Poll();
  EXPECT_EQ(seen_[0].received, "x");
  seen_[0].connection->SetReading(true);
  PollUntil([&] {
    sent += client.Offer(std::string_view(bytes).substr(sent));
    return seen_[0].received.size() == bytes.size() + 1;
  });
  EXPECT_TRUE(seen_[0].received.substr(1) == bytes);
}

TEST_F(BridgeTest, AHandlerThatWaitsForItsOutputGoesOn) {
  seen_[0].stop_when_full = true;
  SocketClient client(Listen());
  const std::string bytes = Pattern(30'000'000);
  size_t sent = 0;
  // The client does not read until the handler has stopped.
  PollUntil([&] {
    sent += client.Offer(std::string_view(bytes).substr(sent));
    return seen_[0].stopped;
  });
  const size_t pending = seen_[0].connection->pending_bytes();
  EXPECT_GT(pending, 1'000'000U);
  std::string received;
  // Progress shows before all is sent.
  PollUntil([&] {
    client.Receive(&received);
    return seen_[0].connection->pending_bytes() < pending;
  });
  PollUntil([&] {
    sent += client.Offer(std::string_view(bytes).substr(sent));
    client.Receive(&received);
    return received.size() == bytes.size();
  });
  EXPECT_TRUE(received == bytes);
  EXPECT_GT(seen_[0].drained, 0);
  PollUntil([&] { return seen_[0].connection->pending_bytes() == 0; });
}

TEST_F(BridgeTest, TellsOfTheEndOnceWhoeverEnds) {
  const std::string address = Listen();
  auto leaves = std::make_unique<SocketClient>(address);
  PollUntil([&] { return seen_[0].connection != nullptr; });
  SocketClient thrown_out(address);
  PollUntil([&] { return seen_[1].connection != nullptr; });
  SocketClient served(address);
  PollUntil([&] { return seen_[2].connection != nullptr; });
  leaves.reset();
  seen_[1].connection->Close();
  seen_[1].connection->Close();
  seen_[2].connection->output().append("goodbye");
  seen_[2].connection->CloseAfterFlush();
  std::string last;
  PollUntil([&] { return !served.Receive(&last); });
  EXPECT_EQ(last, "goodbye");
  PollUntil([&] { return seen_[0].closed + seen_[1].closed + seen_[2].closed == 3; });
  for (int i = 0; i < 100; ++i) home_->Poll();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seen_[static_cast<size_t>(i)].closed, 1) << i;
}

TEST_F(BridgeTest, RefusesWithAText) {
  seen_.clear();
  SocketClient client(Listen());
  std::string text;
  PollUntil([&] { return !client.Receive(&text); });
  EXPECT_EQ(text, "no room");
}

TEST_F(BridgeTest, DropsOpenConnectionsWhenTheLoopsEnd) {
  const std::string address = Listen();
  const SocketClient one(address);
  SocketClient two(address);
  PollUntil([&] { return accepted_ == 2; });
  two.Offer("on its way when everything ends");
}

TEST_F(BridgeTest, SpeaksTls) {
  const TestAuthority authority;
  const CertificateAndKey files = authority.Issue("server", 30);
  const auto fs = vfs::NewMemoryFileSystem();
  ASSERT_TRUE(fs->CreateDirs("tls").ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*fs, "tls/cert", files.certificate).ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*fs, "tls/key", files.key).ok());
  auto context = TlsContext::Open({.cert_file = "tls/cert",
                                   .key_file = "tls/key",
                                   .client_certificates = ClientCertificates::kNo},
                                  {*fs, base::SystemClock(), base::NullLogger()});
  ASSERT_TRUE(context.ok()) << context.status();
  options_.tls = context->get();
  const std::string address = Listen();
  const std::string bytes = Pattern(2'000'000);
  for (int i = 0; i < 2; ++i) {
    TlsClient client(*home_, address, authority);
    ASSERT_TRUE(client.Connect());
    client.Send(bytes);
    EXPECT_TRUE(client.Receive(bytes.size()) == bytes);
    (*context)->Refresh();  // while the I/O loops use it
  }
}

}  // namespace
}  // namespace nokv::rpc::stream
