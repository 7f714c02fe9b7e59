#include "rpc/stream/exchange.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "rpc/http/http.h"
#include "rpc/stream/stream.h"

namespace nokv::rpc::stream {
namespace {

TEST(ExchangeTest, ReturnsTheFirstLineOfTheAnswer) {
  auto server = HttpServer::Start("127.0.0.1:0", {});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto line = Exchange((*server)->address(), "GET /none HTTP/1.0\r\n\r\n", 5000);
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(*line, "HTTP/1.1 404 Not Found");
}

TEST(ExchangeTest, SaysThatNobodyListens) {
  std::string address;
  {
    const auto loop = NewLoop(base::NullLogger());
    auto listener = loop->Listen("127.0.0.1:0", [](Connection&) { return nullptr; });
    ASSERT_TRUE(listener.ok()) << listener.status();
    address = (*listener)->address();
  }
  const auto line = Exchange(address, "PING\r\n", 5000);
  EXPECT_EQ(line.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(line.status().message(), address + ": Connection refused");
}

TEST(ExchangeTest, GivesUpOnASilentServer) {
  const auto loop = NewLoop(base::NullLogger());  // accepts, as it does not run, nothing
  auto listener = loop->Listen("127.0.0.1:0", [](Connection&) { return nullptr; });
  ASSERT_TRUE(listener.ok()) << listener.status();
  const auto line = Exchange((*listener)->address(), "PING\r\n", 20);
  EXPECT_EQ(line.status().code(), StatusCode::kDeadlineExceeded) << line.status();
}

TEST(ExchangeTest, RefusesWhatIsNoAddress) {
  EXPECT_EQ(Exchange("localhost", "PING\r\n", 20).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace nokv::rpc::stream
