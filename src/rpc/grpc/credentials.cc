#include "rpc/grpc/credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>

#include "base/mutex.h"

namespace nokv::rpc::grpc {
namespace {

grpc_ssl_client_certificate_request_type RequestType(stream::ClientCertificates wanted) {
  switch (wanted) {
    case stream::ClientCertificates::kNo:
      return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    case stream::ClientCertificates::kOptional:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case stream::ClientCertificates::kYes:
      break;
  }
  return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
}

// The library's own credentials with a fixed certificate cannot be renewed, and those that watch
// files take a key that is not the certificate's; so gRPC asks here at each handshake.
class RenewedCredentials final : public ::grpc::ServerCredentials {
 public:
  explicit RenewedCredentials(stream::TlsContext& tls)
      : tls_(tls),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                RequestType(tls.client_certificates()), Fetch, this))) {}
  RenewedCredentials(const RenewedCredentials&) = delete;
  RenewedCredentials& operator=(const RenewedCredentials&) = delete;
  ~RenewedCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(
      const std::shared_ptr<::grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<RenewedCredentials*>(self)->Renew(config);
  }

  grpc_ssl_certificate_config_reload_status Renew(grpc_ssl_server_certificate_config** config) {
    tls_.Refresh();
    stream::TlsPem pem = tls_.pem();
    base::MutexLock lock(mu_);
    if (pem == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    given_ = std::move(pem);
    const grpc_ssl_pem_key_cert_pair pair = {given_.key.c_str(), given_.cert.c_str()};
    *config = grpc_ssl_server_certificate_config_create(
        given_.ca.empty() ? nullptr : given_.ca.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  stream::TlsContext& tls_;
  grpc_server_credentials* const credentials_;
  base::Mutex mu_;
  stream::TlsPem given_ GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<::grpc::ServerCredentials> ServerTls(stream::TlsContext& tls) {
  return std::make_shared<RenewedCredentials>(tls);
}

std::shared_ptr<::grpc::ChannelCredentials> ChannelTls(const stream::TlsPem& pem) {
  return ::grpc::SslCredentials({pem.ca, pem.key, pem.cert});
}

}  // namespace nokv::rpc::grpc
