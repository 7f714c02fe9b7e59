#include "rpc/http/host_port.h"

#include <gtest/gtest.h>

namespace nokv::rpc {
namespace {

TEST(HostPortTest, TakesTheDocumentedFormsAndNoOther) {
  EXPECT_EQ(ParseHostPort(":9100")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("[::1]:9100")->host, "::1");
  EXPECT_EQ(ParseHostPort("[fe80::1%eth0]:0")->host, "fe80::1%eth0");
  EXPECT_EQ(ParseHostPort("0.0.0.0:9100")->port, 9100);
  for (const char* bad : {"", "9100", "host", "host:", "host:x", "host:65536", "host:-1", "::1:9",
                          "http://host:1", "[host]:1", "host:1 ", "[::1:1", "host:1e3"}) {
    EXPECT_EQ(ParseHostPort(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(ParseHostPort(std::string_view("a\0b:1", 5)).ok());
}

TEST(HostPortTest, TellsHostsThatOnlyThisMachineReaches) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "example.org", ""}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

}  // namespace
}  // namespace nokv::rpc
