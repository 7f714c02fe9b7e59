#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "redis/number.h"
#include "redis/rate.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

std::string Ask(TestClient& client, const std::string& words) {
  std::string reply = client.Send("INFO " + words + "\r\n");
  return reply.substr(reply.find("\r\n") + 2);
}

// "server clients": the sections in a reply.
std::string Sections(const std::string& reply) {
  std::string out;
  for (size_t at = reply.find("# "); at != std::string::npos; at = reply.find("# ", at + 1)) {
    const std::string name = reply.substr(at + 2, reply.find("\r\n", at) - at - 2);
    out += (out.empty() ? "" : " ") + name;
  }
  return out;
}

std::map<std::string, std::string> Fields(const std::string& reply) {
  std::map<std::string, std::string> fields;
  for (size_t at = 0; at < reply.size();) {
    const size_t end = std::min(reply.find("\r\n", at), reply.size());
    const std::string line = reply.substr(at, end - at);
    const size_t colon = line.find(':');
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 1);
    at = end + 2;
  }
  return fields;
}

TEST(InfoTest, ShowsTheSectionsThatAreAskedFor) {
  TestGateway gateway;
  TestClient client(gateway);
  const std::string by_default =
      "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace";
  const std::string all =
      "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats "
      "Latencystats Cluster Keyspace";
  EXPECT_EQ(Sections(Ask(client, "")), by_default);
  EXPECT_EQ(Sections(Ask(client, "default")), by_default);
  EXPECT_EQ(Sections(Ask(client, "all")), all);
  EXPECT_EQ(Sections(Ask(client, "Everything")), all);
  EXPECT_EQ(Sections(Ask(client, "keyspace CLIENTS keyspace")), "Clients Keyspace");
  EXPECT_EQ(Sections(Ask(client, "nothing")), "");
}

// What redis_exporter, RedisInsight and client libraries look for.
TEST(InfoTest, HasTheFieldsThatToolsRead) {
  TestGateway gateway;
  TestClient client(gateway);
  const auto fields = Fields(Ask(client, "everything"));
  for (const char* name : {"redis_version",
                           "redis_mode",
                           "os",
                           "process_id",
                           "run_id",
                           "tcp_port",
                           "uptime_in_seconds",
                           "connected_clients",
                           "blocked_clients",
                           "maxclients",
                           "used_memory",
                           "used_memory_human",
                           "used_memory_rss",
                           "used_memory_peak",
                           "used_memory_peak_human",
                           "used_memory_lua",
                           "maxmemory",
                           "maxmemory_policy",
                           "mem_fragmentation_ratio",
                           "mem_allocator",
                           "total_system_memory",
                           "loading",
                           "rdb_bgsave_in_progress",
                           "rdb_last_bgsave_status",
                           "aof_enabled",
                           "aof_rewrite_in_progress",
                           "aof_last_write_status",
                           "total_connections_received",
                           "total_commands_processed",
                           "instantaneous_ops_per_sec",
                           "instantaneous_input_kbps",
                           "instantaneous_output_kbps",
                           "total_net_input_bytes",
                           "total_net_output_bytes",
                           "rejected_connections",
                           "expired_keys",
                           "evicted_keys",
                           "keyspace_hits",
                           "keyspace_misses",
                           "pubsub_channels",
                           "pubsub_patterns",
                           "latest_fork_usec",
                           "total_error_replies",
                           "role",
                           "connected_slaves",
                           "master_replid",
                           "master_repl_offset",
                           "repl_backlog_active",
                           "used_cpu_sys",
                           "used_cpu_user",
                           "cluster_enabled"}) {
    EXPECT_TRUE(fields.contains(name)) << name;
  }
  EXPECT_EQ(fields.at("run_id").size(), 40U);
}

TEST(InfoTest, SaysWhatTheProcessReallyTakes) {
  TestGateway gateway;
  TestClient client(gateway);
  const auto fields = Fields(Ask(client, ""));
  const auto number = [&](const char* name) { return ParseUint64(fields.at(name)).value_or(0); };
  EXPECT_GT(number("used_memory"), 1U << 20);
  EXPECT_GT(number("used_memory_rss"), 1U << 20);
  EXPECT_GE(number("used_memory_peak"), number("used_memory_rss"));
  EXPECT_GT(number("total_system_memory"), number("used_memory_peak"));
  EXPECT_GT(ParseLongDouble(fields.at("used_cpu_user")).value_or(0) +
                ParseLongDouble(fields.at("used_cpu_sys")).value_or(0),
            0);
}

TEST(InfoTest, IsTextOfItsOwnKindInVersion3) {
  TestGateway gateway;
  TestClient client(gateway);
  client.Run("HELLO 3");
  EXPECT_EQ(client.Send("INFO cluster\r\n"), "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

TEST(RateTest, IsThatBetweenTheLastTwoSamples) {
  Rate rate;
  EXPECT_EQ(rate.per_second(), 0U);
  rate.Sample(100, 1'000'000);
  EXPECT_EQ(rate.per_second(), 0U);
  rate.Sample(600, 3'000'000);
  EXPECT_EQ(rate.per_second(), 250U);
  rate.Sample(10, 4'000'000);
  EXPECT_EQ(rate.per_second(), 250U) << "the count was reset";
  rate.Sample(20, 5'000'000);
  EXPECT_EQ(rate.per_second(), 10U);
}

}  // namespace
}  // namespace nokv::redis
