// What is gRPC's own: TLS, health, reflection, listening.
#include "rpc/grpc/grpc.h"

#include <gmock/gmock.h>
#include <google/protobuf/type.pb.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "rpc/call_test_util.h"
#include "rpc/stream/tls.h"
#include "rpc/stream/tls_test_util.h"
#include "rpc/unary.h"
#include "vfs/memory_fs.h"

namespace nokv::rpc::grpc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Thread safety: thread-safe.
class Lines final : public base::Logger {
 public:
  void Log(base::LogLevel /*level*/, std::string_view message) override {
    base::MutexLock lock(mu_);
    lines_.emplace_back(message);
  }
  std::vector<std::string> lines() {
    base::MutexLock lock(mu_);
    return lines_;
  }

 private:
  base::Mutex mu_;
  std::vector<std::string> lines_ GUARDED_BY(mu_);
};

// One node with its files of TLS.
struct Identity {
  explicit Identity(const stream::TestAuthority& authority) : fs(vfs::NewMemoryFileSystem()) {
    EXPECT_TRUE(fs->CreateDirs("tls").ok());
    Write("tls/ca", authority.certificate());
  }
  void Write(const std::string& path, const std::string& content) const {
    EXPECT_TRUE(vfs::WriteFileAtomically(*fs, path, content).ok());
  }
  void Install(const stream::CertificateAndKey& files) const {
    Write("tls/cert", files.certificate);
    Write("tls/key", files.key);
  }
  void Open() {
    auto context = stream::TlsContext::Open(
        {.cert_file = "tls/cert", .key_file = "tls/key", .ca_file = "tls/ca"},
        {*fs, base::SystemClock(), log});
    ASSERT_TRUE(context.ok()) << context.status();
    tls = std::move(context).value();
  }

  Lines log;
  std::unique_ptr<vfs::FileSystem> fs;
  std::unique_ptr<stream::TlsContext> tls;
};

class GrpcTest : public testing::Test {
 protected:
  GrpcTest() : runtime_(runtime::NewThreadRuntime({})) {}
  ~GrpcTest() override {
    server_.reset();
    runtime_.reset();
  }

  Executor executor() {
    // Tasks are still posted while the runtime ends.
    return [runtime = runtime_.get()](std::function<void()> task) {
      runtime->Post(runtime::Lane::kLog, std::move(task));
    };
  }
  Result<std::unique_ptr<Server>> ListenAt(const std::string& address,
                                           stream::TlsContext* tls = nullptr) {
    std::vector<Service> services;
    services.push_back(
        {"shop.v1.Till",
         {UnaryMethod("Greet", [](const std::string& name,
                                  const Answer& answer) { answer("hello, " + name); })},
         executor()});
    return Listen(address, std::move(services), {.tls = tls}, log_);
  }
  void Serve(stream::TlsContext* tls = nullptr) {
    auto server = ListenAt("127.0.0.1:0", tls);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
  }
  Result<std::string> AskOn(Channel& channel, const std::string& method, std::string request) {
    const auto done = runtime_->NewEvent();
    Result<std::string> answer = Status::Internal("not answered");
    CallUnary(channel, method, std::move(request), {}, [&](Result<std::string> result) {
      answer = std::move(result);
      done->Set();
    });
    done->Wait();
    return answer;
  }
  std::unique_ptr<Channel> Dial(stream::TlsContext* tls = nullptr,
                                const std::string& server_name = "till") {
    return NewChannel(server_->address(), {.executor = executor(),
                                           .tls = tls,
                                           .tls_server_name = tls == nullptr ? "" : server_name,
                                           .max_backoff_ms = 50});
  }
  Status Greet(stream::TlsContext* tls, const std::string& server_name = "till") {
    return AskOn(*Dial(tls, server_name), "/shop.v1.Till/Greet", "bob").status();
  }

  Lines log_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<Server> server_;
};

TEST_F(GrpcTest, AnswersHealthChecks) {
  Serve();
  const auto channel = Dial();
  const std::string till = std::string("\x0a\x0c") + "shop.v1.Till";
  const std::string check = "/grpc.health.v1.Health/Check";
  EXPECT_EQ(AskOn(*channel, check, "").value(), "\x08\x01") << "the server is serving";
  server_->SetServing("shop.v1.Till", true);
  EXPECT_EQ(AskOn(*channel, check, till).value(), "\x08\x01");
  server_->SetServing("shop.v1.Till", false);
  EXPECT_EQ(AskOn(*channel, check, till).value(), "\x08\x02") << "not serving";
}

TEST_F(GrpcTest, TellsToolsWhatItServes) {
  Serve();
  const auto handler = std::make_shared<RecordingHandler>();
  const auto channel = Dial();
  const auto call =
      channel->Open("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", {}, handler);
  call->Send(std::string("\x3a\x00", 2));  // list the services
  EXPECT_THAT(handler->WaitForMessages(1), ElementsAre(HasSubstr("shop.v1.Till")));
  call->End(Status::Ok());
  EXPECT_TRUE(handler->WaitForDone().ok());
}

TEST_F(GrpcTest, PrintsNothingOfWhatAPeerSends) {
  Serve();
  testing::internal::CaptureStderr();
  google::protobuf::Type message;
  EXPECT_FALSE(message.ParseFromString("\x0a\x01\xff")) << "its name is not UTF-8";
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(GrpcTest, SaysWhyItCannotListen) {
  Serve();
  const auto taken = ListenAt(server_->address());
  EXPECT_EQ(taken.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr(server_->address()));
  EXPECT_THAT(std::string(taken.status().hint()), HasSubstr("in use"));
  EXPECT_EQ(ListenAt("nonsense").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(GrpcTest, WarnsOfPlainTextOffLoopback) {
  Serve();
  EXPECT_THAT(log_.lines(), IsEmpty());
  const auto open = ListenAt("0.0.0.0:0");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("without TLS")));
}

class GrpcTlsTest : public GrpcTest {
 protected:
  GrpcTlsTest() : node_(authority_), peer_(authority_) {
    node_.Install(authority_.Issue("till", 30));
    peer_.Install(authority_.Issue("customer", 30));
    node_.Open();
    peer_.Open();
    Serve(node_.tls.get());
  }
  ~GrpcTlsTest() override { server_.reset(); }

  stream::TestAuthority authority_;
  Identity node_;
  Identity peer_;
};

TEST_F(GrpcTlsTest, BothSidesShowCertificates) {
  EXPECT_TRUE(Greet(peer_.tls.get()).ok()) << Greet(peer_.tls.get());
}

TEST_F(GrpcTlsTest, RefusesAClientOfAnotherAuthority) {
  const stream::TestAuthority other;
  Identity stranger(other);
  stranger.Install(other.Issue("customer", 30));
  stranger.Write("tls/ca", authority_.certificate());  // it would trust the server
  stranger.Open();
  EXPECT_EQ(Greet(stranger.tls.get()).code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTlsTest, RefusesAServerOfAnotherNameOrAuthority) {
  EXPECT_EQ(Greet(peer_.tls.get(), "safe").code(), StatusCode::kUnavailable);
  const stream::TestAuthority other;
  Identity picky(authority_);
  picky.Install(authority_.Issue("customer", 30));
  picky.Write("tls/ca", other.certificate());
  picky.Open();
  EXPECT_EQ(Greet(picky.tls.get()).code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTlsTest, RefusesPlainText) {
  EXPECT_EQ(Greet(nullptr).code(), StatusCode::kUnavailable);
}

TEST_F(GrpcTlsTest, UsesRenewedCertificatesWithoutARestart) {
  const auto old_channel = Dial(peer_.tls.get());
  EXPECT_TRUE(AskOn(*old_channel, "/shop.v1.Till/Greet", "bob").ok());
  // A new authority signs both; the old certificates are worth nothing to those who have the new.
  const stream::TestAuthority next;
  node_.Install(next.Issue("till", 30));
  node_.Write("tls/ca", next.certificate());
  EXPECT_TRUE(AskOn(*old_channel, "/shop.v1.Till/Greet", "bob").ok()) << "it is still connected";
  EXPECT_EQ(Greet(peer_.tls.get()).code(), StatusCode::kUnavailable);
  peer_.Install(next.Issue("customer", 30));
  peer_.Write("tls/ca", next.certificate());
  EXPECT_TRUE(Greet(peer_.tls.get()).ok()) << Greet(peer_.tls.get());
  EXPECT_TRUE(AskOn(*old_channel, "/shop.v1.Till/Greet", "bob").ok());
  EXPECT_THAT(node_.log.lines(), Contains(HasSubstr("TLS: new certificate")));
}

TEST_F(GrpcTlsTest, FilesThatDoNotFitTogetherLeaveTheOldOnesInUse) {
  node_.Write("tls/key", authority_.Issue("till", 30).key);
  EXPECT_TRUE(Greet(peer_.tls.get()).ok()) << Greet(peer_.tls.get());
  EXPECT_THAT(node_.log.lines(), Contains(HasSubstr("the old certificate stays in use")));
}

}  // namespace
}  // namespace nokv::rpc::grpc
