#include "cli/peers.h"

#include <gtest/gtest.h>

namespace nokv::cli {
namespace {

TEST(PeersTest, AreReadAndOrderedByTheirIds) {
  const auto peers = ParsePeers("peer", {"3=c:3", "1=a:1", "2=[::1]:2"});
  ASSERT_TRUE(peers.ok()) << peers.status();
  ASSERT_EQ(peers->size(), 3U);
  EXPECT_EQ((*peers)[0].address, "a:1");
  EXPECT_EQ((*peers)[1].address, "[::1]:2");
  EXPECT_EQ((*peers)[2].id, 3U);
}

TEST(PeersTest, MistakesAreNamedWithTheWayOut) {
  const auto message = [](const std::vector<std::string>& peers) {
    const auto parsed = ParsePeers("root-peer", peers);
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_FALSE(parsed.status().hint().empty());
    return std::string(parsed.status().message());
  };
  EXPECT_EQ(message({"1=a:1", "2=b:2"}), "--root-peer must be given 3 times, not 2");
  EXPECT_EQ(message({"1=a:1", "2=b:2", "3=c:3", "4=d:4"}),
            "--root-peer must be given 3 times, not 4");
  EXPECT_EQ(message({"1=a:1", "1=b:2", "3=c:3"}),
            "--root-peer \"1=b:2\" and \"1=a:1\" have the same id");
  EXPECT_EQ(message({"1=a:1", "2=a:1", "3=c:3"}),
            "--root-peer \"2=a:1\" and \"1=a:1\" have the same address");
  for (const char* text : {"a:1", "=a:1", "0=a:1", "x=a:1", "-1=a:1"}) {
    EXPECT_EQ(message({text, "2=b:2", "3=c:3"}),
              "--root-peer \"" + std::string(text) + "\" is not ID=HOST:PORT");
  }
  EXPECT_EQ(ParsePeers("peer", {"1=a", "2=b:2", "3=c:3"}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace nokv::cli
