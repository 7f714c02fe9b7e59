// TcpListener: accepts connections and hands them to loops. Private to rpc/stream.
//
// Thread safety: owned by the loop that listens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rpc/stream/stream.h"
#include "rpc/stream/tcp_connection.h"

namespace nokv::rpc::stream {

// A loop that serves sockets, and what it does with new ones.
struct Place {
  LoopState* loop;
  std::shared_ptr<const Reception> reception;
};

class TcpListener final : public Listener {
 public:
  // Connections go to `places` in turns. `home` listens.
  TcpListener(LoopState& home, std::vector<Place> places);
  ~TcpListener() override;

  // `address` is "host:port" or "[ipv6]:port". A failure names the address and the way out.
  Status Open(const std::string& address);
  const std::string& address() const override { return address_; }
  bool is_loopback() const override { return is_loopback_; }

 private:
  class Acceptor;

  const std::shared_ptr<Acceptor> acceptor_;
  std::string address_;
  bool is_loopback_ = false;
};

}  // namespace nokv::rpc::stream
