#include "rpc/stream/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <utility>

#include "base/macros.h"
#include "rpc/stream/tls_error.h"

namespace nokv::rpc::stream {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 20;
constexpr int64_t kDayMs = 86'400'000;

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
void FreeBio(BIO* bio) {
  BIO_free(bio);
}
using Bio = std::unique_ptr<BIO, Freed<BIO, FreeBio>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;

Bio Reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase must fail, not ask the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return 0;
}

Certificate ReadCertificate(BIO* from) {
  return Certificate(PEM_read_bio_X509(from, nullptr, NoPassphrase, nullptr));
}

Status Bad(const std::string& what, const std::string& hint) {
  ERR_clear_error();
  return Status::InvalidArgument(what).WithHint(hint);
}

int64_t UnixMs(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<int64_t>(timegm(&parts)) * 1000;
}

std::string Date(int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

void SetRules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // A peer that just hangs up is one that hangs up: requests carry their lengths.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);
  // Sessions are resumed by tickets, which cost no memory here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr std::string_view kName = "nokv";
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kName.data()),
                                 kName.size());
}

}  // namespace

std::string TakeTlsError() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "unknown error" : reason;
}

TlsContext::TlsContext(TlsOptions options, const TlsDoors& doors)
    : options_(std::move(options)), doors_(doors) {}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::Open(TlsOptions options, const TlsDoors& doors) {
  if (options.client_certificates != ClientCertificates::kNo && options.ca_file.empty()) {
    return Status::InvalidArgument("no authority is named that signs the clients' certificates")
        .WithHint("give --tls-ca-cert-file, or --tls-auth-clients no if clients need none");
  }
  std::unique_ptr<TlsContext> context(new TlsContext(std::move(options), doors));
  ASSIGN_OR_RETURN(TlsPem files, context->Read());
  ASSIGN_OR_RETURN(Built built, context->Build(files));
  doors.logger.Info("TLS: " + context->Describe(built));
  {
    base::MutexLock lock(context->built_mu_);
    context->built_ = std::move(built);
  }
  base::MutexLock lock(context->mu_);
  context->seen_ = std::move(files);
  return context;
}

Result<TlsPem> TlsContext::Read() const {
  TlsPem files;
  ASSIGN_OR_RETURN(files.cert, doors_.fs.ReadFile(options_.cert_file, kMaxFileBytes));
  ASSIGN_OR_RETURN(files.key, vfs::ReadSecret(doors_.fs, options_.key_file, kMaxFileBytes));
  if (!options_.ca_file.empty()) {
    ASSIGN_OR_RETURN(files.ca, doors_.fs.ReadFile(options_.ca_file, kMaxFileBytes));
  }
  return files;
}

Result<TlsContext::Built> TlsContext::Build(const TlsPem& files) const {
  Built built;
  built.context = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (built.context == nullptr) return Status::ResourceExhausted("TLS: " + TakeTlsError());
  SSL_CTX* context = built.context.get();
  SetRules(context);

  const Bio certs = Reader(files.cert);
  const Certificate cert = ReadCertificate(certs.get());
  if (cert == nullptr) {
    return Bad(options_.cert_file + " holds no certificate in PEM form",
               "it begins with -----BEGIN CERTIFICATE-----; openssl x509 converts other forms");
  }
  if (SSL_CTX_use_certificate(context, cert.get()) != 1) {
    return Bad(options_.cert_file + " cannot be used: " + TakeTlsError(),
               "make a certificate with an RSA key of 2048 bits or more, or with an EC key");
  }
  while (const Certificate next = ReadCertificate(certs.get())) {
    SSL_CTX_add1_chain_cert(context, next.get());
  }
  built.expiry_ms = UnixMs(X509_get0_notAfter(cert.get()));
  if (built.expiry_ms <= static_cast<int64_t>(doors_.clock.WallMillis())) {
    return Bad(options_.cert_file + " expired on " + Date(built.expiry_ms),
               "renew the certificate");
  }

  const Bio key_text = Reader(files.key);
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return Bad(options_.key_file + " holds no private key in PEM form, or one with a passphrase",
               "openssl pkey -in OLD -out NEW takes a passphrase away");
  }
  if (X509_check_private_key(cert.get(), key.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Bad("the key in " + options_.key_file + " is not that of the certificate in " +
                   options_.cert_file,
               "name the key with which the certificate was requested");
  }
  RETURN_IF_ERROR(UseClientAuthorities(context, files));
  ERR_clear_error();
  built.pem = files;
  return built;
}

Status TlsContext::UseClientAuthorities(SSL_CTX* context, const TlsPem& files) const {
  if (options_.client_certificates == ClientCertificates::kNo) return Status::Ok();
  const Bio authorities = Reader(files.ca);
  int count = 0;
  while (const Certificate authority = ReadCertificate(authorities.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
    ++count;
  }
  if (count == 0) {
    return Bad(options_.ca_file + " holds no certificate in PEM form",
               "it holds those of the authorities that sign the clients' certificates");
  }
  int mode = SSL_VERIFY_PEER;
  if (options_.client_certificates == ClientCertificates::kYes) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, nullptr);
  return Status::Ok();
}

std::string TlsContext::Describe(const Built& built) const {
  return "certificate " + options_.cert_file + ", good until " + Date(built.expiry_ms);
}

void TlsContext::Refresh() {
  base::MutexLock lock(mu_);
  Result<TlsPem> files = Read();
  Status status = files.status();
  if (files.ok()) {
    if (*files == seen_ && last_error_.empty()) return;
    Result<Built> built = Build(*files);
    status = built.status();
    if (*files == seen_ && std::string(status.message()) == last_error_) return;
    seen_ = *std::move(files);
    if (status.ok()) {
      doors_.logger.Info("TLS: new " + Describe(*built));
      last_error_.clear();
      base::MutexLock built_lock(built_mu_);
      built_ = *std::move(built);
      return;
    }
  } else if (std::string(status.message()) == last_error_) {
    return;
  }
  last_error_ = std::string(status.message());
  const std::string hint = status.hint().empty() ? "" : "; " + std::string(status.hint());
  doors_.logger.Error("TLS: " + last_error_ + hint + "; the old certificate stays in use");
}

double TlsContext::DaysToExpiry() const {
  base::MutexLock lock(built_mu_);
  return static_cast<double>(built_.expiry_ms - static_cast<int64_t>(doors_.clock.WallMillis())) /
         static_cast<double>(kDayMs);
}

TlsPem TlsContext::pem() const {
  base::MutexLock lock(built_mu_);
  return built_.pem;
}

SSL* TlsContext::NewSession() {
  std::shared_ptr<SSL_CTX> context;
  {
    base::MutexLock lock(built_mu_);
    context = built_.context;
  }
  return SSL_new(context.get());
}

}  // namespace nokv::rpc::stream
