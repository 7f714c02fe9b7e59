// Scripts in the gateway: atomic also if they take long and others write meanwhile.
#include "redis/script/scripts.h"

#include <gtest/gtest.h>

#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

// Every script that counts to a few thousand yields.
Config Impatient() {
  Config config;
  config.script_slice_us = 0;
  return config;
}

class ScriptsTest : public testing::Test {
 protected:
  // Sends an EVAL without keys whose reply comes later.
  void Start(TestClient& client, const std::string& script) {
    EXPECT_EQ(client.Send(EncodeRequest({"EVAL", script, "0"})), "");
  }
  // What the client has got, after everything has ended.
  std::string End(TestClient& client) {
    gateway_.Poll();
    return client.Received();
  }

  TestGateway gateway_{Impatient()};
  TestClient slow_{gateway_};
  TestClient other_{gateway_};
};

constexpr std::string_view kLongLoop = "for i = 1, 20000 do end ";

TEST_F(ScriptsTest, OthersGoOnWhileALongScriptRuns) {
  Start(slow_, std::string(kLongLoop) + "return 7");
  gateway_.PollRound();
  EXPECT_EQ(other_.Run("SET a 1"), "+OK");
  gateway_.PollRound();
  EXPECT_EQ(other_.Run("GET a"), "\"1\"");
  EXPECT_EQ(slow_.Received(), "");
  EXPECT_EQ(End(slow_), ":7\r\n");
}

TEST_F(ScriptsTest, ItsWritesShowAllAtOnceAtTheEnd) {
  Start(slow_, "redis.call('set', 'a', 1) " + std::string(kLongLoop) + "redis.call('set', 'b', 1)");
  for (int i = 0; i < 5; ++i) {
    gateway_.PollRound();
    EXPECT_EQ(other_.Run("MGET a b"), "[(nil), (nil)]");
  }
  EXPECT_EQ(End(slow_), "$-1\r\n");
  EXPECT_EQ(other_.Run("MGET a b"), "[\"1\", \"1\"]");
}

TEST_F(ScriptsTest, RunsAgainIfSomethingThatItReadHasChanged) {
  other_.Run("SET n 5");
  Start(slow_, "local n = redis.call('get', 'n') " + std::string(kLongLoop) +
                   "redis.call('set', 'n', n + 1) return n");
  gateway_.PollRound();
  other_.Run("INCR n");
  EXPECT_EQ(End(slow_), "$1\r\n6\r\n");
  EXPECT_EQ(other_.Run("GET n"), "\"7\"");
}

TEST_F(ScriptsTest, CountersAreExactAndLongScriptsEndUnderConstantConflicts) {
  for (int round = 0; round < 10; ++round) {
    Start(slow_, "local n = redis.call('get', 'n') or 0 " + std::string(kLongLoop) +
                     "redis.call('set', 'n', n + 1) return 'done'");
    std::string reply;
    for (int i = 0; i < 1000 && reply.empty(); ++i) {
      gateway_.PollRound();
      other_.Run("INCR n");
      other_.Run("INCR others");
      reply = slow_.Received();
    }
    EXPECT_EQ(reply, "$4\r\ndone\r\n");
  }
  const int64_t others = std::stoll(other_.Run("GET others").substr(1));
  EXPECT_EQ(other_.Run("GET n"), "\"" + std::to_string(others + 10) + "\"");
}

TEST_F(ScriptsTest, NoticesNewKeysAmongThoseThatItCounted) {
  other_.Run("MSET a 1 b 2");
  Start(slow_, "local n = redis.call('dbsize') local k = #redis.call('keys', '*') " +
                   std::string(kLongLoop) + "redis.call('set', 'c', n) return {n, k}");
  gateway_.PollRound();
  other_.Run("MSET d 1 e 2");
  EXPECT_EQ(End(slow_), "*2\r\n:4\r\n:4\r\n");
  EXPECT_EQ(other_.Run("DBSIZE"), ":5");
}

TEST_F(ScriptsTest, TheBooksAreRightAfterKeysCameAndWentMeanwhile) {
  other_.Run("MSET a 1 b 2 c 3");
  Start(slow_, "redis.call('set', 'x', 1, 'EX', 100) redis.call('del', 'a') " +
                   std::string(kLongLoop) + "return 1");
  gateway_.PollRound();
  other_.Run("SET y 1 EX 100");
  other_.Run("MSET p 1 q 2 r 3");
  other_.Run("DEL b");
  EXPECT_EQ(End(slow_), ":1\r\n");
  EXPECT_EQ(other_.Run("DBSIZE"), ":6");
  gateway_.clock().Advance(200'000);
  EXPECT_EQ(other_.Run("DBSIZE"), ":4");
}

TEST_F(ScriptsTest, WhatItWritesOutlivesItsStrings) {
  EXPECT_EQ(other_.Send(EncodeRequest(
                {"EVAL",
                 "for i = 1, 100 do redis.call('set', 'k' .. i, string.rep(i .. ',', 50)) end "
                 "collectgarbage() local t = {} "
                 "for i = 1, 1000 do t[i] = string.rep('x', 100 + i % 100) end return 1",
                 "0"})),
            "");
  gateway_.Poll();
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += "100,";
  EXPECT_EQ(other_.Received(), ":1\r\n");
  EXPECT_EQ(other_.Run("GET k100"), "\"" + expected + "\"");
}

TEST_F(ScriptsTest, AFlushThatTakesLongStillLeavesAnEmptyDatabase) {
  other_.Run("MSET a 1 b 2");
  Start(slow_, "redis.call('flushdb') " + std::string(kLongLoop) + "return redis.call('dbsize')");
  gateway_.PollRound();
  other_.Run("SET c 1");
  EXPECT_EQ(End(slow_), ":0\r\n");
  EXPECT_EQ(other_.Run("DBSIZE"), ":0");
  EXPECT_EQ(other_.Run("GET c"), "(nil)");
}

TEST_F(ScriptsTest, AKilledScriptLeavesNothing) {
  EXPECT_EQ(other_.Run("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.");
  Start(slow_, "redis.call('set', 'a', 1) while true do end");
  for (int i = 0; i < 10; ++i) gateway_.PollRound();
  EXPECT_EQ(other_.Run("SCRIPT KILL"), "+OK");
  EXPECT_EQ(End(slow_),
            "-ERR Script killed by user with SCRIPT KILL... script: "
            "cd40331cc8eda3b5f129b7d04eb89f3bbad93cd0, on @user_script:1.\r\n");
  EXPECT_EQ(other_.Run("EXISTS a"), ":0");
  EXPECT_EQ(slow_.Run("PING"), "+PONG");
  EXPECT_EQ(other_.Run("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.");
}

TEST_F(ScriptsTest, AScriptAtItsLimitLeavesNothing) {
  EXPECT_EQ(other_.Run("CONFIG SET script-step-limit 1000000"), "+OK");
  EXPECT_EQ(
      other_.Run("EVAL \"redis.call('set', 'a', 1) pcall(function() while true do end end)\" 0")
          .substr(0, 79),
      "-ERR Script stopped: it ran more instructions than script-step-limit allows (10");
  EXPECT_EQ(other_.Run("EXISTS a"), ":0");
  Start(slow_, "redis.call('set', 'a', 1) while true do end");
  EXPECT_EQ(End(slow_).substr(0, 79),
            "-ERR Script stopped: it ran more instructions than script-step-limit allows (10");
  EXPECT_EQ(other_.Run("EXISTS a"), ":0");
}

TEST_F(ScriptsTest, ALongScriptThatFailsKeepsItsWrites) {
  Start(slow_, "redis.call('set', 'a', 1) " + std::string(kLongLoop) +
                   "redis.pcall('incr', 'a', 'x') error('boom')");
  EXPECT_EQ(End(slow_).substr(0, 24), "-ERR user_script:1: boom");
  EXPECT_EQ(other_.Run("GET a"), "\"1\"");
}

TEST_F(ScriptsTest, LaterCommandsOfItsClientWait) {
  const std::string pipeline = EncodeRequest({"EVAL", std::string(kLongLoop) + "return 1", "0"}) +
                               EncodeRequest({"SET", "k", "v"}) + EncodeRequest({"GET", "k"});
  EXPECT_EQ(slow_.Send(pipeline), "");
  EXPECT_EQ(other_.Run("EXISTS k"), ":0");
  EXPECT_EQ(End(slow_), ":1\r\n");
  ASSERT_TRUE(slow_.connection().TakeRedeliver());
  EXPECT_EQ(slow_.Send(""), "+OK\r\n$1\r\nv\r\n");
}

TEST_F(ScriptsTest, SeveralLongScriptsTakeTurns) {
  TestClient third(gateway_);
  const std::string script = std::string(kLongLoop) + "return redis.call('incr', KEYS[1])";
  EXPECT_EQ(slow_.Send(EncodeRequest({"EVAL", script, "1", "a"})), "");
  EXPECT_EQ(third.Send(EncodeRequest({"EVAL", script, "1", "b"})), "");
  EXPECT_EQ(other_.Send(EncodeRequest({"EVAL", script, "1", "a"})), "");
  gateway_.Poll();
  EXPECT_EQ(third.Received(), ":1\r\n");
  EXPECT_EQ(slow_.Received(), ":1\r\n");
  EXPECT_EQ(other_.Received(), ":2\r\n");
}

TEST_F(ScriptsTest, AClientThatGoesTakesItsScriptAlong) {
  {
    TestClient gone(gateway_);
    Start(gone, "redis.call('set', 'a', 1) " + std::string(kLongLoop));
    gateway_.PollRound();
  }
  gateway_.Poll();
  EXPECT_EQ(other_.Run("EXISTS a"), ":0");
}

TEST_F(ScriptsTest, BetweenMultiAndExecItRunsWithoutABreak) {
  other_.Run("MULTI");
  other_.Run("SET k 1");
  EXPECT_EQ(other_.Send(EncodeRequest(
                {"EVAL", std::string(kLongLoop) + "return redis.call('incr', 'k')", "0"})),
            "+QUEUED\r\n");
  EXPECT_EQ(other_.Run("EXEC"), "[+OK, :2]");
}

TEST_F(ScriptsTest, WaitsForRoomInTheStore) {
  Start(slow_, std::string(kLongLoop) + "return redis.call('set', 'a', 1)");
  gateway_.backend().set_no_room(true);
  EXPECT_EQ(other_.Send(EncodeRequest({"SET", "b", "1"})), "");
  gateway_.Poll();
  EXPECT_EQ(slow_.Received(), "");
  gateway_.backend().set_no_room(false);
  gateway_.backend().Acknowledge(Status::Ok());
  EXPECT_EQ(End(slow_), "+OK\r\n");
}

TEST_F(ScriptsTest, RandomNumbersDifferButASeedRepeatsThem) {
  const std::string one = other_.Run("EVAL \"return math.random() .. ''\" 0");
  EXPECT_NE(other_.Run("EVAL \"return math.random() .. ''\" 0"), one);
}

TEST_F(ScriptsTest, InfoCountsScripts) {
  const auto cached = [&] {
    const std::string info = other_.Run("INFO memory");
    const size_t at = info.find("number_of_cached_scripts:");
    return info.substr(at + 25, info.find("\\x0d", at) - at - 25);
  };
  EXPECT_EQ(cached(), "0");
  other_.Run("EVAL \"return 1\" 0");
  other_.Run("SCRIPT LOAD \"return 2\"");
  EXPECT_EQ(cached(), "2");
  other_.Run("SCRIPT FLUSH");
  EXPECT_EQ(cached(), "0");
}

TEST(ScriptCacheTest, TheLeastRecentlyUsedGoAndLoadedOnesStay) {
  TestClock clock;
  ScriptEngine engine(clock, size_t{16} << 20, "7.2.0");
  ScriptCache cache(engine, {3, 1000}, {2, 20});
  const auto add = [&](const std::string& text, ScriptCache::Kind kind) {
    const auto script = cache.Add(text, kind);
    EXPECT_TRUE(script.ok()) << script.status();
    return (*script)->sha();
  };
  const std::string loaded = add("return 0", ScriptCache::Kind::kLoaded);
  const std::string first = add("return 1", ScriptCache::Kind::kEvaluated);
  const std::string second = add("return 2", ScriptCache::Kind::kEvaluated);
  add("return 3", ScriptCache::Kind::kEvaluated);
  EXPECT_NE(cache.Find(first), nullptr);
  add("return 4", ScriptCache::Kind::kEvaluated);
  EXPECT_EQ(cache.Find(second), nullptr);
  EXPECT_NE(cache.Find(first), nullptr);
  EXPECT_NE(cache.Find(loaded), nullptr);
  EXPECT_EQ(cache.scripts(), 4U);

  // Loading what was evaluated moves it over; by then the room of 20 bytes is for two.
  add("return 1", ScriptCache::Kind::kLoaded);
  add("return 5", ScriptCache::Kind::kLoaded);
  EXPECT_EQ(cache.Find(loaded), nullptr);
  EXPECT_NE(cache.Find(first), nullptr);
  EXPECT_FALSE(cache.Add("return 'longer than the room'", ScriptCache::Kind::kLoaded).ok());
  EXPECT_EQ(cache.Add(std::string(2000, ' '), ScriptCache::Kind::kEvaluated).value()->sha().size(),
            40U);
  cache.Clear();
  EXPECT_EQ(cache.scripts(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
}

}  // namespace
}  // namespace nokv::redis
