// CLIENT KILL, LIST and PAUSE over several connections.
#include <gtest/gtest.h>

#include <string>

#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ClientAdminTest, ListShowsTheFieldsOfRedisInTheirOrder) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("CLIENT INFO"),
            "\"id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6380 fd=0 name= age=0 idle=0 flags=N db=0 "
            "sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 "
            "obl=0 oll=0 omem=0 tot-mem=" +
                std::to_string(sizeof(ClientState) + 26) +
                " events=r cmd=client|info user=default redir=-1 resp=2 lib-name= lib-ver=\\x0a\"");
}

TEST(ClientAdminTest, ListTellsWhatOthersDo) {
  TestGateway gateway;
  TestClient client(gateway);
  TestClient listener(gateway);
  TestClient monitor(gateway);
  listener.Send("SUBSCRIBE a b\r\nPSUBSCRIBE c\r\nSSUBSCRIBE s\r\n");
  monitor.Send("MONITOR\r\n");
  listener.connection().set_stalled(true);
  client.Run("PUBLISH a m");
  const std::string list = client.Run("CLIENT LIST");
  EXPECT_TRUE(Has(list, "flags=P db=0 sub=2 psub=1 ssub=1 multi=-1")) << list;
  EXPECT_TRUE(Has(list, "obl=31 oll=0 omem=0")) << list;
  EXPECT_TRUE(Has(list, "flags=O ")) << list;
  EXPECT_TRUE(Has(client.Run("CLIENT LIST TYPE pubsub"), "id=2 "));
  EXPECT_FALSE(Has(client.Run("CLIENT LIST TYPE pubsub"), "id=3 "));
  EXPECT_TRUE(Has(client.Run("CLIENT LIST TYPE normal"), "id=3 "));
  EXPECT_EQ(client.Run("CLIENT LIST TYPE replica"), "\"\"");
  EXPECT_TRUE(Has(client.Run("CLIENT LIST ID 3 99"), "id=3 "));
}

TEST(ClientAdminTest, KillTakesTheConnectionsThatAllOptionsFit) {
  TestGateway gateway;
  TestClient client(gateway);
  TestClient listener(gateway);
  TestClient other(gateway);
  listener.Run("SUBSCRIBE a");
  EXPECT_EQ(client.Run("CLIENT KILL TYPE pubsub ID 3"), ":0");
  EXPECT_EQ(client.Run("CLIENT KILL TYPE pubsub LADDR 127.0.0.1:6380"), ":1");
  EXPECT_TRUE(listener.connection().closed());
  EXPECT_EQ(client.Run("PUBLISH a m"), ":1") << "until the loop has told of its end";
  EXPECT_FALSE(other.connection().closed());
  EXPECT_EQ(client.Run("CLIENT KILL USER default ID 3 SKIPME no"), ":1");
  EXPECT_TRUE(other.connection().closed());
  EXPECT_EQ(client.Run("CLIENT KILL ID 1"), ":0") << "it spares itself";
  EXPECT_EQ(client.Run("CLIENT KILL ID 1 SKIPME no"), ":1");
  EXPECT_TRUE(client.connection().closed()) << "after the reply";
}

TEST(ClientAdminTest, PauseLetsEveryCommandWait) {
  TestGateway gateway;
  TestClient client(gateway);
  TestClient other(gateway);
  EXPECT_EQ(client.Run("CLIENT PAUSE 1000"), "+OK");
  EXPECT_EQ(other.Send("PING\r\nPING\r\n"), "");
  EXPECT_FALSE(other.connection().reading());
  gateway.clock().Advance(1000);
  gateway.gateway().ResumeClients();
  gateway.Poll();
  EXPECT_TRUE(other.connection().reading());
  EXPECT_EQ(other.Send(""), "+PONG\r\n+PONG\r\n");
}

TEST(ClientAdminTest, PauseOfWritesLetsReadsThrough) {
  TestGateway gateway;
  TestClient client(gateway);
  TestClient writer(gateway);
  TestClient transaction(gateway);
  client.Run("CLIENT PAUSE 1000 WRITE");
  EXPECT_EQ(client.Run("GET k"), "(nil)");
  EXPECT_EQ(writer.Send("SET k v\r\n"), "");
  EXPECT_EQ(transaction.Send("MULTI\r\nGET k\r\nEXEC\r\n"), "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
  EXPECT_EQ(client.Run("CLIENT UNPAUSE"), "+OK");
  gateway.Poll();
  EXPECT_EQ(writer.Send(""), "+OK\r\n");
  EXPECT_EQ(client.Run("GET k"), "\"v\"");
}

TEST(ClientAdminTest, PauseGrowsButDoesNotShrink) {
  ClientPause pause;
  EXPECT_FALSE(pause.began());
  pause.Begin(0, 100, true);
  pause.Begin(0, 50, false);
  EXPECT_TRUE(pause.active(99));
  EXPECT_TRUE(pause.all());
  EXPECT_FALSE(pause.active(100));
  pause.Begin(200, 300, false);
  EXPECT_FALSE(pause.all()) << "the first is over";
}

}  // namespace
}  // namespace nokv::redis
