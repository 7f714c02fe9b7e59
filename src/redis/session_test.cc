// Sessions: order and holding of replies, limits, pauses, ends.
#include "redis/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis/acl/password.h"
#include "redis/layout.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

Config Always() {
  Config config;
  config.sync = SyncPolicy::kAlways;
  return config;
}

TEST(SessionTest, AnswersAPipelineInOrder) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Send("SET a 1\r\nGET a\r\nbogus\r\nPING\r\n"),
            "+OK\r\n$1\r\n1\r\n-ERR unknown command 'bogus', with args beginning with: \r\n"
            "+PONG\r\n");
}

TEST(SessionTest, HasTheKeysOfAPipelineFetchedTogether) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("SET alone 1\r\n");
  EXPECT_TRUE(gateway.backend().prefetched().empty());
  client.Send(
      "SELECT 3\r\nGET a\r\nPING\r\nSET s 1\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n*2\r\n$3\r\nGE");
  EXPECT_EQ(gateway.backend().prefetched_values(),
            (std::vector<std::string>{DataKey(3, "a"), DataKey(3, "b")}));
  EXPECT_EQ(gateway.backend().prefetched(), std::vector<std::string>{DataKey(3, "s")});
  EXPECT_EQ(client.Send("T\r\n$1\r\nc\r\n"), "$-1\r\n") << "what was cut is a request";
  std::string many;
  for (int i = 0; i < 40; ++i) many += "GET k" + std::to_string(i) + "\r\n";
  client.Send(many);
  EXPECT_EQ(gateway.backend().prefetched_values().back(), DataKey(3, "k39"));
}

TEST(SessionTest, FetchesNothingForAClientThatMustAuthenticate) {
  Config config;
  config.requirepass_hash = acl::HashPassword("pw");
  TestGateway gateway(config);
  TestClient client(gateway);
  client.Send("GET a\r\nGET b\r\nGET c\r\n");
  EXPECT_TRUE(gateway.backend().prefetched_values().empty());
  EXPECT_EQ(client.Run("AUTH pw"), "+OK");
  client.Send("GET a\r\nGET b\r\nGET c\r\n");
  EXPECT_EQ(gateway.backend().prefetched_values(),
            (std::vector<std::string>{DataKey(0, "b"), DataKey(0, "c")}));
}

TEST(SessionTest, HasTheKeysOfAnMGetFetchedTogether) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("MGET a b a"), "[(nil), (nil), (nil)]");
  EXPECT_EQ(gateway.backend().prefetched_values(),
            (std::vector<std::string>{DataKey(0, "a"), DataKey(0, "b"), DataKey(0, "a")}));
}

TEST(SessionTest, ClientThatComesWhileTheKeysAreCountedIsServedWhenTheyAre) {
  TestGateway gateway;
  gateway.RestartWithoutWaiting(2);
  TestClient client(gateway);
  EXPECT_EQ(client.Send("SET k v\r\nGET k\r\n"), "");
  gateway.Finish();
  EXPECT_EQ(client.Send(""), "+OK\r\n$1\r\nv\r\n");
}

TEST(SessionTest, AnswersLoadingWhenCountingTakesLong) {
  TestGateway gateway;
  {
    TestClient client(gateway);
    EXPECT_EQ(client.Run("SET k v"), "+OK");
  }
  // Somebody else wrote the directory in between, so the keys are counted again.
  gateway.RestartWithoutWaiting(2);
  gateway.gateway().executor().StopHolding();
  TestClient client(gateway);
  EXPECT_EQ(client.Run("GET k"), "-LOADING Redis is loading the dataset in memory");
  EXPECT_NE(client.Run("INFO persistence").find("loading:1"), std::string::npos);
  gateway.Finish();
  EXPECT_EQ(client.Run("GET k"), "\"v\"");
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
  EXPECT_NE(client.Run("INFO persistence").find("loading:0"), std::string::npos);
}

TEST(SessionTest, WatchesClientsWhileCountingTakesLong) {
  Config config;
  config.requirepass_hash = acl::HashPassword("pw");
  TestGateway gateway(config);
  gateway.RestartWithoutWaiting(2);
  TestClient silent(gateway);
  TestClient known(gateway);
  gateway.RunTimers();
  EXPECT_EQ(known.Run("AUTH pw"), "+OK");
  gateway.clock().Advance(60'001);
  gateway.RunTimers();
  EXPECT_TRUE(silent.connection().closed()) << "it did not authenticate";
  EXPECT_FALSE(known.connection().closed());
  EXPECT_NE(known.Run("INFO persistence").find("loading:1"), std::string::npos);
  gateway.Finish();
  EXPECT_EQ(known.Run("PING"), "+PONG");
}

TEST(SessionTest, HoldsRepliesUntilTheWriteBehindThemIsDurable) {
  TestGateway gateway(Always());
  gateway.backend().set_hold_syncs(true);
  TestClient writer(gateway);
  TestClient reader(gateway);
  EXPECT_EQ(writer.Send("PING\r\nSET k v\r\nPING\r\n"), "+PONG\r\n") << "the rest waits";
  EXPECT_EQ(reader.Send("GET k\r\n"), "") << "it saw what is not durable yet";
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_EQ(writer.Send("PING\r\n"), "+OK\r\n+PONG\r\n+PONG\r\n");
  EXPECT_EQ(reader.Send("PING\r\n"), "$1\r\nv\r\n+PONG\r\n");
  EXPECT_EQ(gateway.backend().syncs(), 1U);
}

TEST(SessionTest, AnErrorWaitsForTheWriteThatItMayHaveSeen) {
  TestGateway gateway(Always());
  gateway.backend().set_hold_syncs(true);
  TestClient writer(gateway);
  TestClient reader(gateway);
  EXPECT_EQ(writer.Send("SET k text\r\n"), "");
  EXPECT_EQ(reader.Send("INCR k\r\n"), "");
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_EQ(writer.Received(), "+OK\r\n");
  EXPECT_EQ(reader.Received(), "-ERR value is not an integer or out of range\r\n");
}

TEST(SessionTest, NeverSaysOkForAWriteThatFailed) {
  TestGateway gateway(Always());
  gateway.backend().set_hold_syncs(true);
  TestClient client(gateway);
  EXPECT_EQ(client.Send("SET k v\r\n"), "");
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Unavailable("disk is gone"));
  gateway.Poll();
  EXPECT_EQ(client.Send("PING\r\n"),
            "-MISCONF Errors writing to the store: unavailable: disk is gone\r\n+PONG\r\n");
}

TEST(SessionTest, RefusesWritesAndServesReadsWhenTheStoreIsReadOnly) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("SET k v"), "+OK");
  gateway.backend().set_write_error(Status::ResourceExhausted("disk full"));
  EXPECT_EQ(client.Run("SET k other"),
            "-MISCONF Errors writing to the store: resource exhausted: disk full");
  EXPECT_EQ(client.Run("INCR n").substr(0, 8), "-MISCONF");
  EXPECT_EQ(client.Run("GET k"), "\"v\"");
  EXPECT_EQ(client.Run("DBSIZE"), ":1");
}

TEST(SessionTest, SyncsOnlyUnderAlways) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("SET k v");
  gateway.Poll();
  EXPECT_EQ(gateway.backend().syncs(), 0U);
  EXPECT_EQ(client.Run("CONFIG SET appendfsync always"), "+OK");
  EXPECT_EQ(client.Send("SET k v\r\nSET l w\r\n"), "");
  gateway.Poll();
  EXPECT_EQ(client.Received(), "+OK\r\n+OK\r\n");
  EXPECT_EQ(gateway.backend().syncs(), 1U) << "one round of the loop shares a sync";
}

TEST(SessionTest, TheLoopRunsASyncItselfWhileNobodyElseIsHeard) {
  Config config;
  config.sync = SyncPolicy::kAlways;
  TestGateway gateway(config);
  TestClient writer(gateway);
  TestClient reader(gateway);
  writer.Send("SET k v\r\n");
  gateway.Poll();
  EXPECT_EQ(writer.Received(), "+OK\r\n");
  EXPECT_EQ(gateway.backend().led_syncs(), 1U);

  writer.Send("SET k w\r\n");
  for (int round = 0; round < 3; ++round) {
    gateway.PollRound();
    reader.Send("GET k\r\n");
  }
  gateway.Poll();
  EXPECT_EQ(gateway.backend().syncs(), 2U);
  EXPECT_EQ(gateway.backend().led_syncs(), 1U) << "it would have kept the reader waiting";
}

TEST(SessionTest, TheLoopRunsNoSyncItselfOnASlowDisk) {
  Config config;
  config.sync = SyncPolicy::kAlways;
  TestGateway gateway(config);
  TestClient client(gateway);
  gateway.backend().set_hold_syncs(true);
  const auto set_with_sync_of = [&](int64_t millis) {
    client.Send("SET k v\r\n");
    gateway.Poll();
    gateway.clock().Advance(millis);
    gateway.backend().Acknowledge(Status::Ok());
    gateway.Poll();
  };
  set_with_sync_of(20);
  EXPECT_EQ(gateway.backend().led_syncs(), 1U);
  set_with_sync_of(0);
  EXPECT_EQ(gateway.backend().led_syncs(), 1U) << "the last one took long";
  set_with_sync_of(0);
  EXPECT_EQ(gateway.backend().led_syncs(), 2U) << "it is quick again";
}

TEST(SessionTest, PausesEveryClientWhileTheStoreHasNoRoom) {
  TestGateway gateway;
  TestClient first(gateway);
  TestClient second(gateway);
  gateway.backend().set_no_room(true);
  EXPECT_EQ(first.Send("SET k v\r\nPING\r\n"), "");
  EXPECT_FALSE(first.connection().reading());
  EXPECT_EQ(second.Send("PING\r\n"), "");
  EXPECT_FALSE(second.connection().reading());
  gateway.backend().set_no_room(false);
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_EQ(first.Received(), "+OK\r\n");
  EXPECT_TRUE(first.connection().reading());
  EXPECT_TRUE(second.connection().TakeRedeliver());
  EXPECT_EQ(first.Send(""), "+PONG\r\n");
  EXPECT_EQ(second.Send(""), "+PONG\r\n");
  EXPECT_EQ(second.Run("GET k"), "\"v\"");
  EXPECT_EQ(second.Run("DBSIZE"), ":1");
}

TEST(SessionTest, StopsReadingFromAClientThatDoesNotRead) {
  Config config;
  config.output_pause_bytes = 1000;
  TestGateway gateway(config);
  TestClient client(gateway);
  client.connection().set_stalled(true);
  std::string pings;
  for (int i = 0; i < 100000; ++i) pings += "PING\r\n";
  client.Send(pings);
  EXPECT_LE(client.connection().pending_bytes(), 1100U);
  EXPECT_FALSE(client.connection().reading());
  EXPECT_GT(client.unconsumed().size(), 500000U);
  client.connection().set_stalled(false);
  client.connection().Flush();
  client.handler()->OnDrained();
  EXPECT_TRUE(client.connection().reading());
  std::string received = client.Received() + client.Send("");
  while (!client.unconsumed().empty()) received += client.Send("");
  EXPECT_EQ(received.size(), 100000 * std::string("+PONG\r\n").size());
}

TEST(SessionTest, ClosesAfterAFramingErrorAndAfterQuit) {
  TestGateway gateway;
  TestClient broken(gateway);
  EXPECT_EQ(broken.Send("PING\r\n*1\r\n$9223372036854775808\r\nPING\r\n"),
            "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_TRUE(broken.connection().closed());
  TestClient leaving(gateway);
  EXPECT_EQ(leaving.Send("QUIT\r\nPING\r\n"), "+OK\r\n");
  EXPECT_TRUE(leaving.connection().closed());
}

TEST(SessionTest, ClosesOnHttp) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n");
  EXPECT_TRUE(client.connection().closed());
  TestClient check(gateway);
  EXPECT_EQ(check.Run("EXISTS k"), ":0");
}

TEST(SessionTest, AProtocolErrorIsOneLineWhateverItQuotes) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Send("*1\r\n\r\n"), "-ERR Protocol error: expected '$', got ' '\r\n");
}

TEST(SessionTest, LimitsClients) {
  Config config;
  config.max_clients = 1;
  TestGateway gateway(config);
  TestClient first(gateway);
  TestClient second(gateway);
  EXPECT_EQ(second.Received(), "-ERR max number of clients reached\r\n");
  EXPECT_TRUE(second.connection().closed());
  EXPECT_EQ(first.Run("PING"), "+PONG");
}

TEST(SessionTest, ObeysClientReply) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Send("CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n"), "+OK\r\n");
  EXPECT_EQ(client.Send("CLIENT REPLY SKIP\r\nPING\r\nPING\r\n"), "+PONG\r\n");
}

TEST(SessionTest, SpeaksVersionThreeAfterHello) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Send("HELLO 3 AUTH default x SETNAME me\r\n").substr(0, 4), "%7\r\n");
  EXPECT_EQ(client.Send("GET missing\r\n"), "_\r\n");
  EXPECT_EQ(client.Run("CLIENT GETNAME"), "\"me\"");
  EXPECT_EQ(client.Send("HELLO 2\r\nGET missing\r\n").substr(0, 5), "*14\r\n");
}

TEST(SessionTest, AnswersWhatWasReceivedBeforeItDrains) {
  TestGateway gateway(Always());
  gateway.backend().set_hold_syncs(true);
  TestClient client(gateway);
  EXPECT_EQ(client.Send("SET k v\r\n"), "");
  static_cast<Session*>(client.handler())->CloseAfterReplies();
  EXPECT_FALSE(client.connection().closed());
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_EQ(client.Received(), "+OK\r\n");
  EXPECT_TRUE(client.connection().closed());
}

}  // namespace
}  // namespace nokv::redis
