// A TCP client for tests that drive the server's loop themselves.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace nokv::rpc::stream {

// A socket that is connected to `address`, "127.0.0.1:PORT". The caller closes it.
int ConnectTo(const std::string& address);

class SocketClient {
 public:
  explicit SocketClient(const std::string& address) : fd_(ConnectTo(address)) {}
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;
  ~SocketClient();

  // All of `bytes`, which the buffers of the operating system must take: nobody reads meanwhile.
  void Send(std::string_view bytes);
  // How much of `bytes` the socket takes at once.
  size_t Offer(std::string_view bytes);
  void CloseWriting();
  // Appends what is there; false at the end.
  bool Receive(std::string* received);
  // Calls `poll` until `count` bytes have come back; the connection's end is "(end)".
  std::string Receive(const std::function<void()>& poll, size_t count);

 private:
  const int fd_;
};

}  // namespace nokv::rpc::stream
