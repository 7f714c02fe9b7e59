// MONITOR, the slow log, latencies and statistics of commands.
#include <gtest/gtest.h>

#include <string>

#include "redis/latency_graph.h"
#include "redis/latency_monitor.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

Config LogEverything() {
  Config config;
  config.slow_log_slower_than_us = 0;
  return config;
}

TEST(MonitoringTest, MonitorIsShownCommandsButNoSecrets) {
  TestGateway gateway;
  TestClient monitor(gateway);
  TestClient client(gateway);
  EXPECT_EQ(monitor.Run("MONITOR"), "+OK");
  client.Send("get \"a\\x00\\n\\\"b\"\r\nAUTH p\r\nHELLO 2 AUTH default p SETNAME me\r\n");
  client.Send("CONFIG GET x\r\nSELECT 3\r\nnothing\r\nGET\r\n");
  gateway.Poll();
  const std::string at = "+1700000000.000000 [0 127.0.0.1:50000] ";
  EXPECT_EQ(monitor.Received(),
            at + "\"get\" \"a\\x00\\n\\\"b\"\r\n" + at + "\"AUTH\" \"(redacted)\"\r\n" + at +
                "\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"me\"\r\n"
                "+1700000000.000000 [3 127.0.0.1:50000] \"SELECT\" \"3\"\r\n");
}

TEST(MonitoringTest, MonitorMayDoLittleUntilReset) {
  TestGateway gateway;
  TestClient monitor(gateway);
  monitor.Run("MONITOR");
  EXPECT_EQ(monitor.Send("GET k\r\nMONITOR\r\n"),
            "-ERR Replica can't interact with the keyspace\r\n");
  EXPECT_EQ(monitor.Send("RESET\r\nGET k\r\n"), "+RESET\r\n$-1\r\n");
  gateway.Poll();
  EXPECT_EQ(monitor.Received(), "");
}

TEST(MonitoringTest, MonitorThatDoesNotReadIsDisconnected) {
  TestGateway gateway;
  TestClient monitor(gateway);
  TestClient client(gateway);
  client.Run("CONFIG SET client-output-buffer-limit \"pubsub 10kb 0 0\"");
  monitor.Run("MONITOR");
  monitor.connection().set_stalled(true);
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += "PING\r\n";
  client.Send(pings);
  EXPECT_TRUE(monitor.connection().closed());
  EXPECT_LE(monitor.connection().pending_bytes(), 10U << 10);
}

TEST(MonitoringTest, HugeWordIsShownInPart) {
  TestGateway gateway;
  TestClient monitor(gateway);
  TestClient client(gateway);
  monitor.Run("MONITOR");
  client.Send(EncodeRequest({"ECHO", std::string(1 << 20, '\0')}));
  gateway.Poll();
  const std::string shown = monitor.Received();
  EXPECT_LT(shown.size(), 300000U);
  EXPECT_NE(shown.find("... (983040 more bytes)"), std::string::npos);
}

TEST(MonitoringTest, SlowLogKeepsTheNewestWithoutSecretsAndShortened) {
  TestGateway gateway(LogEverything());
  TestClient client(gateway);
  client.Run("CLIENT SETNAME me");
  client.Run("CONFIG SET slowlog-max-len 5");
  client.Run("AUTH secret");
  client.Run("ECHO " + std::string(200, 'x'));
  std::string mget = "MGET";
  for (int i = 1; i <= 40; ++i) mget += " a" + std::to_string(i);
  client.Run(mget);
  client.Run("PING");
  EXPECT_EQ(client.Run("SLOWLOG LEN"), ":5") << "of seven";
  const std::string log = client.Run("SLOWLOG GET -1");
  EXPECT_EQ(log.find("secret"), std::string::npos);
  EXPECT_NE(log.find("[\"AUTH\", \"(redacted)\"]"), std::string::npos) << log;
  EXPECT_NE(log.find("\"a30\", \"... (10 more arguments)\"]"), std::string::npos) << log;
  EXPECT_NE(log.find(std::string(128, 'x') + "... (72 more bytes)\"]"), std::string::npos);
  EXPECT_NE(log.find("\"127.0.0.1:50000\", \"me\"]"), std::string::npos);
  EXPECT_EQ(client.Run("SLOWLOG RESET"), "+OK");
  EXPECT_NE(client.Run("SLOWLOG GET 1").find("\"SLOWLOG\", \"RESET\""), std::string::npos);
}

TEST(MonitoringTest, SlowLogHasTheCommandsOfATransactionButNotExec) {
  TestGateway gateway(LogEverything());
  TestClient client(gateway);
  client.Send("SLOWLOG RESET\r\nMULTI\r\nPING\r\nEXEC\r\n");
  const std::string log = client.Run("SLOWLOG GET");
  EXPECT_NE(log.find("\"PING\""), std::string::npos);
  EXPECT_EQ(log.find("\"EXEC\""), std::string::npos);
}

TEST(MonitoringTest, CountsCallsFailuresAndRefusalsByCommand) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("SET k v\r\nINCR k\r\nINCR k\r\nGET\r\nCLIENT ID\r\nCLIENT SETNAME\r\nbogus\r\n");
  client.Send("MULTI\r\nINCR k\r\nEXEC\r\n");
  const std::string info = client.Run("INFO commandstats errorstats");
  const auto has = [&info](std::string_view text) { return info.find(text) != std::string::npos; };
  const std::string tail = "usec=0,usec_per_call=0.00,";
  EXPECT_TRUE(has("cmdstat_set:calls=1," + tail + "rejected_calls=0,failed_calls=0")) << info;
  EXPECT_TRUE(has("cmdstat_incr:calls=3," + tail + "rejected_calls=0,failed_calls=3")) << info;
  EXPECT_TRUE(has("cmdstat_get:calls=0," + tail + "rejected_calls=1,failed_calls=0")) << info;
  EXPECT_TRUE(has("cmdstat_client|id:calls=1,")) << info;
  EXPECT_TRUE(has("cmdstat_client|setname:calls=0," + tail + "rejected_calls=1,")) << info;
  EXPECT_TRUE(has("errorstat_ERR:count=6")) << info;
  EXPECT_TRUE(client.Run("HGET").starts_with("-ERR unknown command"));
  const GatewayStats stats = gateway.gateway().stats();
  EXPECT_EQ(stats.errors_total, 7U);
  EXPECT_EQ(stats.commands_total, 12U) << "those that were refused too";
  EXPECT_EQ(stats.errors_per_operation.at("incr"), 3U);
  client.Run("CONFIG RESETSTAT");
  EXPECT_EQ(client.Run("INFO commandstats").find("cmdstat_set"), std::string::npos);
}

TEST(MonitoringTest, LatenciesAreAHistogram) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Send("PING\r\nPING\r\n");
  EXPECT_EQ(client.Run("LATENCY HISTOGRAM ping nothing"),
            R"(["ping", ["calls", :2, "histogram_usec", [:1, :2]]])");
  client.Run("CLIENT ID");
  EXPECT_TRUE(client.Run("LATENCY HISTOGRAM client").starts_with(R"(["client|id", )"));
  EXPECT_NE(client.Run("INFO latencystats").find("latency_percentiles_usec_ping:p50=0.000,p99="),
            std::string::npos);
}

TEST(MonitoringTest, LatencyMonitorKeepsOneSampleForEachSecondAndForgetsTheOldest) {
  LatencyMonitor monitor;
  monitor.Add("command", 1, 5);
  monitor.Add("command", 1, 9);
  monitor.Add("command", 1, 7);
  EXPECT_EQ(monitor.events().begin()->second.samples.size(), 1U);
  EXPECT_EQ(monitor.events().begin()->second.samples.front().ms, 9U);
  for (uint64_t second = 2; second < 300; ++second) monitor.Add("command", second, 1);
  EXPECT_EQ(monitor.events().begin()->second.samples.size(), 160U);
  EXPECT_EQ(monitor.events().begin()->second.longest_ms, 9U);
  EXPECT_TRUE(monitor.Reset("command"));
  EXPECT_FALSE(monitor.Reset("command"));
}

TEST(MonitoringTest, LatencyGraphIsTheOneOfRedis) {
  LatencyMonitor monitor;
  // As redis-server 7.0 drew it from the same samples.
  uint64_t second = 22;
  for (const uint64_t ms : {2, 107, 53, 1, 8}) {
    monitor.Add("command", second, ms);
    second += ms == 2 || ms == 53 ? 2 : 1;
  }
  const auto draw = [&](uint64_t now) {
    return DrawLatencyGraph("command", monitor.events().begin()->second, now);
  };
  const std::string line = std::string(80, '-') + "\n";
  EXPECT_EQ(draw(29), "command - high 107 ms, low 1 ms (all time high 107 ms)\n" + line +
                          " #   \n"
                          " |   \n"
                          " |#  \n"
                          "_||__\n"
                          "     \n"
                          "75421\n"
                          "sssss\n");
  EXPECT_TRUE(draw(22 + 3600).ends_with("\n15555\nh9999\n mmmm\n")) << draw(22 + 3600);
  monitor.Reset("command");
  monitor.Add("command", 5, 27);
  EXPECT_EQ(draw(5), "command - high 27 ms, low 27 ms (all time high 27 ms)\n" + line +
                         " \n \n \n_\n \n0\ns\n");
  for (uint64_t i = 6; i < 5 + 81; ++i) monitor.Add("command", i, 1);
  const std::string two = draw(85);
  EXPECT_NE(two.find("\n\n \n \n \n_\n \n0\ns\n"), std::string::npos) << two;
}

TEST(MonitoringTest, LatencyGraphNeedsSamples) {
  TestGateway gateway;
  TestClient client(gateway);
  EXPECT_EQ(client.Run("LATENCY GRAPH command"), "-ERR No samples available for event 'command'");
  gateway.gateway().latency_monitor().Add("command", gateway.clock().WallMillis() / 1000, 3);
  EXPECT_TRUE(client.Run("LATENCY GRAPH command").starts_with("\"command - high 3 ms, low 3 ms"));
}

}  // namespace
}  // namespace nokv::redis
