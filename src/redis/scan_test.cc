// SCAN: complete through writes and restarts, and strict about cursors.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

// The cursor of a rendered SCAN reply; adds its keys to `*keys`.
std::string TakeScan(const std::string& reply, std::multiset<std::string>* keys) {
  std::vector<std::string> words;
  for (size_t at = reply.find('"'); at != std::string::npos; at = reply.find('"', at)) {
    const size_t end = reply.find('"', at + 1);
    words.push_back(reply.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  if (words.empty()) return "error " + reply;
  keys->insert(words.begin() + 1, words.end());
  return words[0];
}

TEST(ScanTest, ReturnsWhatWasThereAllAlongDespiteWritesAndRestarts) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    base::Random random(seed);
    TestGateway gateway;
    auto client = std::make_unique<TestClient>(gateway);
    std::set<std::string> stable;
    for (int i = 0; i < 200; ++i) {
      const std::string key = (i % 10 == 0 ? "\xff" : "") + ("s" + std::to_string(i));
      client->Send(EncodeRequest({"SET", key, "v"}));
      stable.insert(key);
    }
    std::multiset<std::string> seen;
    std::string cursor = "0";
    int calls = 0;
    do {
      cursor = TakeScan(client->Run("SCAN " + cursor + " COUNT 7"), &seen);
      ASSERT_LT(cursor.size(), 17U) << "fits into a double";
      client->Run("SET new" + std::to_string(random.Uniform(100)) + " v");
      client->Run("DEL new" + std::to_string(random.Uniform(100)));
      if (random.OneIn(5)) {
        client.reset();
        gateway.Restart(1 + random.Uniform(2));
        client = std::make_unique<TestClient>(gateway);
      }
      ASSERT_LT(++calls, 1000);
    } while (cursor != "0");
    for (const std::string& key : stable) {
      const std::string shown = key[0] == '\xff' ? "\\xff" + key.substr(1) : key;
      EXPECT_EQ(seen.count(shown), 1U) << shown << ", seed " << seed;
    }
  }
}

TEST(ScanTest, MayRepeatAStepWhoseAnswerWasLost) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("MSET a 1 b 2 c 3 d 4 e 5");
  std::multiset<std::string> keys;
  const std::string first = TakeScan(client.Run("SCAN 0 COUNT 1"), &keys);
  const std::string once = client.Run("SCAN " + first + " COUNT 1");
  const std::string again = client.Run("SCAN " + first + " COUNT 1");
  EXPECT_EQ(again, once);
}

TEST(ScanTest, RefusesCursorsItDidNotGive) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("MSET a 1 b 2 c 3");
  std::multiset<std::string> keys;
  const std::string cursor = TakeScan(client.Run("SCAN 0 COUNT 1"), &keys);
  EXPECT_EQ(client.Run("SCAN 12345"), "-ERR invalid cursor");
  EXPECT_EQ(client.Run("SCAN 18446744073709551615"), "-ERR invalid cursor");
  client.Run("SELECT 1");
  EXPECT_EQ(client.Run("SCAN " + cursor), "-ERR invalid cursor") << "of another database";
}

TEST(ScanTest, GoesOnWhileTheStoreIsReadOnly) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("MSET a 1 b 2 c 3");
  gateway.backend().set_write_error(Status::ResourceExhausted("disk full"));
  std::multiset<std::string> keys;
  std::string cursor = "0";
  do {
    cursor = TakeScan(client.Run("SCAN " + cursor + " COUNT 1"), &keys);
  } while (cursor != "0");
  EXPECT_EQ(keys, (std::multiset<std::string>{"a", "b", "c"}));
}

TEST(ScanTest, LooksOnlyWhereThePatternCanMatch) {
  TestGateway gateway;
  TestClient client(gateway);
  for (int i = 0; i < 50; ++i) client.Run("SET a" + std::to_string(i) + " v");
  client.Run("SET user:1 v");
  client.Run("SET \"\\xffuser\" v");
  EXPECT_EQ(client.Run("SCAN 0 MATCH user:* COUNT 1"), "[\"0\", [\"user:1\"]]");
  EXPECT_EQ(client.Run("KEYS \"\\xffus*\""), "[\"\\xffuser\"]");
}

}  // namespace
}  // namespace nokv::redis
