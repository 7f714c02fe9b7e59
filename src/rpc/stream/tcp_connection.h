// One TCP connection of a loop. Private to rpc/stream: include it in .cc files of this folder only.
//
// Thread safety: owned by one loop. A connection is in the loop's ConnectionSet until it has been
// closed; tasks that come later hold it too, and `closed_` makes them do nothing.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "rpc/stream/event_loop.h"
#include "rpc/stream/input_buffer.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tls_stream.h"

namespace nokv::rpc::stream {

class TcpConnection;
using ConnectionSet = std::set<std::shared_ptr<TcpConnection>>;

// What the connections of a loop share. The buffer is only used within one callback.
struct LoopState {
  LoopState(base::Logger& log, uint64_t poll_micros) : logger(log), loop(poll_micros) {}

  // Logs what peers did wrong, a few lines a second: peers must not fill the disk.
  void Warn(const std::string& what);

  base::Logger& logger;
  EventLoop loop;
  std::string read_buffer;
  ConnectionSet connections;
  size_t handshakes = 0;  // that have begun and not ended
  uint64_t warn_second = 0;
  size_t warn_count = 0;  // in that second
};

struct Endpoint {
  std::string text;  // "127.0.0.1:6380", "[::1]:6380"
  bool is_loopback = false;
};
// Of a bound socket.
Endpoint LocalEndpoint(int fd);

// A connected socket that no loop serves yet. Owns the descriptor.
class AcceptedSocket {
 public:
  explicit AcceptedSocket(int fd);
  AcceptedSocket(AcceptedSocket&& other) noexcept;
  AcceptedSocket& operator=(AcceptedSocket&&) = delete;
  ~AcceptedSocket();

  int Release();
  Endpoint peer;
  std::string local;

 private:
  int fd_;
};

// What the connections of one listener share. Immutable.
struct Reception {
  AcceptHandler accept;
  ListenOptions options;
};

class TcpConnection final : public Connection,
                            private Polled,
                            public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(AcceptedSocket socket, LoopState& loop);
  ~TcpConnection() override;
  // Asks for the handler, at once or when the handshake is done.
  void Start(std::shared_ptr<const Reception> reception);

  std::string& output() override { return output_; }
  void Flush() override;
  size_t pending_bytes() const override {
    return output_.size() - sent_ + (tls_ == nullptr ? 0 : tls_->unsent_bytes());
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
  // Before there is a handler.
  struct Handshake {
    std::shared_ptr<const Reception> reception;
    EventLoop::TimerId timer;
  };

  void OnEvents(uint32_t events) override;
  void StartHandshake(std::shared_ptr<const Reception> reception);
  void ContinueHandshake();
  void FailHandshake(const std::string& why);
  std::unique_ptr<Handshake> EndHandshake();
  void Serve(const AcceptHandler& accept);
  bool IsTlsHello(std::string_view data);
  void ReadReady();
  // Reads, from the loop, what TLS has taken from the socket but not shown yet.
  void ReadBufferedSoon();
  void WriteReady();
  // As recv and send, through TLS if there is any.
  ssize_t Receive(char* buffer, size_t size);
  ssize_t Transmit(const char* data, size_t size);
  // Sends what the operating system takes; false if the connection broke.
  bool Send();
  // Asks the loop for what this waits for now.
  void UpdateEvents();

  int fd_;
  LoopState& loop_;
  std::unique_ptr<TlsStream> tls_;        // null: plain text
  std::unique_ptr<Handshake> handshake_;  // null: it is done
  std::unique_ptr<Handler> handler_;
  std::string peer_;
  std::string local_;
  std::string peer_common_name_;
  InputBuffer input_;
  std::string output_;  // [sent_, end) is not sent yet
  size_t sent_ = 0;
  uint32_t events_ = 0;  // what the loop was asked for
  bool polled_ = false;
  bool peer_is_loopback_ = false;
  bool reading_ = true;
  bool waiting_write_ = false;
  bool peer_closed_ = false;
  bool close_after_flush_ = false;
  bool closed_ = false;
  bool received_ = false;   // anything
  bool read_soon_ = false;  // ReadBufferedSoon's task will come
};

}  // namespace nokv::rpc::stream
