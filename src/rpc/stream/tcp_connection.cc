#include "rpc/stream/tcp_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"

namespace nokv::rpc::stream {

namespace {

// A buffer that grew beyond this is given back when it is empty.
constexpr size_t kKeptOutputBytes = size_t{256} << 10;

// Each costs some 50 KiB, and processor time that who has begun first should get.
constexpr size_t kMaxHandshakes = 1000;
constexpr size_t kWarningsPerSecond = 10;

Endpoint Describe(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return {host + (":" + std::to_string(ntohs(v4.sin_port))),
            ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
  // A socket for both shows an address of version 4 within one of version 6.
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
  return {"[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port)),
          mapped ? v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET
                 : IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0};
}

bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

Endpoint LocalEndpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Describe(address);
}

void LoopState::Warn(const std::string& what) {
  const uint64_t second = base::SystemClock().MonotonicMicros() / 1'000'000;
  if (second != std::exchange(warn_second, second)) warn_count = 0;
  if (++warn_count <= kWarningsPerSecond) logger.Warning(what);
  if (warn_count == kWarningsPerSecond) logger.Warning("more of that in this second is not logged");
}

AcceptedSocket::AcceptedSocket(int fd) : local(LocalEndpoint(fd).text), fd_(fd) {
  // If one of them fails the connection is gone, which the first read will say.
  const int on = 1;
  (void)setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    peer = Describe(address);
  }
}

AcceptedSocket::AcceptedSocket(AcceptedSocket&& other) noexcept
    : peer(std::move(other.peer)), local(std::move(other.local)), fd_(other.Release()) {}

AcceptedSocket::~AcceptedSocket() {
  if (fd_ >= 0) close(fd_);
}

int AcceptedSocket::Release() {
  return std::exchange(fd_, -1);
}

TcpConnection::TcpConnection(AcceptedSocket socket, LoopState& loop)
    : fd_(socket.Release()),
      loop_(loop),
      peer_(std::move(socket.peer.text)),
      local_(std::move(socket.local)),
      peer_is_loopback_(socket.peer.is_loopback) {}

TcpConnection::~TcpConnection() {
  if (fd_ >= 0) close(fd_);
}

void TcpConnection::Start(std::shared_ptr<const Reception> reception) {
  loop_.connections.insert(shared_from_this());
  if (reception->options.tls != nullptr) return StartHandshake(std::move(reception));
  Serve(reception->accept);
}

void TcpConnection::Serve(const AcceptHandler& accept) {
  handler_ = accept(*this);
  // A refusal may have been written, and wait for the socket.
  if (handler_ == nullptr) CloseAfterFlush();
  UpdateEvents();
}

void TcpConnection::StartHandshake(std::shared_ptr<const Reception> reception) {
  ++loop_.handshakes;
  handshake_ = std::make_unique<Handshake>(Handshake{std::move(reception), 0});
  const ListenOptions& options = handshake_->reception->options;
  if (loop_.handshakes > kMaxHandshakes) return FailHandshake("too many others are under way");
  tls_ = TlsStream::New(*options.tls, fd_);
  if (tls_ == nullptr) return FailHandshake("out of memory");
  const auto fail = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr && self->handshake_ != nullptr) self->FailHandshake("it took too long");
  };
  handshake_->timer = loop_.loop.StartTimer(options.handshake_timeout_ms, fail);
  UpdateEvents();
}

void TcpConnection::ContinueHandshake() {
  const TlsStream::Handshake outcome = tls_->Shake();
  if (outcome == TlsStream::Handshake::kFailed) return FailHandshake(tls_->error());
  waiting_write_ = tls_->unsent_bytes() > 0;
  if (outcome == TlsStream::Handshake::kNeedsMore) return UpdateEvents();
  const std::unique_ptr<Handshake> done = EndHandshake();
  peer_common_name_ = tls_->PeerCommonName();
  Serve(done->reception->accept);
}

std::unique_ptr<TcpConnection::Handshake> TcpConnection::EndHandshake() {
  --loop_.handshakes;
  loop_.loop.CancelTimer(handshake_->timer);
  return std::move(handshake_);
}

void TcpConnection::FailHandshake(const std::string& why) {
  loop_.Warn("client " + peer_ + ": TLS handshake failed: " + why);
  EndHandshake();
  Close();
}

void TcpConnection::UpdateEvents() {
  if (closed_) return;
  const bool wants_input = reading_ && !peer_closed_ && !close_after_flush_;
  uint32_t events = 0;
  if (waiting_write_) events |= EPOLLOUT;
  // A peer can make TLS answer by itself; who does not take that is not read from.
  const bool clogged = tls_ != nullptr && tls_->unsent_bytes() > TlsStream::kMaxUnsentBytes;
  if (wants_input && !clogged) events |= EPOLLIN;
  if (wants_input && handshake_ == nullptr && tls_ != nullptr && tls_->has_buffered()) {
    ReadBufferedSoon();
  }
  if (polled_ && events == events_) return;
  if (polled_) {
    loop_.loop.Change(fd_, *this, events);
  } else {
    loop_.loop.Add(fd_, *this, events);
  }
  polled_ = true;
  events_ = events;
}

void TcpConnection::OnEvents(uint32_t events) {
  if (closed_) return;
  if (handshake_ != nullptr) return ContinueHandshake();
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if ((events & EPOLLOUT) != 0) WriteReady();
  if (closed_) return;
  if ((events & EPOLLIN) != 0 && (events_ & EPOLLIN) != 0) {
    ReadReady();
  } else if (broken) {
    Close();  // level-triggered: it would be told again and again
  }
}

void TcpConnection::ReadReady() {
  const ssize_t count = Receive(loop_.read_buffer.data(), loop_.read_buffer.size());
  if (count > 0) {
    const std::string_view data(loop_.read_buffer.data(), static_cast<size_t>(count));
    if (!std::exchange(received_, true) && IsTlsHello(data)) return Close();
    if (tls_ != nullptr) ReadBufferedSoon();
    input_.Show(*handler_, data);
  } else if (count == 0) {
    peer_closed_ = true;
    UpdateEvents();
    handler_->OnPeerClosed(*this);
  } else if (!WouldBlock()) {
    return Close();
  }
  if (tls_ != nullptr && tls_->unsent_bytes() > 0) {
    Flush();  // TLS answers some things by itself
    UpdateEvents();
  }
}

void TcpConnection::ReadBufferedSoon() {
  if (read_soon_ || !tls_->has_buffered()) return;
  read_soon_ = true;
  loop_.loop.Post([self = shared_from_this()] {
    self->read_soon_ = false;
    if (!self->closed_ && (self->events_ & EPOLLIN) != 0) self->ReadReady();
  });
}

// Nothing that is spoken here in plain text begins like this.
bool TcpConnection::IsTlsHello(std::string_view data) {
  if (tls_ != nullptr || !data.starts_with("\x16\x03")) return false;
  loop_.Warn("client " + peer_ + ": closed, it speaks TLS to " + local_ + ", which does not");
  return true;
}

void TcpConnection::RedeliverInput() {
  loop_.loop.Post([self = shared_from_this()] {
    if (self->closed_ || self->close_after_flush_ || self->input_.empty()) return;
    self->input_.Show(*self->handler_, {});
  });
}

void TcpConnection::SetReading(bool on) {
  reading_ = on;
  UpdateEvents();
}

void TcpConnection::Flush() {
  if (closed_ || waiting_write_) return;
  if (!Send()) return Close();
  if (pending_bytes() > 0) {
    waiting_write_ = true;
    UpdateEvents();
  } else if (close_after_flush_) {
    Close();
  }
}

void TcpConnection::WriteReady() {
  waiting_write_ = false;
  Flush();
  UpdateEvents();
  if (closed_ || handler_ == nullptr) return;
  handler_->OnSent();
  if (pending_bytes() == 0) handler_->OnDrained();
}

ssize_t TcpConnection::Receive(char* buffer, size_t size) {
  return tls_ == nullptr ? recv(fd_, buffer, size, 0) : tls_->Receive(buffer, size);
}

ssize_t TcpConnection::Transmit(const char* data, size_t size) {
  return tls_ == nullptr ? send(fd_, data, size, MSG_NOSIGNAL) : tls_->Send(data, size);
}

bool TcpConnection::Send() {
  if (tls_ != nullptr && !tls_->FlushUnsent()) return false;
  while (sent_ < output_.size()) {
    const ssize_t count = Transmit(output_.data() + sent_, output_.size() - sent_);
    if (count < 0) {
      if (WouldBlock()) break;
      return false;
    }
    sent_ += static_cast<size_t>(count);
  }
  if (sent_ == output_.size()) {
    sent_ = 0;
    if (output_.capacity() > kKeptOutputBytes) {
      std::string().swap(output_);
    } else {
      output_.clear();
    }
  } else if (sent_ > kKeptOutputBytes && sent_ > output_.size() / 2) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
  return true;
}

void TcpConnection::CloseAfterFlush() {
  close_after_flush_ = true;
  Flush();
  UpdateEvents();
}

void TcpConnection::Close() {
  if (closed_) return;
  closed_ = true;
  if (polled_) loop_.loop.Remove(fd_);
  if (tls_ != nullptr) tls_->SayGoodbye();
  // From the loop: whoever called may still use this.
  loop_.loop.Post([self = shared_from_this()] {
    shutdown(self->fd_, SHUT_RDWR);
    close(std::exchange(self->fd_, -1));
    if (self->handler_ != nullptr) {
      self->handler_->OnClosed();
      self->handler_.reset();
    }
    self->loop_.connections.erase(self);
  });
}

}  // namespace nokv::rpc::stream
