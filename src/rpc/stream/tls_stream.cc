#include "rpc/stream/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "rpc/stream/tls_error.h"

namespace nokv::rpc::stream {

namespace {

constexpr size_t kKeptBytes = 1024;  // of an empty buffer: many connections wait, few send

// OpenSSL's own adaptor to sockets writes with write(), which raises SIGPIPE, and a call for each
// record; this one collects what is written.
int ReadBio(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
  const ssize_t count = stream->ReadSocket(buffer, static_cast<size_t>(size));
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(count);
}

int WriteBio(BIO* bio, const char* data, int size) {
  static_cast<TlsStream*>(BIO_get_data(bio))->Append({data, static_cast<size_t>(size)});
  return size;
}

long ControlBio(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* Adaptor() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nokv stream");
    BIO_meth_set_read(made, ReadBio);
    BIO_meth_set_write(made, WriteBio);
    BIO_meth_set_ctrl(made, ControlBio);
    return made;
  }();
  return method;
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::New(TlsContext& context, int fd) {
  SSL* session = context.NewSession();
  BIO* bio = session == nullptr ? nullptr : BIO_new(Adaptor());
  if (bio == nullptr) {
    SSL_free(session);
    return nullptr;
  }
  std::unique_ptr<TlsStream> stream(new TlsStream(session, fd));
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session, bio, bio);
  SSL_set_accept_state(session);
  return stream;
}

TlsStream::~TlsStream() {
  SSL_free(session_);
}

TlsStream::Handshake TlsStream::Shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_);
  if (result != 1) SetErrno(result);
  const int why = errno;
  const bool sent = FlushUnsent();
  // The peer's last words of the handshake and its first request may have come together.
  more_ = SSL_has_pending(session_) != 0;
  if (result == 1 && sent) return Handshake::kDone;
  if (sent && why == EAGAIN) return Handshake::kNeedsMore;
  const long verdict = SSL_get_verify_result(session_);
  if (verdict != X509_V_OK) {
    error_ += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  }
  if (error_.empty()) error_ = "the peer hung up";
  return Handshake::kFailed;
}

std::string TlsStream::PeerCommonName() const {
  const X509* const certificate = SSL_get0_peer_certificate(session_);
  if (certificate == nullptr || SSL_get_verify_result(session_) != X509_V_OK) return "";
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int position = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (position < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, position) >= 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position)));
  if (size < 0) {
    ERR_clear_error();
    return "";
  }
  const std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return name.find('\0') == std::string::npos ? name : "";
}

ssize_t TlsStream::Receive(char* buffer, size_t size) {
  ERR_clear_error();
  more_ = false;
  size_t total = 0;
  while (total < size && (total == 0 || SSL_has_pending(session_) != 0)) {
    const int count = SSL_read(session_, buffer + total, static_cast<int>(size - total));
    if (count > 0) {
      total += static_cast<size_t>(count);
      continue;
    }
    SetErrno(count);
    if (total == 0) return errno == 0 ? 0 : -1;
    more_ = errno != EAGAIN;  // the next call meets the end again
    return static_cast<ssize_t>(total);
  }
  more_ = SSL_has_pending(session_) != 0;
  return static_cast<ssize_t>(total);
}

ssize_t TlsStream::Send(const char* data, size_t size) {
  if (!FlushUnsent()) return -1;
  if (!unsent_.empty()) {
    errno = EAGAIN;
    return -1;
  }
  ERR_clear_error();
  const int taken = SSL_write(session_, data, static_cast<int>(std::min(size, kMaxUnsentBytes)));
  if (taken <= 0) {
    SetErrno(taken);
    return -1;
  }
  return FlushUnsent() ? taken : -1;
}

bool TlsStream::FlushUnsent() {
  size_t sent = 0;
  while (sent < unsent_.size()) {
    const ssize_t count = send(fd_, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) break;
      return false;
    }
    sent += static_cast<size_t>(count);
  }
  unsent_.erase(0, sent);
  if (unsent_.empty() && unsent_.capacity() > kKeptBytes) std::string().swap(unsent_);
  return true;
}

void TlsStream::SayGoodbye() {
  if (broken_ || SSL_is_init_finished(session_) == 0) return;
  ERR_clear_error();
  (void)SSL_shutdown(session_);
  (void)FlushUnsent();
  ERR_clear_error();
}

ssize_t TlsStream::ReadSocket(char* buffer, size_t size) {
  return recv(fd_, buffer, size, 0);
}

void TlsStream::SetErrno(int result) {
  const int system_error = errno;
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return;
    case SSL_ERROR_ZERO_RETURN:
      errno = 0;
      return;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      errno = system_error == 0 ? EPIPE : system_error;
      return;
    default:
      broken_ = true;
      error_ = TakeTlsError();
      errno = EPROTO;
  }
}

}  // namespace nokv::rpc::stream
