// Certificates and a TLS client for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "rpc/stream/stream.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace nokv::rpc::stream {

struct CertificateAndKey {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

// Signs certificates.
class TestAuthority {
 public:
  TestAuthority();
  const std::string& certificate() const { return pem_; }
  // The common name; a comma separates several. Good for `days` from now on; it has expired if that
  // is negative.
  CertificateAndKey Issue(const std::string& name, int days) const;

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
  std::string pem_;
};

// A client that drives the server's loop while it waits.
class TlsClient {
 public:
  struct Options {
    const CertificateAndKey* certificate = nullptr;
    int newest_version = 0;  // of the protocol; 0: any
  };

  TlsClient(Loop& loop, const std::string& address, const TestAuthority& authority,
            const Options& options);
  TlsClient(Loop& loop, const std::string& address, const TestAuthority& authority)
      : TlsClient(loop, address, authority, Options()) {}
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient();

  // True if the handshake was done and the server's certificate is the authority's.
  bool Connect();
  void Send(std::string_view bytes);
  // `count` bytes, or what came before the connection ended and "(end)".
  std::string Receive(size_t count);
  // The name in the server's certificate.
  std::string server_name() const;
  ssl_st* session() const { return session_; }
  int fd() const { return fd_; }

 private:
  // Calls `step` until it is done; false if the connection broke.
  template <typename Step>
  bool Drive(Step step);

  Loop& loop_;
  int fd_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* session_;
};

}  // namespace nokv::rpc::stream
