// TlsContext: the certificate, the key and the rules with which a listener speaks TLS 1.2 and 1.3.
//
// The files may change while it is used: Refresh reads them again, and connections that come later
// use what they hold then. Files that do not fit together leave the old ones in use.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

struct ssl_ctx_st;
struct ssl_st;

namespace nokv::rpc::stream {

// Whether clients must show a certificate, which is then checked.
enum class ClientCertificates { kNo, kOptional, kYes };

struct TlsOptions {
  std::string cert_file = {};  // PEM: the certificate, behind it those of intermediate authorities
  std::string key_file = {};   // PEM, without a passphrase
  std::string ca_file =
      {};  // PEM: the authorities that sign the clients' certificates; empty: none
  ClientCertificates client_certificates = ClientCertificates::kYes;
};

// Borrowed; they must outlive the context.
struct TlsDoors {
  vfs::FileSystem& fs;
  base::Clock& clock;
  base::Logger& logger;
};

// What the files of a context held when they were last found good, as PEM.
struct TlsPem {
  std::string cert;
  std::string key;
  std::string ca;
  bool operator==(const TlsPem&) const = default;
};

class TlsContext {
 public:
  // kInvalidArgument, with the name of the file and the way out, for a file that is no PEM, a key
  // that is not the certificate's, or a certificate that has expired; kPermissionDenied for a key
  // that others may use (vfs::ReadSecret).
  static Result<std::unique_ptr<TlsContext>> Open(TlsOptions options, const TlsDoors& doors);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  // Reads the files, and if they have changed, uses them. If they do not fit together, the old ones
  // stay in use and one error is logged for each change. Reads a few KiB, and blocks for that.
  void Refresh();
  // Until the certificate expires; negative afterwards.
  double DaysToExpiry() const;

  // For adaptors to libraries that do TLS themselves.
  TlsPem pem() const;
  ClientCertificates client_certificates() const { return options_.client_certificates; }
  // A server's end of one connection; the caller frees it. Null if there is no memory.
  ssl_st* NewSession();

 private:
  struct Built {
    std::shared_ptr<ssl_ctx_st> context;
    TlsPem pem;
    int64_t expiry_ms = 0;
  };

  TlsContext(TlsOptions options, const TlsDoors& doors);
  Result<TlsPem> Read() const;
  Result<Built> Build(const TlsPem& files) const;
  Status UseClientAuthorities(ssl_ctx_st* context, const TlsPem& files) const;
  // What the certificate is for and how long it lasts, for the log.
  std::string Describe(const Built& built) const;

  const TlsOptions options_;
  const TlsDoors doors_;
  base::Mutex mu_;
  TlsPem seen_ GUARDED_BY(mu_);             // what was read last, good or not
  std::string last_error_ GUARDED_BY(mu_);  // of reading; empty: none
  mutable base::Mutex built_mu_;            // held for copies only
  Built built_ GUARDED_BY(built_mu_);
};

}  // namespace nokv::rpc::stream
