// Bridge: connections whose sockets are served by one loop and whose handlers run on another.
// Private to rpc/stream.
//
// The loop of the sockets (I/O loop) has a TcpConnection with a Relay as its handler; the loop of
// the handlers (home loop) has a RemoteConnection, which is what the real handler sees. They tell
// each other by messages: all that one loop has to say at the end of a round goes in one post, so
// that a busy loop is woken once and not for each request.
//
//   I/O loop                                  home loop
//   socket <-> TcpConnection <-> Relay ~~~ RemoteConnection <-> Handler
//
// What is under way is bounded: input by a window for each connection, of which the home loop gives
// back what it has shown to the handler, so that a handler that does not read stops the socket;
// output is counted by pending_bytes() until the operating system has taken it.
//
// Thread safety: each class says which loop owns it.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "rpc/stream/event_loop.h"
#include "rpc/stream/input_buffer.h"
#include "rpc/stream/stream.h"

namespace nokv::rpc::stream {

class Bridge;
class Relay;

// The handler's end of a connection. Owned by the home loop, but for what is marked.
class RemoteConnection final : public Connection,
                               public std::enable_shared_from_this<RemoteConnection> {
 public:
  // From the I/O loop. `socket_side` is borrowed during the call, `bridge` for as long as messages
  // come.
  RemoteConnection(const Connection& socket_side, Bridge& bridge);

  std::string& output() override { return output_; }
  void Flush() override;
  size_t pending_bytes() const override {
    return output_.size() + static_cast<size_t>(given_ - taken_.load(std::memory_order_acquire));
  }
  void SetReading(bool on) override;
  void RedeliverInput() override;
  void CloseAfterFlush() override;
  void Close() override;
  const std::string& peer_address() const override { return peer_; }
  const std::string& local_address() const override { return local_; }
  bool peer_is_loopback() const override { return peer_is_loopback_; }
  const std::string& peer_common_name() const override { return peer_common_name_; }

 private:
  friend class Bridge;
  friend class Relay;

  void Serve(const AcceptHandler& accept);
  void Receive(std::string_view bytes);
  void HandlePeerClosed();
  void HandleClosed();
  void ShowKept();
  void Acknowledge(size_t bytes);
  bool is_over() const { return closed_ || close_after_flush_ || handler_ == nullptr; }

  Bridge& bridge_;
  const std::string peer_;
  const std::string local_;
  const bool peer_is_loopback_;
  const std::string peer_common_name_;
  std::unique_ptr<Handler> handler_;
  InputBuffer input_;
  std::string output_;
  uint64_t given_ = 0;       // bytes of output handed to the I/O loop
  size_t kept_unread_ = 0;   // input that came while reading was off; not acknowledged
  size_t acknowledged_ = 0;  // input of which the I/O loop has not been told
  bool reading_ = true;
  bool peer_closed_ = false;  // and the handler has not been told
  bool close_after_flush_ = false;
  bool closed_ = false;
  bool in_list_ = false;  // of those that have something to say

  // Written by the I/O loop: bytes of output that the operating system has taken. The release there
  // pairs with the acquire in pending_bytes; the number alone counts.
  std::atomic<uint64_t> taken_{0};
  Relay* relay_ = nullptr;  // of the I/O loop, used by it alone; null when the socket is closed
};

// The socket's end of a connection. Owned by the I/O loop.
class Relay final : public Handler {
 public:
  Relay(Connection& connection, std::shared_ptr<Bridge> bridge);

  size_t OnData(std::string_view data) override;
  void OnPeerClosed(Connection& connection) override;
  void OnSent() override;
  void OnDrained() override;
  void OnClosed() override;

 private:
  friend class Bridge;

  Connection& connection_;
  const std::shared_ptr<Bridge> bridge_;
  const std::shared_ptr<RemoteConnection> remote_;
  uint64_t given_ = 0;         // bytes of output that have come from the home loop
  size_t unacknowledged_ = 0;  // bytes of input that the home loop has not shown to its handler
};

// The two loops and what goes between them: one bridge for each listener and I/O loop.
class Bridge : public std::enable_shared_from_this<Bridge> {
 public:
  // Both loops are borrowed.
  Bridge(EventLoop& home, EventLoop& io, AcceptHandler accept)
      : home_(home), io_(io), accept_(std::move(accept)) {}

  // On the I/O loop: the handler of a socket there.
  std::unique_ptr<Handler> Accept(Connection& connection);

 private:
  friend class RemoteConnection;
  friend class Relay;

  // To the home loop.
  struct News {
    enum class Kind { kOpened, kBytes, kPeerClosed, kDrained, kClosed };
    std::shared_ptr<RemoteConnection> connection;
    Kind kind;
    std::string bytes = {};
  };
  // To the I/O loop.
  struct Orders {
    std::shared_ptr<RemoteConnection> connection;
    std::string output;
    size_t acknowledged;
    bool tell_when_drained;
    bool close_after_flush;
    bool close;
  };

  void Tell(News news);                      // on the I/O loop
  void OrderSoon(RemoteConnection& remote);  // on the home loop
  void SendOrders();
  void Receive(const News& news);
  static void Obey(const Orders& orders);

  EventLoop& home_;
  EventLoop& io_;
  const AcceptHandler accept_;

  std::vector<News> news_;  // of this round of the I/O loop

  // Of the home loop.
  std::vector<std::shared_ptr<RemoteConnection>> with_orders_;  // of this round
  std::set<std::shared_ptr<RemoteConnection>> open_;
};

}  // namespace nokv::rpc::stream
