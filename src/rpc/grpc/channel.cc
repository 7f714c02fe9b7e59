#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "base/mutex.h"
#include "rpc/grpc/client_call.h"
#include "rpc/grpc/credentials.h"
#include "rpc/grpc/grpc.h"
#include "rpc/grpc/keep_alive.h"
#include "rpc/grpc/library.h"

namespace nokv::rpc::grpc {
namespace {

::grpc::ChannelArguments Arguments(const ChannelOptions& options) {
  ::grpc::ChannelArguments arguments;
  SetKeepAlive(options.keep_alive,
               [&arguments](const char* name, int value) { arguments.SetInt(name, value); });
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.limits.max_message_bytes));
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // The least of these is also how long an attempt may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(options.connect_timeout_ms));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, static_cast<int>(options.min_backoff_ms));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(options.max_backoff_ms));
  if (!options.tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls_server_name);
  }
  return arguments;
}

class GrpcChannel final : public Channel {
 public:
  GrpcChannel(std::string address, ChannelOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}
  GrpcChannel(const GrpcChannel&) = delete;
  GrpcChannel& operator=(const GrpcChannel&) = delete;
  ~GrpcChannel() override { live_->EndAll(); }

  std::shared_ptr<Call> Open(const std::string& method, const CallOptions& options,
                             std::shared_ptr<CallHandler> handler) override {
    return ClientCall::Open(Connected(), method, options, options_.limits, options_.executor,
                            std::move(handler), address_, live_);
  }

 private:
  // The channel, a new one if the certificate was renewed: calls that are open keep the old one.
  std::shared_ptr<::grpc::Channel> Connected() EXCLUDES(mu_) {
    stream::TlsPem pem;
    if (options_.tls != nullptr) {
      options_.tls->Refresh();
      pem = options_.tls->pem();
    }
    base::MutexLock lock(mu_);
    if (channel_ == nullptr || pem != pem_) {
      pem_ = std::move(pem);
      channel_ = ::grpc::CreateCustomChannel(
          address_,
          options_.tls == nullptr ? ::grpc::InsecureChannelCredentials() : ChannelTls(pem_),
          Arguments(options_));
    }
    return channel_;
  }

  const std::string address_;
  const ChannelOptions options_;
  const std::shared_ptr<LiveCalls> live_ = std::make_shared<LiveCalls>();
  base::Mutex mu_;
  stream::TlsPem pem_ GUARDED_BY(mu_);
  std::shared_ptr<::grpc::Channel> channel_ GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<Channel> NewChannel(const std::string& address, const ChannelOptions& options) {
  SetUpLibrary();
  return std::make_unique<GrpcChannel>(address, options);
}

}  // namespace nokv::rpc::grpc
