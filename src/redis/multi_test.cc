// MULTI and EXEC: one transaction, whatever is in it; what becomes of it when something fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"
#include "redis/books.h"
#include "redis/layout.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

// Commands over few keys, some of which fail.
class Commands {
 public:
  explicit Commands(uint64_t seed) : random_(seed) {}

  std::string Next() {
    const std::string key = Key();
    const std::string other = Key();
    const std::string number = std::to_string(random_.Uniform(100));
    switch (random_.Uniform(20)) {
      case 0:
        return "SET " + key + " " + number;
      case 1:
        return "SET " + key + " text PX " + number;
      case 2:
        return "DEL " + key + " " + other;
      case 3:
        return "INCRBY " + key + " " + number;
      case 4:
        return "APPEND " + key + " " + number;
      case 5:
        return "PEXPIRE " + key + " " + std::to_string(1 + random_.Uniform(50));
      case 6:
        return "PERSIST " + key;
      case 7:
        return "RENAME " + key + " " + other;
      case 8:
        return "COPY " + key + " " + other + " DB " + std::to_string(random_.Uniform(2)) +
               (random_.OneIn(2) ? " REPLACE" : "");
      case 9:
        return "MSET " + key + " 1 " + other + " 2 " + key + " 3";
      case 10:
        return random_.OneIn(3) ? "FLUSHDB" : "DBSIZE";
      case 11:
        return random_.OneIn(5) ? "FLUSHALL" : "GETDEL " + key;
      case 12:
        return "SELECT " + std::to_string(random_.Uniform(2));
      case 13:
        return "KEYS *";
      case 14:
        return "MGET " + key + " " + other;
      case 15:
        return "MSETNX " + key + " 1 " + other + " 2";
      case 16:
        return "MSET " + key + " 1 " + other;
      case 17:
        return "PTTL " + key;
      case 18:
        return "GETEX " + key + " PX " + std::to_string(1 + random_.Uniform(50));
      default:
        return "INFO keyspace";
    }
  }
  base::Random& random() { return random_; }

 private:
  std::string Key() { return "k" + std::to_string(random_.Uniform(8)); }

  base::Random random_;
};

// All keys, with their expiry, and the books.
std::string Everything(TestGateway& gateway) {
  std::string out;
  for (const auto& [key, entry] : gateway.backend().entries()) {
    bool books = false;
    for (int db = 0; db < kDatabases; ++db) books |= key == CountsKey(db);
    if (!books) out += key + "=" + entry.value + "@" + std::to_string(entry.expiry_ms) + "\n";
  }
  const auto all = ReadCounts(gateway.backend());
  for (const Counts& counts : all->value()) {
    out += std::to_string(counts.keys) + "/" + std::to_string(counts.expires) + " ";
  }
  return out;
}

// Runs the same commands, one by one and in transactions; all replies and the stores must be equal.
void Compare(uint64_t seed) {
  Commands commands(seed);
  TestGateway plain_gateway;
  TestGateway multi_gateway;
  TestClient plain(plain_gateway);
  TestClient multi(multi_gateway);
  for (int round = 0; round < 30; ++round) {
    ASSERT_EQ(multi.Run("MULTI"), "+OK");
    std::string expected;
    const uint64_t count = commands.random().Uniform(20);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string command = commands.Next();
      expected += (i == 0 ? "" : ", ") + plain.Run(command);
      ASSERT_EQ(multi.Run(command), "+QUEUED") << command;
    }
    ASSERT_EQ(multi.Run("EXEC"), "[" + expected + "]") << "round " << round;
    ASSERT_EQ(Everything(multi_gateway), Everything(plain_gateway)) << "round " << round;
    const auto passed = static_cast<int64_t>(commands.random().Uniform(40));
    plain_gateway.clock().Advance(passed);
    multi_gateway.clock().Advance(passed);
    if (commands.random().OneIn(3)) {
      (void)*plain_gateway.gateway().executor().Reap(100);
      (void)*multi_gateway.gateway().executor().Reap(100);
    }
  }
}

TEST(MultiTest, GivesWhatTheSameCommandsGiveOneByOne) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Compare(seed);
    if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

TEST(MultiTest, IsOneCommit) {
  TestGateway gateway;
  TestClient client(gateway);
  const uint64_t before = gateway.backend().commits();
  client.Send("MULTI\r\nSET a 1\r\nFLUSHDB\r\nSET b 2 EX 9\r\nINCR a\r\nSELECT 3\r\nSET a 1\r\n");
  EXPECT_EQ(gateway.backend().commits(), before) << "nothing happens before EXEC";
  EXPECT_EQ(client.Run("EXEC"), "[+OK, +OK, +OK, :1, +OK, +OK]");
  EXPECT_EQ(gateway.backend().commits(), before + 1);
}

TEST(MultiTest, ACommandThatFailsHalfWayLeavesNothing) {
  TestGateway gateway;
  TestClient client(gateway);
  const std::string too_long((size_t{1} << 20) + 1, 'k');
  client.Send("SET a 1 PX 1000\r\nMULTI\r\nSET b 2\r\n");
  client.Run("MSET a 9 b 9 c 9 " + too_long + " 9");
  client.Send("PTTL a\r\nMGET a b c\r\nDBSIZE\r\nSET c 3\r\n");
  const std::string reply = client.Run("EXEC");
  EXPECT_TRUE(reply.starts_with("[+OK, -ERR key of")) << reply;
  EXPECT_TRUE(reply.ends_with(", :1000, [\"1\", \"2\", (nil)], :2, +OK]")) << reply;
  EXPECT_EQ(client.Run("MGET a b c"), "[\"1\", \"2\", \"3\"]");
  EXPECT_EQ(client.Run("PTTL a"), ":1000");
  EXPECT_EQ(client.Run("DBSIZE"), ":3");
}

TEST(MultiTest, FailureOfTheStoreIsTheAnswerToAllOfIt) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("SET a 1");
  client.Send("MULTI\r\nINCR a\r\nSET b 2\r\n");
  gateway.backend().set_write_error(Status::ResourceExhausted("disk full"));
  EXPECT_EQ(client.Send("EXEC\r\n").substr(0, 8), "-MISCONF");
  gateway.backend().set_write_error(Status::Ok());
  EXPECT_EQ(client.Run("EXEC"), "-ERR EXEC without MULTI");
  EXPECT_EQ(client.Run("MGET a b"), "[\"1\", (nil)]");
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
}

TEST(MultiTest, FailureThatComesLaterIsTheAnswerToAllOfItToo) {
  Config config;
  config.sync = SyncPolicy::kAlways;
  TestGateway gateway(config);
  gateway.backend().set_hold_syncs(true);
  TestClient client(gateway);
  EXPECT_EQ(client.Send("MULTI\r\nSET a 1\r\nGET a\r\nEXEC\r\n"), "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Unavailable("disk is gone"));
  gateway.Poll();
  const std::string received = client.Received();
  EXPECT_EQ(received.substr(0, 8), "-MISCONF");
  EXPECT_EQ(received.find('\n'), received.size() - 1) << "one line";
}

TEST(MultiTest, BoundsTheMemoryOfWhatIsQueued) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("CONFIG SET client-query-buffer-limit 1048576");
  const std::string value(300000, 'v');
  client.Run("MULTI");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Run("SET k " + value), "+QUEUED");
  EXPECT_EQ(client.Run("SET k " + value),
            "-ERR the queued commands take more memory than client-query-buffer-limit, 1048576 "
            "bytes");
  EXPECT_EQ(client.Run("SET k v"), "+QUEUED") << "for nothing, as after other errors";
  EXPECT_EQ(client.Run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
  EXPECT_EQ(client.Run("EXISTS k"), ":0");
  client.Run("MULTI");
  std::string pings;
  for (int i = 0; i < 20000; ++i) pings += "PING\r\n";
  EXPECT_NE(client.Send(pings).find("-ERR the queued"), std::string::npos)
      << "words take memory, too";
  EXPECT_EQ(client.Run("DISCARD"), "+OK");
}

TEST(MultiTest, BoundsTheReply) {
  Config config;
  config.reply_limit_bytes = 1000;
  TestGateway gateway(config);
  TestClient client(gateway);
  const std::string value(300, 'v');
  client.Send("SET a " + value + "\r\nMULTI\r\nINCR n\r\n");
  for (int i = 0; i < 4; ++i) client.Run("GET a");
  EXPECT_EQ(client.Run("EXEC"),
            "-EXECABORT Transaction discarded because its replies exceed 1000 bytes.");
  EXPECT_EQ(client.Run("EXISTS n"), ":0") << "all or nothing";
  EXPECT_EQ(client.Run("MGET a a a a"), "-ERR the values exceed 1000 bytes; ask for fewer keys");
}

TEST(MultiTest, TakesAHundredThousandCommands) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("MULTI");
  constexpr int kCommands = 100000;
  std::string requests;
  for (int i = 0; i < kCommands; ++i) {
    const std::string name = std::to_string(i % 1000);
    requests += i % 3 == 0   ? "APPEND a" + name + " x\r\n"
                : i % 3 == 1 ? "SET b" + std::to_string(i) + " v EX 100\r\n"
                             : "DBSIZE\r\n";
  }
  EXPECT_EQ(client.Send(requests).size(), kCommands * std::string("+QUEUED\r\n").size());
  const std::string replies = client.Run("EXEC");
  EXPECT_EQ(std::count(replies.begin(), replies.end(), ','), kCommands - 1);
  EXPECT_EQ(client.Run("DBSIZE"), ":" + std::to_string(1000 + kCommands / 3));
}

TEST(MultiTest, IsSeenByOthersInClientList) {
  TestGateway gateway;
  TestClient client(gateway);
  TestClient other(gateway);
  client.Send("MULTI\r\nPING\r\nCLIENT INFO\r\n");
  EXPECT_NE(other.Run("CLIENT LIST").find(" flags=x db=0 sub=0 psub=0 ssub=0 multi=2 "),
            std::string::npos);
  EXPECT_NE(client.Run("EXEC").find(" flags=x db=0 sub=0 psub=0 ssub=0 multi=2 "),
            std::string::npos)
      << "until its end";
  EXPECT_NE(client.Run("CLIENT INFO").find(" flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 "),
            std::string::npos);
}

TEST(MultiTest, CountsTheCommandsThatItRuns) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("MULTI\r\nSET a x\r\nINCR a\r\nCLIENT ID\r\nEXEC\r\n");
  const GatewayStats stats = gateway.gateway().stats();
  EXPECT_EQ(stats.commands_per_operation,
            (std::map<std::string, uint64_t>{
                {"client", 1}, {"exec", 1}, {"incr", 1}, {"multi", 1}, {"set", 1}}));
  EXPECT_EQ(stats.errors_total, 1U);
}

TEST(MultiTest, ProtocolMayChangeWithin) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("MULTI\r\nGET a\r\nHELLO 3\r\nGET a\r\n");
  const std::string reply = client.Send("EXEC\r\n");
  EXPECT_TRUE(reply.starts_with("*3\r\n$-1\r\n%7\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("\r\n_\r\n")) << reply;
}

}  // namespace
}  // namespace nokv::redis
