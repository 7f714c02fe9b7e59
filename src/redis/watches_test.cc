// WATCH where the text cases do not reach: the reaper, failing and waiting commits, writers that do
// not come through the gateway, limits.
#include "redis/watches.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "redis/layout.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

class WatchesTest : public testing::Test {
 protected:
  // EXEC of a transaction of one PING: true if it ran.
  bool Executes() {
    EXPECT_EQ(client_.Run("MULTI"), "+OK");
    EXPECT_EQ(client_.Run("PING"), "+QUEUED");
    const std::string reply = client_.Run("EXEC");
    EXPECT_TRUE(reply == "[+PONG]" || reply == "(nil)") << reply;
    return reply != "(nil)";
  }
  // What a program does that has the same database open.
  void WriteFromOutside(int db, const std::string& key) {
    Write write;
    write.key = DataKey(db, key);
    write.value = "outside";
    gateway_.backend().Commit({&write, 1}, Survives::kProcessDeath, [](const Status&) {});
  }
  Executor& executor() { return gateway_.gateway().executor(); }

  TestGateway gateway_;
  TestClient client_{gateway_};
  TestClient other_{gateway_};
};

TEST_F(WatchesTest, ReapingWhatHadExpiredBeforeIsNoChange) {
  client_.Run("SET k v PX 10");
  gateway_.clock().Advance(10);
  client_.Run("WATCH k");
  EXPECT_EQ(*executor().Reap(10), 1U);
  EXPECT_TRUE(Executes());
  client_.Run("SET k v PX 10");
  gateway_.clock().Advance(10);
  client_.Run("WATCH k");
  other_.Run("SET k w");
  EXPECT_EQ(*executor().Reap(10), 1U);
  EXPECT_FALSE(Executes()) << "the write before the reaping";
}

TEST_F(WatchesTest, ReapingWhatExpiredSinceIsAChange) {
  client_.Run("SET k v PX 10");
  client_.Run("WATCH k missing");
  gateway_.clock().Advance(10);
  EXPECT_EQ(*executor().Reap(10), 1U);
  EXPECT_FALSE(Executes());
}

TEST_F(WatchesTest, AKeyThatExpiredWhenAnotherWasAddedHasChanged) {
  client_.Run("SET k v PX 10");
  client_.Run("WATCH k");
  gateway_.clock().Advance(10);
  client_.Run("WATCH other");
  gateway_.clock().Advance(-10);
  EXPECT_FALSE(Executes());
}

TEST_F(WatchesTest, AWriteFromOutsideIsAChange) {
  client_.Run("SELECT 2");
  client_.Run("WATCH k");
  WriteFromOutside(1, "k");
  WriteFromOutside(2, "other");
  EXPECT_TRUE(Executes());
  client_.Run("WATCH k");
  WriteFromOutside(2, "k");
  EXPECT_FALSE(Executes());
}

TEST_F(WatchesTest, AWriteFromOutsideCountsUntilTheCommitIsApplied) {
  client_.Run("WATCH k");
  client_.Send("MULTI\r\nSET a 1\r\nSET b 2\r\n");
  gateway_.backend().set_no_room(true);
  EXPECT_EQ(client_.Send("EXEC\r\n"), "") << "waits for room";
  gateway_.backend().set_no_room(false);
  WriteFromOutside(0, "k");
  gateway_.backend().Acknowledge(Status::Ok());
  gateway_.Poll();
  EXPECT_EQ(client_.Received(), "*-1\r\n");
  EXPECT_EQ(other_.Run("EXISTS a b"), ":0");
  EXPECT_EQ(other_.Run("DBSIZE"), ":0");
}

TEST_F(WatchesTest, AFlushThatFailsHidesNothing) {
  client_.Run("SET k 1");
  client_.Run("WATCH missing");
  gateway_.backend().set_write_error(Status::ResourceExhausted("disk full"));
  EXPECT_TRUE(other_.Run("FLUSHALL").starts_with("-MISCONF"));
  gateway_.backend().set_write_error(Status::Ok());
  other_.Run("SET missing 1");
  EXPECT_FALSE(Executes());
}

TEST_F(WatchesTest, AFlushThatWaitsForRoomHidesNothing) {
  client_.Run("SET k 1");
  client_.Run("WATCH missing");
  other_.Run("WATCH k");
  gateway_.backend().set_no_room(true);
  TestClient third(gateway_);
  EXPECT_EQ(third.Send("FLUSHALL\r\n"), "");
  gateway_.backend().set_no_room(false);
  WriteFromOutside(0, "missing");
  gateway_.backend().Acknowledge(Status::Ok());
  gateway_.Poll();
  EXPECT_EQ(other_.Send("MULTI\r\nEXEC\r\n"), "+OK\r\n*-1\r\n");
  EXPECT_FALSE(Executes());
}

TEST_F(WatchesTest, StayTrueWhenTheyAreRenewed) {
  other_.Run("WATCH k");
  client_.Run("WATCH k");
  client_.Run("SET k 1");
  executor().watches().Renew();
  EXPECT_FALSE(Executes()) << "the change before";
  client_.Run("WATCH k");
  executor().watches().Renew();
  EXPECT_TRUE(Executes());
  client_.Run("WATCH k");
  executor().watches().Renew();
  other_.Run("SET k 1");
  EXPECT_FALSE(Executes()) << "the change after";
  EXPECT_EQ(other_.Send("MULTI\r\nEXEC\r\n"), "+OK\r\n*-1\r\n");
}

TEST_F(WatchesTest, EndWithTheConnection) {
  client_.Run("WATCH a b a");
  other_.Run("WATCH a");
  std::string info = client_.Run("INFO clients");
  EXPECT_NE(info.find("watching_clients:2"), std::string::npos) << info;
  EXPECT_NE(info.find("total_watched_keys:3"), std::string::npos) << info;
  other_.Disconnect();
  info = client_.Run("INFO clients");
  EXPECT_NE(info.find("watching_clients:1"), std::string::npos) << info;
  EXPECT_NE(info.find("total_watched_keys:2"), std::string::npos) << info;
}

TEST_F(WatchesTest, ShowInClientListWhatHasChanged) {
  client_.Run("WATCH k");
  EXPECT_NE(client_.Run("CLIENT INFO").find(" flags=N "), std::string::npos);
  other_.Run("SET k 1");
  EXPECT_NE(client_.Run("CLIENT INFO").find(" flags=d "), std::string::npos);
  client_.Run("MULTI");
  const std::string list = other_.Run("CLIENT LIST");
  EXPECT_NE(list.find(" flags=xd "), std::string::npos) << list;
  EXPECT_NE(list.find(" flags=N "), std::string::npos) << list;
}

// Clients take turns, one command each, in adding one to counters that they have read. What the
// counters say in the end is how often EXEC ran.
TEST_F(WatchesTest, LoseNoUpdateOfInterleavedClients) {
  struct Adder {
    std::unique_ptr<TestClient> client;
    int step = 0;
    std::string counter;
    std::string value;
  };
  base::Random random(1);
  std::vector<Adder> adders(5);
  for (Adder& adder : adders) adder.client = std::make_unique<TestClient>(gateway_);
  std::map<std::string, int> executed;
  int refused = 0;
  for (int turn = 0; turn < 5000; ++turn) {
    Adder& adder = adders[random.Uniform(adders.size())];
    TestClient& client = *adder.client;
    switch (adder.step++) {
      case 0:
        adder.counter = "counter" + std::to_string(random.Uniform(3));
        client.Run("WATCH " + adder.counter);
        break;
      case 1:
        adder.value = client.Run("GET " + adder.counter);
        adder.value = adder.value == "(nil)" ? "0" : adder.value.substr(1, adder.value.size() - 2);
        break;
      case 2:
        client.Run("MULTI");
        break;
      case 3:
        client.Run("SET " + adder.counter + " " + std::to_string(std::stoi(adder.value) + 1));
        break;
      default: {
        const bool ran = client.Run("EXEC") == "[+OK]";
        executed[adder.counter] += ran ? 1 : 0;
        refused += ran ? 0 : 1;
        adder.step = 0;
        break;
      }
    }
    if (random.OneIn(50)) executor().watches().Renew();
  }
  EXPECT_GT(refused, 100);
  for (const auto& [counter, times] : executed) {
    EXPECT_GT(times, 50);
    EXPECT_EQ(client_.Run("GET " + counter), "\"" + std::to_string(times) + "\"");
  }
}

TEST_F(WatchesTest, TakeBoundedMemory) {
  client_.Run("CONFIG SET client-query-buffer-limit 1048576");
  const std::string long_key(500000, 'k');
  EXPECT_EQ(client_.Run("WATCH 1" + long_key + " 2" + long_key), "+OK");
  EXPECT_EQ(client_.Run("WATCH 1" + long_key), "+OK") << "once is enough";
  EXPECT_EQ(client_.Run("WATCH 3" + long_key),
            "-ERR the watched keys take more memory than client-query-buffer-limit, 1048576 bytes");
  EXPECT_TRUE(Executes());
}

}  // namespace
}  // namespace nokv::redis
