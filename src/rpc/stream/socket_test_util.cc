#include "rpc/stream/socket_test_util.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace nokv::rpc::stream {

int ConnectTo(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

SocketClient::~SocketClient() {
  close(fd_);
}

void SocketClient::Send(std::string_view bytes) {
  EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

size_t SocketClient::Offer(std::string_view bytes) {
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

void SocketClient::CloseWriting() {
  shutdown(fd_, SHUT_WR);
}

bool SocketClient::Receive(std::string* received) {
  char buffer[65536];
  const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got > 0) received->append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && errno == EAGAIN);
}

std::string SocketClient::Receive(const std::function<void()>& poll, size_t count) {
  constexpr int kMaxTurns = 100'000;
  std::string received;
  for (int i = 0; i < kMaxTurns && received.size() < count; ++i) {
    poll();
    if (!Receive(&received)) return received + "(end)";
  }
  return received;
}

}  // namespace nokv::rpc::stream
