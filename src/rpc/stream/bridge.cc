#include "rpc/stream/bridge.h"

#include <algorithm>
#include <utility>

namespace nokv::rpc::stream {

namespace {

// Input of one connection that is under way. A socket is read up to 64 KiB beyond it.
constexpr size_t kWindowBytes = size_t{128} << 10;
// Acknowledgements wait for orders that go anyway, or until they are worth a message.
constexpr size_t kAcknowledgeBytes = kWindowBytes / 4;

}  // namespace

// --- the home loop ---

RemoteConnection::RemoteConnection(const Connection& socket_side, Bridge& bridge)
    : bridge_(bridge),
      peer_(socket_side.peer_address()),
      local_(socket_side.local_address()),
      peer_is_loopback_(socket_side.peer_is_loopback()),
      peer_common_name_(socket_side.peer_common_name()) {}

void RemoteConnection::Serve(const AcceptHandler& accept) {
  handler_ = accept(*this);
  if (handler_ == nullptr) CloseAfterFlush();
}

void RemoteConnection::Flush() {
  if (!closed_ && (!output_.empty() || close_after_flush_)) bridge_.OrderSoon(*this);
}

void RemoteConnection::SetReading(bool on) {
  if (on == std::exchange(reading_, on) || closed_) return;
  if (!on) return bridge_.OrderSoon(*this);  // asks to be told when the output is sent
  if (kept_unread_ == 0 && !peer_closed_) return;
  Acknowledge(std::exchange(kept_unread_, 0));
  RedeliverInput();
}

void RemoteConnection::RedeliverInput() {
  bridge_.home_.Post(
      [self = shared_from_this(), bridge = bridge_.shared_from_this()] { self->ShowKept(); });
}

void RemoteConnection::ShowKept() {
  if (is_over()) return;
  if (!input_.empty()) input_.Show(*handler_, {});
  if (reading_ && !is_over() && std::exchange(peer_closed_, false)) handler_->OnPeerClosed(*this);
}

void RemoteConnection::Receive(std::string_view bytes) {
  if (is_over()) return;
  if (!reading_) {
    kept_unread_ += bytes.size();
    return input_.Keep(bytes);
  }
  Acknowledge(bytes.size());
  input_.Show(*handler_, bytes);
}

void RemoteConnection::Acknowledge(size_t bytes) {
  acknowledged_ += bytes;
  if (acknowledged_ >= kAcknowledgeBytes) bridge_.OrderSoon(*this);
}

void RemoteConnection::HandlePeerClosed() {
  if (is_over()) return;
  peer_closed_ = !reading_;
  if (reading_) handler_->OnPeerClosed(*this);
}

void RemoteConnection::CloseAfterFlush() {
  close_after_flush_ = true;
  Flush();
}

void RemoteConnection::Close() {
  if (std::exchange(closed_, true)) return;
  bridge_.OrderSoon(*this);
}

void RemoteConnection::HandleClosed() {
  closed_ = true;
  if (handler_ != nullptr) handler_->OnClosed();
  handler_.reset();
}

void Bridge::OrderSoon(RemoteConnection& remote) {
  if (std::exchange(remote.in_list_, true)) return;
  with_orders_.push_back(remote.shared_from_this());
  if (with_orders_.size() > 1) return;
  home_.Post([self = shared_from_this()] { self->SendOrders(); });
}

void Bridge::SendOrders() {
  std::vector<Orders> batch;
  batch.reserve(with_orders_.size());
  for (auto& remote : std::exchange(with_orders_, {})) {
    remote->in_list_ = false;
    remote->given_ += remote->output_.size();
    batch.push_back({.connection = remote,
                     .output = std::exchange(remote->output_, {}),
                     .acknowledged = std::exchange(remote->acknowledged_, 0),
                     .tell_when_drained = !remote->reading_,
                     .close_after_flush = remote->close_after_flush_,
                     .close = remote->closed_});
  }
  io_.Post([self = shared_from_this(), batch = std::move(batch)] {
    for (const Orders& orders : batch) Obey(orders);
  });
}

void Bridge::Receive(const News& news) {
  RemoteConnection& remote = *news.connection;
  switch (news.kind) {
    case News::Kind::kOpened:
      open_.insert(news.connection);
      return remote.Serve(accept_);
    case News::Kind::kBytes:
      return remote.Receive(news.bytes);
    case News::Kind::kPeerClosed:
      return remote.HandlePeerClosed();
    case News::Kind::kDrained:
      if (!remote.closed_ && remote.handler_ != nullptr) remote.handler_->OnDrained();
      return;
    case News::Kind::kClosed:
      remote.HandleClosed();
      open_.erase(news.connection);
  }
}

// --- the I/O loop ---

std::unique_ptr<Handler> Bridge::Accept(Connection& connection) {
  return std::make_unique<Relay>(connection, shared_from_this());
}

void Bridge::Tell(News news) {
  news_.push_back(std::move(news));
  if (news_.size() > 1) return;
  io_.Post([self = shared_from_this()] {
    self->home_.Post([self, batch = std::exchange(self->news_, {})] {
      for (const News& each : batch) self->Receive(each);
    });
  });
}

void Bridge::Obey(const Orders& orders) {
  Relay* const relay = orders.connection->relay_;
  if (relay == nullptr) return;  // closed meanwhile
  Connection& connection = relay->connection_;
  if (orders.acknowledged > 0) {
    relay->unacknowledged_ -= orders.acknowledged;
    if (relay->unacknowledged_ < kWindowBytes) connection.SetReading(true);
  }
  relay->given_ += orders.output.size();
  connection.output().append(orders.output);
  if (orders.close) return connection.Close();
  if (orders.close_after_flush) {
    connection.CloseAfterFlush();
  } else {
    connection.Flush();
  }
  relay->OnSent();
  if (orders.tell_when_drained && connection.pending_bytes() == 0) relay->OnDrained();
}

Relay::Relay(Connection& connection, std::shared_ptr<Bridge> bridge)
    : connection_(connection),
      bridge_(std::move(bridge)),
      remote_(std::make_shared<RemoteConnection>(connection, *bridge_)) {
  remote_->relay_ = this;
  bridge_->Tell({.connection = remote_, .kind = Bridge::News::Kind::kOpened});
}

size_t Relay::OnData(std::string_view data) {
  unacknowledged_ += data.size();
  if (unacknowledged_ >= kWindowBytes) connection_.SetReading(false);
  bridge_->Tell(
      {.connection = remote_, .kind = Bridge::News::Kind::kBytes, .bytes = std::string(data)});
  return data.size();
}

void Relay::OnPeerClosed(Connection& /*connection*/) {
  bridge_->Tell({.connection = remote_, .kind = Bridge::News::Kind::kPeerClosed});
}

void Relay::OnSent() {
  const uint64_t pending = connection_.pending_bytes();  // with TLS it can be more than was given
  remote_->taken_.store(given_ - std::min(pending, given_), std::memory_order_release);
}

void Relay::OnDrained() {
  bridge_->Tell({.connection = remote_, .kind = Bridge::News::Kind::kDrained});
}

void Relay::OnClosed() {
  remote_->relay_ = nullptr;
  bridge_->Tell({.connection = remote_, .kind = Bridge::News::Kind::kClosed});
}

}  // namespace nokv::rpc::stream
