// One TCP connection of a loop. Private to rpc/stream: include it in .cc files of this folder only.
//
// Thread safety: owned by one loop. A connection is in the loop's ConnectionSet until it has been
// closed; tasks that come later hold it too, and `closed_` makes them do nothing.
#pragma once

#include <asio.hpp>
#include <memory>
#include <set>
#include <string>

#include "rpc/stream/poller.h"
#include "rpc/stream/stream.h"

namespace nokv::rpc::stream {

class TcpConnection;
using ConnectionSet = std::set<std::shared_ptr<TcpConnection>>;

// What the connections of a loop share. The buffer is only used within one callback.
struct LoopState {
  explicit LoopState(asio::io_context& io_context) : context(io_context), poller(io_context) {}

  asio::io_context& context;
  Poller poller;
  std::string read_buffer;
  ConnectionSet connections;
};

class TcpConnection final : public Connection,
                            private Polled,
                            public std::enable_shared_from_this<TcpConnection> {
 public:
  // Takes the descriptor out of `socket`.
  TcpConnection(asio::ip::tcp::socket socket, LoopState& loop);
  ~TcpConnection() override;
  // `handler` may be null: then the connection closes.
  void Start(std::unique_ptr<Handler> handler);

  std::string& output() override { return output_; }
  void Flush() override;
  size_t pending_bytes() const override { return output_.size() - sent_; }
  void SetReading(bool on) override;
  void RedeliverInput() override;
  void CloseAfterFlush() override;
  void Close() override;
  const std::string& peer_address() const override { return peer_; }
  const std::string& local_address() const override { return local_; }
  bool peer_is_loopback() const override { return peer_is_loopback_; }

 private:
  void OnEvents(uint32_t events) override;
  void ReadReady();
  void WriteReady();
  void Deliver(std::string_view data);
  // Sends what the operating system takes; false if the connection broke.
  bool Send();
  // Asks the poller for what this waits for now.
  void UpdateEvents();

  int fd_;
  LoopState& loop_;
  std::unique_ptr<Handler> handler_;
  std::string peer_;
  std::string local_;
  std::string input_;   // not consumed yet
  std::string output_;  // [sent_, end) is not sent yet
  size_t sent_ = 0;
  uint32_t events_ = 0;  // what the poller was asked for
  bool polled_ = false;
  bool peer_is_loopback_ = false;
  bool reading_ = true;
  bool waiting_write_ = false;
  bool peer_closed_ = false;
  bool close_after_flush_ = false;
  bool closed_ = false;
};

// "127.0.0.1:6380", "[::1]:6380".
std::string FormatEndpoint(const asio::ip::tcp::endpoint& endpoint);

}  // namespace nokv::rpc::stream
