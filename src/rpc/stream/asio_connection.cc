#include "rpc/stream/asio_connection.h"

#include <utility>

namespace nokv::rpc::stream {

namespace {
// Buffers that grew beyond these are given back when they are empty.
constexpr size_t kKeptInputBytes = size_t{64} << 10;
constexpr size_t kKeptOutputBytes = size_t{256} << 10;
}  // namespace

std::string FormatEndpoint(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

AsioConnection::AsioConnection(asio::ip::tcp::socket socket, LoopState& loop)
    : socket_(std::move(socket)), loop_(loop) {
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto peer = socket_.remote_endpoint(ignored);
  peer_ = FormatEndpoint(peer);
  peer_is_loopback_ = peer.address().is_loopback();
  local_ = FormatEndpoint(socket_.local_endpoint(ignored));
}

void AsioConnection::Start(std::unique_ptr<Handler> handler) {
  handler_ = std::move(handler);
  if (!closed_) loop_.connections.insert(shared_from_this());
  if (handler_ == nullptr) Close();
  WaitRead();
}

void AsioConnection::WaitRead() {
  if (waiting_read_ || !reading_ || peer_closed_ || close_after_flush_ || closed_) return;
  waiting_read_ = true;
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this()](const asio::error_code& error) {
                       self->waiting_read_ = false;
                       if (!error && !self->closed_ && self->reading_) self->ReadReady();
                     });
}

void AsioConnection::ReadReady() {
  if (close_after_flush_) return;
  asio::error_code error;
  const size_t count =
      socket_.read_some(asio::buffer(loop_.read_buffer.data(), loop_.read_buffer.size()), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return WaitRead();
  if (error == asio::error::eof) {
    peer_closed_ = true;
    return handler_->OnPeerClosed(*this);
  }
  if (error) return Close();
  Deliver(std::string_view(loop_.read_buffer.data(), count));
  WaitRead();
}

void AsioConnection::Deliver(std::string_view data) {
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
  }
}

void AsioConnection::RedeliverInput() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->closed_ || self->close_after_flush_ || self->input_.empty()) return;
    self->Deliver({});
  });
}

void AsioConnection::SetReading(bool on) {
  reading_ = on;
  WaitRead();
}

void AsioConnection::Flush() {
  if (closed_ || waiting_write_) return;
  if (!Send()) return Close();
  if (pending_bytes() > 0) return WaitWrite();
  if (close_after_flush_) Close();
}

bool AsioConnection::Send() {
  while (pending_bytes() > 0) {
    asio::error_code error;
    const size_t count =
        socket_.write_some(asio::buffer(output_.data() + sent_, output_.size() - sent_), error);
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (error) return false;
    sent_ += count;
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

void AsioConnection::WaitWrite() {
  waiting_write_ = true;
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = shared_from_this()](const asio::error_code& error) {
                       self->waiting_write_ = false;
                       if (error || self->closed_) return;
                       self->Flush();
                       if (!self->closed_ && self->pending_bytes() == 0) {
                         self->handler_->OnDrained();
                       }
                     });
}

void AsioConnection::CloseAfterFlush() {
  close_after_flush_ = true;
  Flush();
}

void AsioConnection::Close() {
  if (closed_) return;
  closed_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    asio::error_code ignored;
    self->socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    self->socket_.close(ignored);
    if (self->handler_ != nullptr) {
      self->handler_->OnClosed();
      self->handler_.reset();
    }
    self->loop_.connections.erase(self);
  });
}

}  // namespace nokv::rpc::stream
