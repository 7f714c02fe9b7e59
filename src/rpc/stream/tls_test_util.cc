#include "rpc/stream/tls_test_util.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "rpc/stream/socket_test_util.h"

namespace nokv::rpc::stream {

namespace {

constexpr long kDaySeconds = 86400;
constexpr int kMaxTurns = 1'000'000;

template <typename Write>
std::string Pem(Write write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  EXPECT_EQ(write(bio.get()), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  return Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::shared_ptr<EVP_PKEY> NewKey() {
  return {EVP_EC_gen("P-256"), EVP_PKEY_free};
}

void Name(X509_NAME* name, const std::string& text) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.data()) + begin,
                               static_cast<int>(end - begin), -1, 0);
    begin = end + 1;
  }
}

std::shared_ptr<X509> Certify(const std::string& name, int days, EVP_PKEY* key, X509* issuer,
                              EVP_PKEY* issuer_key) {
  std::shared_ptr<X509> made(X509_new(), X509_free);
  // Version 1, in which every self-signed certificate may be an authority's.
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -100 * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), days * kDaySeconds);
  X509_set_pubkey(made.get(), key);
  Name(X509_get_subject_name(made.get()), name);
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
  EXPECT_GT(X509_sign(made.get(), issuer_key, EVP_sha256()), 0);
  return made;
}

}  // namespace

TestAuthority::TestAuthority()
    : key_(NewKey()),
      certificate_(Certify("authority", 100, key_.get(), nullptr, key_.get())),
      pem_(PemOf(certificate_.get())) {}

CertificateAndKey TestAuthority::Issue(const std::string& name, int days) const {
  const auto key = NewKey();
  const auto certificate = Certify(name, days, key.get(), certificate_.get(), key_.get());
  return {.certificate = PemOf(certificate.get()),
          .key = Pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

TlsClient::TlsClient(Loop& loop, const std::string& address, const TestAuthority& authority,
                     const Options& options)
    : loop_(loop),
      fd_(ConnectTo(address)),
      context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
  EXPECT_EQ(fcntl(fd_, F_SETFL, O_NONBLOCK), 0);
  const auto reader = [](const std::string& pem) {
    return std::unique_ptr<BIO, int (*)(BIO*)>(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  };
  const std::shared_ptr<X509> trusted(
      PEM_read_bio_X509(reader(authority.certificate()).get(), nullptr, nullptr, nullptr),
      X509_free);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), trusted.get());
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  if (options.newest_version != 0) {
    // Old versions need the weaker level to be spoken at all.
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), options.newest_version);
  }
  if (options.certificate != nullptr) {
    const std::shared_ptr<X509> own(
        PEM_read_bio_X509(reader(options.certificate->certificate).get(), nullptr, nullptr,
                          nullptr),
        X509_free);
    const std::shared_ptr<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(reader(options.certificate->key).get(), nullptr, nullptr, nullptr),
        EVP_PKEY_free);
    SSL_CTX_use_certificate(context_.get(), own.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }
  session_ = SSL_new(context_.get());
  SSL_set_fd(session_, fd_);
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's writes raise it when the server has hung up
  SSL_set_mode(session_, SSL_MODE_ENABLE_PARTIAL_WRITE);
}

TlsClient::~TlsClient() {
  SSL_free(session_);
  close(fd_);
}

template <typename Step>
bool TlsClient::Drive(Step step) {
  for (int i = 0; i < kMaxTurns; ++i) {
    ERR_clear_error();
    const int result = step();
    if (result > 0) return true;
    const int why = SSL_get_error(session_, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
    loop_.Poll();
  }
  ADD_FAILURE() << "the server does not answer";
  return false;
}

bool TlsClient::Connect() {
  return Drive([this] { return SSL_connect(session_); });
}

void TlsClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    int sent = 0;
    ASSERT_TRUE(Drive([&] {
      sent = SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
      return sent;
    }));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string TlsClient::Receive(size_t count) {
  std::string received;
  char buffer[65536];
  while (received.size() < count) {
    int got = 0;
    if (!Drive([&] { return got = SSL_read(session_, buffer, sizeof buffer); })) {
      return received + "(end)";
    }
    received.append(buffer, static_cast<size_t>(got));
  }
  return received;
}

std::string TlsClient::server_name() const {
  const std::shared_ptr<X509> certificate(SSL_get1_peer_certificate(session_), X509_free);
  char name[64] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                            sizeof name);
  return name;
}

}  // namespace nokv::rpc::stream
