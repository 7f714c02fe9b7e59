// notify-keyspace-events: its text, and when events are published. Which: testdata/key_events.txt.
#include "redis/key_events.h"

#include <gtest/gtest.h>

#include <string>

#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

std::string Set(std::string_view text) {
  const auto events = ParseKeyEvents(text);
  return events.has_value() ? FormatKeyEvents(*events) : "(refused)";
}

TEST(KeyEventsTest, ReadsAndShowsThemAsRedisDoes) {
  EXPECT_EQ(Set(""), "");
  EXPECT_EQ(Set("KEA"), "AKE");
  EXPECT_EQ(Set("A"), "A");
  EXPECT_EQ(Set("xg"), "gx");
  EXPECT_EQ(Set("KEg$"), "g$KE");
  EXPECT_EQ(Set("KEg$lshzxet"), "g$lshzxetKE");
  EXPECT_EQ(Set("KE$lshzxetdgmn"), "AKEm");
  EXPECT_EQ(Set("KEAn"), "AKE");
  EXPECT_EQ(Set("nm"), "nm");
  EXPECT_EQ(Set("Q"), "(refused)");
  EXPECT_EQ(Set("K E"), "(refused)");
}

TEST(KeyEventsTest, EventsNeedAClassAndAWayToBePublished) {
  EXPECT_FALSE(Publishes(*ParseKeyEvents("A")));
  EXPECT_FALSE(Publishes(*ParseKeyEvents("KE")));
  EXPECT_TRUE(Publishes(*ParseKeyEvents("Kg")));
}

TEST(KeyEventsTest, EventDoesNotOvertakeItsWriteAndIsDroppedIfThatFails) {
  Config config;
  config.sync = SyncPolicy::kAlways;
  config.key_events = *ParseKeyEvents("E$");
  TestGateway gateway(config);
  TestClient listener(gateway);
  TestClient writer(gateway);
  listener.Run("SUBSCRIBE __keyevent@0__:set");
  gateway.backend().set_hold_syncs(true);
  writer.Send("SET k v\r\n");
  gateway.Poll();
  EXPECT_EQ(listener.Received(), "") << "the write is not durable";
  gateway.backend().Acknowledge(Status::Ok());
  gateway.Poll();
  EXPECT_NE(listener.Received(), "");
  writer.Send("SET k w\r\n");
  while (gateway.backend().syncs() < 2) gateway.Poll();
  gateway.backend().Acknowledge(Status::Unavailable("disk is gone"));
  gateway.Poll();
  EXPECT_EQ(listener.Received(), "");
}

TEST(KeyEventsTest, KeyThatExpiresIsToldOfWhenItIsRemoved) {
  Config config;
  config.key_events = *ParseKeyEvents("Ex");
  TestGateway gateway(config);
  TestClient listener(gateway);
  TestClient writer(gateway);
  listener.Run("SUBSCRIBE __keyevent@3__:expired");
  writer.Send("SELECT 3\r\nSET k v PX 100\r\nSET other v PX 100\r\n");
  gateway.clock().Advance(100);
  writer.Send("SET other w\r\n");
  ASSERT_EQ(*gateway.gateway().executor().Reap(100), 2U);
  gateway.Poll();
  EXPECT_EQ(RenderReplies(listener.Received()),
            std::vector<std::string>{R"(["message", "__keyevent@3__:expired", "k"])"})
      << "and not of the key that was written over it";
}

}  // namespace
}  // namespace nokv::redis
