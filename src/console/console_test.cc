#include "console/console.h"

#include <gtest/gtest.h>

#include <string>

#include "console/console_test_util.h"
#include "console/prometheus.h"
#include "console/stats_json.h"

namespace nokv::console {
namespace {

rpc::HttpResponse Get(const ConsoleSources& sources, const std::string& path,
                      std::map<std::string, std::string, std::less<>> query = {}) {
  return MakeHandlers(sources).at(path)({.path = path, .query = std::move(query)});
}

ConsoleSources Healthy() {
  return {.stats =
              [] {
                nokv::Stats stats = FullStats();
                stats.background_error.clear();
                return stats;
              },
          .gateway = FullGatewayStats,
          .gates = {},
          .build = {.version = "1.2",
                    .commit = "abc",
                    .compiler = "",
                    .build_type = "",
                    .features = {},
                    .formats = {}},
          .command_line = {"nokv-redis", "--addr"}};
}

TEST(ConsoleTest, ServesTheSnapshotOverHttp) {
  auto server = StartHttp("127.0.0.1:0", Healthy());
  ASSERT_TRUE(server.ok()) << server.status();
  auto answer = rpc::HttpGet("http://" + (*server)->address() + "/debug/vars", 5000);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json; charset=utf-8");
  EXPECT_EQ(answer->body,
            VarsToJson(Healthy().stats(), FullGatewayStats(), {"nokv-redis", "--addr"}) + "\n");
}

TEST(ConsoleTest, MetricsAreThoseOfTheStatisticsAndOfTheRegistry) {
  metrics::Registry registry;
  registry.GetCounter("nokv_extra_events_total", "Events of the caller.").Add(5);
  ConsoleSources sources = Healthy();
  sources.registry = &registry;
  const rpc::HttpResponse answer = Get(sources, "/metrics");
  EXPECT_EQ(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
  metrics::TextWriter writer;
  const GatewayStats gateway = FullGatewayStats();
  WritePrometheus(writer, Healthy().stats(), &gateway);
  EXPECT_TRUE(answer.body.starts_with(writer.text()));
  EXPECT_NE(answer.body.find("\nnokv_build_info{version=\"1.2\",commit=\"abc\"} 1\n"),
            std::string::npos);
  for (const char* name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}) {
    const size_t line = answer.body.find("\n" + std::string(name) + " ");
    ASSERT_NE(line, std::string::npos) << name;
    EXPECT_GT(std::stod(answer.body.substr(line + 2 + std::string(name).size())), 0) << name;
  }
  EXPECT_TRUE(
      answer.body.ends_with("# HELP nokv_extra_events_total Events of the caller.\n"
                            "# TYPE nokv_extra_events_total counter\n"
                            "nokv_extra_events_total 5\n"));
}

TEST(ConsoleTest, IsAliveEvenWhenItIsNotReady) {
  ConsoleSources sources = Healthy();
  sources.stats = FullStats;
  EXPECT_EQ(Get(sources, "/livez").status, 200);
  EXPECT_EQ(Get(sources, "/readyz").status, 503);
}

TEST(ConsoleTest, OnlyLivezAsksForNothingWhileTheDatabaseIsBeingOpened) {
  ConsoleSources sources = Healthy();
  bool opened = false;
  sources.opened = [&opened] { return opened; };
  sources.stats = [&opened] {
    EXPECT_TRUE(opened);
    return FullStats();
  };
  for (const char* page : {"/debug/vars", "/metrics", "/readyz"}) {
    EXPECT_EQ(Get(sources, page).status, 503) << page;
    EXPECT_EQ(Get(sources, page).body, "the database is being opened\n") << page;
  }
  EXPECT_EQ(Get(sources, "/livez").status, 200);
  opened = true;
  EXPECT_EQ(Get(sources, "/metrics").status, 200);
}

TEST(ConsoleTest, ReadyzNamesTheGateThatFailsAndWhy) {
  ConsoleSources sources = Healthy();
  EXPECT_EQ(Get(sources, "/readyz").status, 200);
  EXPECT_EQ(Get(sources, "/readyz").body, "ready\n");
  sources.gates = {{"listener", [] { return Status::Ok(); }},
                   {"drain", [] { return Status::Unavailable("shutting down"); }}};
  const rpc::HttpResponse answer = Get(sources, "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "[-] drain: unavailable: shutting down\nnot ready\n");
}

TEST(ConsoleTest, ReadyzVerboseListsEveryGate) {
  ConsoleSources sources = Healthy();
  sources.gates = {{"listener", [] { return Status::Ok(); }}};
  EXPECT_EQ(Get(sources, "/readyz", {{"verbose", ""}}).body,
            "[+] engine: ok\n[+] listener: ok\nready\n");
  sources.stats = FullStats;
  EXPECT_EQ(Get(sources, "/readyz").body,
            "[-] engine: failed precondition: the database is read-only: table 000012: \"disk\" "
            "full\nnot ready\n");
}

}  // namespace
}  // namespace nokv::console
