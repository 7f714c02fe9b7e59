// Publish and subscribe: order, durability, limits, slow readers. Replies: testdata/pubsub.txt.
#include "redis/pubsub.h"

#include <gtest/gtest.h>

#include <string>

#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

constexpr std::string_view kMessage = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";

TEST(PubSubTest, MessageComesBehindTheRepliesBeforeIt) {
  TestGateway gateway;
  TestClient listener(gateway);
  TestClient publisher(gateway);
  listener.Run("SUBSCRIBE c");
  EXPECT_EQ(publisher.Send("PUBLISH c m\r\nPUBLISH c m\r\n"), ":1\r\n:1\r\n");
  EXPECT_EQ(listener.Send("PING\r\n"),
            std::string(kMessage) + std::string(kMessage) + "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
}

TEST(PubSubTest, MessagesOfOneRoundAreFlushedTogether) {
  TestGateway gateway;
  TestClient listener(gateway);
  TestClient publisher(gateway);
  listener.Run("SUBSCRIBE c");
  publisher.handler()->OnData("PUBLISH c m\r\nPUBLISH c m\r\n");
  EXPECT_EQ(listener.connection().TakeReceived(), "") << "not before the round ends";
  gateway.Poll();
  EXPECT_EQ(listener.Received(), std::string(kMessage) + std::string(kMessage));
}

Config Always() {
  Config config;
  config.sync = SyncPolicy::kAlways;
  return config;
}

TEST(PubSubTest, MessageDoesNotOvertakeTheWriteBeforeIt) {
  TestGateway gateway(Always());
  TestClient listener(gateway);
  TestClient publisher(gateway);
  listener.Run("SUBSCRIBE c");
  gateway.backend().set_hold_syncs(true);
  EXPECT_EQ(publisher.Send("SET k v\r\nPUBLISH c m\r\n"), "");
  gateway.Poll();
  EXPECT_EQ(listener.Received(), "") << "the write is not durable";
  EXPECT_EQ(listener.Send("PING\r\n"), "") << "a reply behind the message";
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_EQ(publisher.Received(), "+OK\r\n:1\r\n");
  EXPECT_EQ(listener.Received(), std::string(kMessage) + "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
}

TEST(PubSubTest, MessageIsDroppedWhenTheWriteBeforeItFails) {
  TestGateway gateway(Always());
  TestClient listener(gateway);
  TestClient publisher(gateway);
  listener.Run("SUBSCRIBE c");
  gateway.backend().set_hold_syncs(true);
  EXPECT_EQ(publisher.Send("SET k v\r\nPUBLISH c m\r\n"), "");
  gateway.Poll();
  gateway.backend().Acknowledge(Status::Unavailable("disk is gone"));
  gateway.Poll();
  const std::string error = "-MISCONF Errors writing to the store: unavailable: disk is gone\r\n";
  EXPECT_EQ(publisher.Received(), error + error);
  EXPECT_EQ(listener.Received(), "");
}

TEST(PubSubTest, SubscribesAndGetsMessagesWhileRepliesAreOff) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("HELLO 3\r\nCLIENT REPLY OFF\r\n");
  EXPECT_EQ(client.Send("SUBSCRIBE c\r\nPING\r\nPUBLISH c m\r\n"),
            ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n"
            "$1\r\nm\r\n");
}

TEST(PubSubTest, ForgetsAClientThatLeaves) {
  TestGateway gateway;
  TestClient publisher(gateway);
  {
    TestClient listener(gateway);
    listener.Send("SUBSCRIBE c\r\nPSUBSCRIBE c*\r\nSSUBSCRIBE c\r\n");
    EXPECT_EQ(publisher.Run("PUBLISH c m"), ":2");
  }
  EXPECT_EQ(publisher.Run("PUBLISH c m"), ":0");
  EXPECT_EQ(publisher.Run("SPUBLISH c m"), ":0");
  EXPECT_EQ(publisher.Run("PUBSUB CHANNELS"), "[]");
}

TEST(PubSubTest, DisconnectsASlowReaderAtTheHardLimitAndKeepsNothingBeyondIt) {
  TestGateway gateway;
  TestClient slow(gateway);
  TestClient other(gateway);
  TestClient publisher(gateway);
  EXPECT_EQ(publisher.Run("CONFIG SET client-output-buffer-limit \"pubsub 100kb 0 0\""), "+OK");
  slow.Run("SUBSCRIBE c");
  other.Run("SUBSCRIBE c");
  slow.connection().set_stalled(true);
  const std::string publish = "PUBLISH c " + std::string(10000, 'x') + "\r\n";
  for (int i = 0; i < 10; ++i) publisher.Send(publish);
  EXPECT_FALSE(slow.connection().closed());
  publisher.Send(publish);
  EXPECT_TRUE(slow.connection().closed());
  publisher.Send(publish);
  EXPECT_LE(slow.connection().pending_bytes(), 100U << 10);
  gateway.Poll();
  EXPECT_GT(other.Received().size(), 120000U) << "others get everything";
  EXPECT_NE(publisher.Run("INFO clients").find("nokv_slow_readers_disconnected:1"),
            std::string::npos);
}

TEST(PubSubTest, DisconnectsASlowReaderThatStaysAboveTheSoftLimit) {
  TestGateway gateway;
  TestClient slow(gateway);
  TestClient publisher(gateway);
  publisher.Run("CONFIG SET client-output-buffer-limit \"pubsub 0 1kb 2\"");
  slow.Run("SUBSCRIBE c");
  slow.connection().set_stalled(true);
  publisher.Send("PUBLISH c " + std::string(2000, 'x') + "\r\n");
  gateway.clock().Advance(2000);
  publisher.Send("PUBLISH c x\r\n");
  EXPECT_FALSE(slow.connection().closed());
  gateway.clock().Advance(1);
  publisher.Send("PUBLISH c x\r\n");
  EXPECT_TRUE(slow.connection().closed());
}

TEST(PubSubTest, ReaderThatKeepsUpIsNotCutOffByABurst) {
  TestGateway gateway;
  TestClient reader(gateway);
  TestClient publisher(gateway);
  publisher.Run("CONFIG SET client-output-buffer-limit \"pubsub 10kb 0 0\"");
  reader.Run("SUBSCRIBE c");
  std::string burst;
  for (int i = 0; i < 100; ++i) burst += "PUBLISH c " + std::string(1000, 'x') + "\r\n";
  publisher.Send(burst);
  gateway.Poll();
  EXPECT_FALSE(reader.connection().closed());
  EXPECT_GT(reader.Received().size(), 100000U);
}

TEST(PubSubTest, HardLimitHoldsForReplies) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("CONFIG SET client-output-buffer-limit \"normal 10kb 0 0\"");
  client.Run("SET k " + std::string(9000, 'x'));
  client.connection().set_stalled(true);
  client.Send("GET k\r\n");
  EXPECT_FALSE(client.connection().closed());
  client.Send("GET k\r\n");
  EXPECT_TRUE(client.connection().closed());
  EXPECT_LE(client.connection().pending_bytes(), 10U << 10);
}

class Nobody final : public Receiver {
 public:
  explicit Nobody(uint64_t id) : id_(id) {}
  uint64_t id() const override { return id_; }
  int protocol() const override { return 3; }
  void Push(std::string_view message, uint64_t /*barrier*/) override { received += message; }
  ConnectionUse use() const override { return {}; }
  std::string received;

 private:
  uint64_t id_;
};

TEST(PubSubTest, LimitsNamesPerClientAndBytesOfAll) {
  PubSub pubsub(PubSubLimits{2, 2000});
  Nobody first(1);
  Subscriptions mine;
  EXPECT_TRUE(pubsub.HasRoom(mine, 2, 2));
  EXPECT_FALSE(pubsub.HasRoom(mine, 3, 3)) << "too many for one client";
  EXPECT_FALSE(pubsub.HasRoom(mine, 1, 1000)) << "too long";
  pubsub.Subscribe(first, &mine, SubscriptionKind::kChannel, std::string(500, 'x'));
  const Subscriptions others;
  EXPECT_FALSE(pubsub.HasRoom(others, 1, 500)) << "too much together";
  pubsub.UnsubscribeAll(first, &mine);
  EXPECT_TRUE(pubsub.HasRoom(others, 1, 500));
}

TEST(PubSubTest, SubscribesToAllOfTheNamesOrToNone) {
  TestGateway gateway;
  TestClient client(gateway);
  std::vector<std::string> words{"SUBSCRIBE"};
  for (int i = 0; i <= 65536; ++i) words.push_back(std::to_string(i));
  EXPECT_EQ(client.Send(EncodeRequest(words)),
            "-ERR too many subscriptions, or names of them too long\r\n");
  EXPECT_EQ(client.Run("PUBSUB CHANNELS"), "[]");
}

TEST(PubSubTest, IdleListenerIsNotDisconnected) {
  Config config;
  config.timeout_seconds = 1;
  TestGateway gateway(config);
  TestClient listener(gateway);
  TestClient idle(gateway);
  listener.Run("SUBSCRIBE c");
  idle.Run("PING");
  static_cast<Session*>(listener.handler())->Sweep(gateway.clock().WallMillis() + 2000);
  static_cast<Session*>(idle.handler())->Sweep(gateway.clock().WallMillis() + 2000);
  EXPECT_FALSE(listener.connection().closed());
  EXPECT_TRUE(idle.connection().closed());
}

}  // namespace
}  // namespace nokv::redis
