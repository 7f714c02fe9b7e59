#include "rpc/stream/tcp_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace nokv::rpc::stream {

namespace {

// Buffers that grew beyond these are given back when they are empty.
constexpr size_t kKeptInputBytes = size_t{64} << 10;
constexpr size_t kKeptOutputBytes = size_t{256} << 10;

bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

std::string FormatEndpoint(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

TcpConnection::TcpConnection(asio::ip::tcp::socket socket, LoopState& loop) : loop_(loop) {
  asio::error_code ignored;
  socket.native_non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto peer = socket.remote_endpoint(ignored);
  peer_ = FormatEndpoint(peer);
  peer_is_loopback_ = peer.address().is_loopback();
  local_ = FormatEndpoint(socket.local_endpoint(ignored));
  fd_ = socket.release(ignored);
}

TcpConnection::~TcpConnection() {
  if (fd_ >= 0) close(fd_);
}

void TcpConnection::Start(std::unique_ptr<Handler> handler) {
  handler_ = std::move(handler);
  if (handler_ == nullptr) Close();
  if (closed_) return;
  loop_.connections.insert(shared_from_this());
  UpdateEvents();
}

void TcpConnection::UpdateEvents() {
  if (closed_ || handler_ == nullptr) return;
  uint32_t events = 0;
  if (waiting_write_) events |= EPOLLOUT;
  if (reading_ && !peer_closed_ && !close_after_flush_) events |= EPOLLIN;
  if (polled_ && events == events_) return;
  if (polled_) {
    loop_.poller.Change(fd_, *this, events);
  } else {
    loop_.poller.Add(fd_, *this, events);
  }
  polled_ = true;
  events_ = events;
}

void TcpConnection::OnEvents(uint32_t events) {
  if (closed_) return;
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
  const ssize_t count = recv(fd_, loop_.read_buffer.data(), loop_.read_buffer.size(), 0);
  if (count > 0) return Deliver({loop_.read_buffer.data(), static_cast<size_t>(count)});
  if (count < 0) {
    if (!WouldBlock()) Close();
    return;
  }
  peer_closed_ = true;
  UpdateEvents();
  handler_->OnPeerClosed(*this);
}

void TcpConnection::Deliver(std::string_view data) {
  if (input_.empty()) {
    const size_t consumed = handler_->OnData(data);
    if (!closed_ && consumed < data.size()) input_.assign(data.substr(consumed));
    return;
  }
  input_.append(data);
  const size_t consumed = handler_->OnData(input_);
  if (consumed == input_.size() && input_.capacity() > kKeptInputBytes) {
    std::string().swap(input_);
  } else {
    input_.erase(0, consumed);
    // What is left of a large request must not hold the memory of all of it.
    if (input_.capacity() > kKeptInputBytes && input_.size() < input_.capacity() / 4) {
      input_.shrink_to_fit();
    }
  }
}

void TcpConnection::RedeliverInput() {
  asio::post(loop_.context, [self = shared_from_this()] {
    if (self->closed_ || self->close_after_flush_ || self->input_.empty()) return;
    self->Deliver({});
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
  if (!closed_ && pending_bytes() == 0) handler_->OnDrained();
}

bool TcpConnection::Send() {
  while (pending_bytes() > 0) {
    const ssize_t count = send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (WouldBlock()) break;
      return false;
    }
    sent_ += static_cast<size_t>(count);
  }
  if (pending_bytes() == 0) {
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
  if (polled_) loop_.poller.Remove(fd_);
  // From the loop: whoever called may still use this.
  asio::post(loop_.context, [self = shared_from_this()] {
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
