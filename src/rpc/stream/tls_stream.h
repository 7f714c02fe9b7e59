// TlsStream: the server's end of TLS over one non-blocking socket. Private to rpc/stream.
//
// It is used as the socket itself would be. What it has encrypted and the socket did not take it
// keeps, at most kMaxUnsentBytes and what one call adds; FlushUnsent sends it. So neither reading
// nor writing ever waits for the other.
//
// Thread safety: owned by one loop.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "rpc/stream/tls.h"

namespace nokv::rpc::stream {

class TlsStream {
 public:
  static constexpr size_t kMaxUnsentBytes = size_t{64} << 10;

  enum class Handshake { kDone, kNeedsMore, kFailed };

  // Null if there is no memory. `fd` is borrowed.
  static std::unique_ptr<TlsStream> New(TlsContext& context, int fd);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  // Goes on with the handshake. After kFailed error() says why.
  Handshake Shake();
  // After kDone: the common name in the peer's certificate, which the handshake has found good.
  // Empty if it has shown none, or if it is not clear: two names, or a name with a NUL in it.
  std::string PeerCommonName() const;
  // As recv: the count, 0 at the end of the stream, or -1 with errno EAGAIN, or EPROTO with
  // error().
  ssize_t Receive(char* buffer, size_t size);
  // As send: how many bytes were taken, or -1 with errno. REQUIRES: size > 0.
  ssize_t Send(const char* data, size_t size);
  // False if the connection broke.
  bool FlushUnsent();
  // Tells the peer that nothing more comes, if the socket takes that at once.
  void SayGoodbye();

  // Encrypted bytes that the socket has not taken.
  size_t unsent_bytes() const { return unsent_.size(); }
  // True if Receive would say more at once, bytes or the end, that has been taken from the socket:
  // the socket itself does not become readable for it.
  bool has_buffered() const { return more_; }
  const std::string& error() const { return error_; }

  // --- for the adaptor to OpenSSL ---
  ssize_t ReadSocket(char* buffer, size_t size);
  void Append(std::string_view encrypted) { unsent_.append(encrypted); }

 private:
  TlsStream(ssl_st* session, int fd) : session_(session), fd_(fd) {}
  // What a call that returned `result` wants: errno as for a socket.
  void SetErrno(int result);

  ssl_st* const session_;
  const int fd_;
  std::string unsent_;
  std::string error_;
  bool broken_ = false;
  bool more_ = false;
};

}  // namespace nokv::rpc::stream
