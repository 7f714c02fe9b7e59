#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "rpc/grpc/credentials.h"
#include "rpc/grpc/grpc.h"
#include "rpc/grpc/keep_alive.h"
#include "rpc/grpc/library.h"
#include "rpc/grpc/server_call.h"
#include "rpc/http/host_port.h"

namespace nokv::rpc::grpc {
namespace {

constexpr uint16_t kCannotListen = 2101;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr size_t kRefusedBytes = size_t{1} << 20;

// What the compiler of contracts would make of a service, from the list of its methods: gRPC then
// knows them by name, for reflection, too.
class GrpcService final : public ::grpc::Service {
 public:
  explicit GrpcService(rpc::Service service) : service_(std::move(service)) {
    for (const Method& method : service_.methods) {
      paths_.push_back(MethodPath(service_.name, method.name));
    }
    for (size_t i = 0; i < paths_.size(); ++i) {
      AddMethod(new ::grpc::internal::RpcServiceMethod(
          paths_[i].c_str(), ::grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
      MarkMethodRawCallback(
          static_cast<int>(i),
          new ::grpc::internal::CallbackBidiHandler<::grpc::ByteBuffer, ::grpc::ByteBuffer>(
              [this, i](::grpc::CallbackServerContext* context) {
                return ServerCall::Serve(context, service_.limits, service_.executor,
                                         service_.methods[i].accept);
              }));
    }
  }

  const rpc::Service& service() const { return service_; }

 private:
  const rpc::Service service_;
  std::vector<std::string> paths_;
};

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(std::vector<rpc::Service> services) {
    for (rpc::Service& service : services) {
      services_.push_back(std::make_shared<GrpcService>(std::move(service)));
    }
  }
  ~GrpcServer() override {
    if (server_ == nullptr) return;
    // At once: whoever is in a call hears that it is over.
    server_->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME));
    server_->Wait();
  }

  Status Start(const std::string& address, const ServerOptions& options, base::Logger& logger);

  const std::string& address() const override { return address_; }
  void SetServing(const std::string& service, bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(service, serving);
  }

 private:
  std::vector<std::shared_ptr<GrpcService>> services_;
  std::shared_ptr<::grpc::ServerCredentials> credentials_;  // asked at every handshake
  std::unique_ptr<::grpc::Server> server_;
  std::string address_;
};

Status GrpcServer::Start(const std::string& address, const ServerOptions& options,
                         base::Logger& logger) {
  ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(address));
  const std::string host = where.host.empty() ? "127.0.0.1" : where.host;
  const std::string bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
  ::grpc::ServerBuilder builder;
  size_t max_message = 0;
  for (const std::shared_ptr<GrpcService>& service : services_) {
    builder.RegisterService(service.get());
    max_message = std::max(max_message, service->service().limits.max_message_bytes);
  }
  // A bit more than is taken: what is a little too long is then refused by who can say so.
  builder.SetMaxReceiveMessageSize(static_cast<int>(max_message + kRefusedBytes));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_calls_per_connection);
  SetKeepAlive(options.keep_alive, [&builder](const char* name, int value) {
    builder.AddChannelArgument(name, value);
  });
  // A client that pings more often than this is sent away.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      static_cast<int>(std::min<uint64_t>(1'000, options.keep_alive.ping_after_ms / 2)));
  ::grpc::ResourceQuota quota("nokv");
  quota.Resize(options.max_memory_bytes);
  builder.SetResourceQuota(quota);
  credentials_ =
      options.tls == nullptr ? ::grpc::InsecureServerCredentials() : ServerTls(*options.tls);
  int port = 0;
  builder.AddListeningPort(bracketed + ":" + std::to_string(where.port), credentials_, &port);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return Status::Unavailable("cannot listen on " + address)
        .WithHint("the port is in use, or the address is not one of this machine: choose another")
        .WithErrorNumber(kCannotListen);
  }
  address_ = bracketed + ":" + std::to_string(port);
  if (options.tls == nullptr && !IsLoopback(host)) {
    logger.Warning("listening on " + address_ + " without TLS");
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Server>> Listen(const std::string& address, std::vector<Service> services,
                                       const ServerOptions& options, base::Logger& logger) {
  SetUpLibrary();
  auto server = std::make_unique<GrpcServer>(std::move(services));
  RETURN_IF_ERROR(server->Start(address, options, logger));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace nokv::rpc::grpc
