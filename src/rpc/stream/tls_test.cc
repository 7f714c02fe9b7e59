#include "rpc/stream/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "rpc/stream/stream.h"
#include "rpc/stream/tls_test_util.h"
#include "vfs/memory_fs.h"

namespace nokv::rpc::stream {
namespace {

using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;

class Lines final : public base::Logger {
 public:
  void Log(base::LogLevel level, std::string_view message) override {
    lines.push_back((level == base::LogLevel::kError ? "error: " : "") + std::string(message));
  }
  std::vector<std::string> lines;
};

// Sends back whatever comes.
class Echo final : public Handler {
 public:
  Echo(Connection& connection, int* open) : connection_(connection), open_(open) { ++*open_; }
  size_t OnData(std::string_view data) override {
    connection_.output().append(data);
    connection_.Flush();
    return data.size();
  }
  void OnClosed() override { --*open_; }

 private:
  Connection& connection_;
  int* open_;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : fs_(vfs::NewMemoryFileSystem()), loop_(NewLoop(log_)) {
    EXPECT_TRUE(fs_->CreateDirs("tls").ok());
    Write("tls/ca", authority_.certificate());
    Install(authority_.Issue("first", 30));
  }

  void Write(const std::string& path, const std::string& content) {
    EXPECT_TRUE(vfs::WriteFileAtomically(*fs_, path, content).ok());
  }
  void Install(const CertificateAndKey& files) {
    Write("tls/cert", files.certificate);
    Write("tls/key", files.key);
  }
  Result<std::unique_ptr<TlsContext>> Open(ClientCertificates clients = ClientCertificates::kNo) {
    return TlsContext::Open({.cert_file = "tls/cert",
                             .key_file = "tls/key",
                             .ca_file = "tls/ca",
                             .client_certificates = clients},
                            {*fs_, base::SystemClock(), log_});
  }
  void Listen(ClientCertificates clients = ClientCertificates::kNo, uint64_t timeout_ms = 10'000) {
    auto context = Open(clients);
    ASSERT_TRUE(context.ok()) << context.status();
    context_ = std::move(context).value();
    auto listener = loop_->Listen("127.0.0.1:0",
                                  [this](Connection& c) {
                                    common_name_ = c.peer_common_name();
                                    return std::make_unique<Echo>(c, &open_);
                                  },
                                  {.tls = context_.get(), .handshake_timeout_ms = timeout_ms});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = std::move(listener).value();
  }
  std::string RoundTrip(TlsClient& client, const std::string& bytes) {
    client.Send(bytes);
    return client.Receive(bytes.size());
  }
  bool Works(const TlsClient::Options& options = {}) {
    TlsClient client(*loop_, listener_->address(), authority_, options);
    return client.Connect() && RoundTrip(client, "hello") == "hello";
  }
  template <typename Done>
  void PollUntil(Done done) {
    for (int i = 0; i < 10'000'000 && !done(); ++i) loop_->Poll();
    EXPECT_TRUE(done());
  }

  Lines log_;
  TestAuthority authority_;
  std::unique_ptr<vfs::MemoryFileSystem> fs_;
  std::unique_ptr<TlsContext> context_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Listener> listener_;
  int open_ = 0;
  std::string common_name_;  // of the client that came last
};

TEST_F(TlsTest, SpeaksTheTwoVersionsThatAreSafeAndNoOther) {
  Listen();
  EXPECT_TRUE(Works({.newest_version = TLS1_3_VERSION}));
  EXPECT_TRUE(Works({.newest_version = TLS1_2_VERSION}));
  EXPECT_FALSE(Works({.newest_version = TLS1_1_VERSION}));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("TLS handshake failed: unsupported protocol")));
}

TEST_F(TlsTest, AnswersARequestThatComesWithTheEndOfTheHandshake) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_);
  // Otherwise the kernel holds the request back until the handshake's last words are acknowledged.
  const int on = 1;
  ASSERT_EQ(setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(RoundTrip(client, "hello"), "hello");
}

TEST_F(TlsTest, CarriesMoreThanSocketsAndRecordsHoldBothWays) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(client.Connect());
  std::string bytes(5'000'000, 0);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  // The client writes all of it before it reads, so the server's output has to wait.
  EXPECT_TRUE(RoundTrip(client, bytes) == bytes);
  EXPECT_EQ(RoundTrip(client, "and on"), "and on");
}

TEST_F(TlsTest, ReadsWhatTlsHasTakenFromTheSocketWhenReadingGoesOn) {
  Connection* connection = nullptr;
  auto context = Open();
  ASSERT_TRUE(context.ok()) << context.status();
  std::string received;
  struct Taker final : Handler {
    Taker(Connection& c, std::string* to) : connection(c), received(to) {}
    size_t OnData(std::string_view data) override {
      received->append(data);
      connection.SetReading(false);
      return data.size();
    }
    Connection& connection;
    std::string* received;
  };
  auto listener = loop_->Listen("127.0.0.1:0",
                                [&](Connection& c) {
                                  connection = &c;
                                  return std::make_unique<Taker>(c, &received);
                                },
                                {.tls = context->get()});
  ASSERT_TRUE(listener.ok()) << listener.status();
  TlsClient client(*loop_, (*listener)->address(), authority_);
  ASSERT_TRUE(client.Connect());
  PollUntil([&] { return connection != nullptr; });
  // Records that do not fit evenly into the loop's buffer: a part of one stays with TLS.
  client.Send("x");
  client.Send(std::string(200'000, 'y'));
  size_t before = received.size();
  while (received.size() < 200'001) {
    connection->SetReading(true);
    PollUntil([&] { return received.size() > before; });
    for (int i = 0; i < 100; ++i) loop_->Poll();
    ASSERT_LE(received.size() - before, 65536U + 16384U);  // one call of OnData
    before = received.size();
  }
  EXPECT_TRUE(received == "x" + std::string(200'000, 'y'));
}

TEST_F(TlsTest, EndsInGoodOrder) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(RoundTrip(client, "x"), "x");
  SSL_shutdown(client.session());
  EXPECT_EQ(client.Receive(1), "(end)");
  EXPECT_EQ(SSL_get_shutdown(client.session()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  PollUntil([&] { return open_ == 0; });
}

TEST_F(TlsTest, SeesTheEndThatComesWithTheLastBytes) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(client.Connect());
  client.Send("x");
  SSL_shutdown(client.session());  // its socket stays open
  EXPECT_EQ(client.Receive(2), "x(end)");
}

TEST_F(TlsTest, AsksForTheClientsCertificateAsToldTo) {
  const CertificateAndKey good = authority_.Issue("client", 10);
  const CertificateAndKey expired = authority_.Issue("client", -1);
  const CertificateAndKey foreign = TestAuthority().Issue("client", 10);
  Listen(ClientCertificates::kYes);
  EXPECT_TRUE(Works({.certificate = &good}));
  EXPECT_FALSE(Works());
  EXPECT_FALSE(Works({.certificate = &expired}));
  EXPECT_FALSE(Works({.certificate = &foreign}));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("peer did not return a certificate")));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("certificate has expired")));
  Listen(ClientCertificates::kOptional);
  EXPECT_TRUE(Works());
  EXPECT_TRUE(Works({.certificate = &good}));
  EXPECT_FALSE(Works({.certificate = &foreign}));
  Listen(ClientCertificates::kNo);
  EXPECT_TRUE(Works({.certificate = &foreign}));
}

TEST_F(TlsTest, KnowsTheNameInTheClientsCertificate) {
  const auto seen = [this](const std::string& name) {
    const CertificateAndKey certificate = authority_.Issue(name, 10);
    EXPECT_TRUE(Works({.certificate = &certificate}));
    return common_name_;
  };
  Listen(ClientCertificates::kOptional);
  EXPECT_EQ(seen("alice"), "alice");
  EXPECT_EQ(seen("\xc3\xa9lise"), "\xc3\xa9lise");
  // Who is meant is not clear: it is nobody.
  EXPECT_EQ(seen("alice,admin"), "");
  EXPECT_EQ(seen(std::string("admin\0alice", 11)), "");
  EXPECT_TRUE(Works());
  EXPECT_EQ(common_name_, "");
  Listen(ClientCertificates::kNo);  // what it may show is not looked at
  EXPECT_EQ(seen("alice"), "");
}

TEST_F(TlsTest, UsesNewFilesForNewConnectionsOnly) {
  Listen();
  TlsClient early(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(early.Connect());
  Install(authority_.Issue("second", 60));
  context_->Refresh();
  TlsClient late(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(late.Connect());
  EXPECT_EQ(early.server_name(), "first");
  EXPECT_EQ(late.server_name(), "second");
  EXPECT_EQ(RoundTrip(early, "old"), "old");
  EXPECT_EQ(RoundTrip(late, "new"), "new");
  EXPECT_NEAR(context_->DaysToExpiry(), 60, 0.1);
}

TEST_F(TlsTest, KeepsTheOldFilesIfTheNewOnesAreBrokenAndSaysItOnce) {
  Listen();
  log_.lines.clear();
  const CertificateAndKey second = authority_.Issue("second", 60);
  Write("tls/cert", second.certificate);  // as seen while the files are being replaced
  for (int i = 0; i < 3; ++i) context_->Refresh();
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_THAT(log_.lines[0], ContainsRegex("error: .*tls/key is not that .*old certificate stays"));
  ASSERT_TRUE(fs_->Remove("tls/cert").ok());
  for (int i = 0; i < 3; ++i) context_->Refresh();
  ASSERT_EQ(log_.lines.size(), 2U);
  EXPECT_THAT(log_.lines[1], HasSubstr("tls/cert"));
  EXPECT_TRUE(Works());
  EXPECT_NEAR(context_->DaysToExpiry(), 30, 0.1);
  Install(second);
  context_->Refresh();
  EXPECT_NEAR(context_->DaysToExpiry(), 60, 0.1);
  EXPECT_THAT(log_.lines.back(), HasSubstr("TLS: new certificate tls/cert"));
}

TEST_F(TlsTest, RefusesAKeyThatOthersMayReadAndSaysHowToCloseIt) {
  Listen();
  log_.lines.clear();
  Install(authority_.Issue("second", 60));
  ASSERT_TRUE(fs_->SetMode("tls/key", {.permissions = 0644}).ok());
  context_->Refresh();
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_THAT(log_.lines[0], ContainsRegex("tls/key is open to every user .*; chmod 600 tls/key;"));
  EXPECT_NEAR(context_->DaysToExpiry(), 30, 0.1);
  const Status refused = Open().status();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(refused.hint(), "chmod 600 tls/key");
  ASSERT_TRUE(fs_->SetMode("tls/key", {.permissions = 0400}).ok());
  context_->Refresh();
  EXPECT_NEAR(context_->DaysToExpiry(), 60, 0.1);
}

TEST_F(TlsTest, NamesTheFileThatIsWrongAndTheWayOut) {
  const CertificateAndKey good = authority_.Issue("good", 30);
  const auto refused = [&](const CertificateAndKey& files, const char* what, const char* hint) {
    Install(files);
    const auto context = Open();
    ASSERT_FALSE(context.ok()) << what;
    EXPECT_THAT(std::string(context.status().message()), ContainsRegex(what));
    EXPECT_THAT(std::string(context.status().hint()), HasSubstr(hint));
  };
  refused({"nonsense", good.key}, "tls/cert holds no certificate", "BEGIN CERTIFICATE");
  refused({good.certificate, "nonsense"}, "tls/key holds no private key", "openssl pkey");
  refused({good.certificate, authority_.Issue("other", 30).key},
          "tls/key is not that of the certificate in tls/cert", "requested");
  refused(authority_.Issue("old", -1), "tls/cert expired on 20..-..-..", "renew");
  Install(good);
  Write("tls/ca", "nonsense");
  const auto context = Open(ClientCertificates::kYes);
  EXPECT_THAT(std::string(context.status().message()), HasSubstr("tls/ca holds no certificate"));
  ASSERT_TRUE(fs_->Remove("tls/key").ok());
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("tls/key"));
}

TEST_F(TlsTest, WantsAnAuthorityIfClientsMustShowCertificates) {
  const auto context = TlsContext::Open({.cert_file = "tls/cert", .key_file = "tls/key"},
                                        {*fs_, base::SystemClock(), log_});
  EXPECT_THAT(std::string(context.status().hint()), HasSubstr("--tls-auth-clients no"));
}

TEST_F(TlsTest, ClosesWhoSpeaksPlainTextAndServesOthers) {
  Listen();
  TlsClient other(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(other.Connect());
  TlsClient plain(*loop_, listener_->address(), authority_);
  ASSERT_EQ(send(plain.fd(), "*1\r\n$4\r\nPING\r\n", 14, 0), 14);
  PollUntil([&] { return log_.lines.back().find("handshake failed") != std::string::npos; });
  EXPECT_FALSE(plain.Connect());
  EXPECT_EQ(RoundTrip(other, "still here"), "still here");
  EXPECT_EQ(open_, 1);
}

TEST_F(TlsTest, ClosesWhoSpeaksTlsToAListenerWithout) {
  auto listener = loop_->Listen(
      "127.0.0.1:0", [this](Connection& c) { return std::make_unique<Echo>(c, &open_); });
  ASSERT_TRUE(listener.ok()) << listener.status();
  TlsClient client(*loop_, (*listener)->address(), authority_);
  EXPECT_FALSE(client.Connect());
  PollUntil([&] { return open_ == 0; });
  EXPECT_THAT(log_.lines, Contains(HasSubstr("it speaks TLS to " + (*listener)->address())));
}

TEST_F(TlsTest, GivesAHandshakeSoMuchTimeAndNoMore) {
  Listen(ClientCertificates::kNo, 30);
  TlsClient silent(*loop_, listener_->address(), authority_);
  TlsClient half(*loop_, listener_->address(), authority_);
  ASSERT_EQ(send(half.fd(), "\x16\x03\x01\x02", 4, 0), 4);
  char byte = 0;
  for (const TlsClient* client : {&silent, &half}) {
    PollUntil([&] { return recv(client->fd(), &byte, 1, MSG_DONTWAIT) == 0; });
  }
  EXPECT_THAT(log_.lines, Contains(HasSubstr("TLS handshake failed: it took too long")).Times(2));
  EXPECT_EQ(open_, 0);
  // A connection that came in time stays.
  TlsClient quick(*loop_, listener_->address(), authority_);
  if (quick.Connect()) {
    TlsClient waits(*loop_, listener_->address(), authority_);
    PollUntil([&] { return recv(waits.fd(), &byte, 1, MSG_DONTWAIT) == 0; });
    EXPECT_EQ(RoundTrip(quick, "x"), "x");
  }
}

TEST_F(TlsTest, HangsUpWhenTheHandshakeBreaksOff) {
  Listen();
  {
    TlsClient gone(*loop_, listener_->address(), authority_);
    ASSERT_EQ(send(gone.fd(), "\x16\x03\x01\x02", 4, 0), 4);
    for (int i = 0; i < 10; ++i) loop_->Poll();
  }
  PollUntil([&] { return log_.lines.back().find("handshake failed") != std::string::npos; });
  EXPECT_TRUE(Works());
}

TEST_F(TlsTest, DoesNotRenegotiate) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_, {.newest_version = TLS1_2_VERSION});
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(RoundTrip(client, "x"), "x");
  ASSERT_EQ(SSL_renegotiate(client.session()), 1);
  EXPECT_FALSE(client.Connect());
  EXPECT_TRUE(Works());
}

TEST_F(TlsTest, ChangesKeysWhenThePeerAsks) {
  Listen();
  TlsClient client(*loop_, listener_->address(), authority_);
  ASSERT_TRUE(client.Connect());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(client.session(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(RoundTrip(client, "x"), "x");
  }
}

}  // namespace
}  // namespace nokv::rpc::stream
