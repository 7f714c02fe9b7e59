#include "console/pages.h"

#include <gtest/gtest.h>

#include <string>

namespace nokv::console {
namespace {

rpc::HttpResponse Get(const PageSources& sources, const std::string& path,
                      std::map<std::string, std::string, std::less<>> query = {}) {
  return MakePages(sources).at(path)({.path = path, .query = std::move(query)});
}

TEST(PagesTest, VarsHasEachDocumentUnderItsName) {
  PageSources sources;
  sources.vars["b"] = [] { return std::string(R"({"y":1})"); };
  sources.vars["a"] = [] { return std::string("2"); };
  sources.command_line = {"nokv", "coordinator"};
  EXPECT_EQ(Get(sources, "/debug/vars").body, R"({
  "a": 2,
  "b": {
    "y": 1
  },
  "cmdline": [
    "nokv",
    "coordinator"
  ]
}
)");
}

TEST(PagesTest, IsReadyWhenEveryGateIs) {
  Status second;
  PageSources sources;
  sources.gates = {{"first", [] { return Status::Ok(); }}, {"second", [&] { return second; }}};
  EXPECT_EQ(Get(sources, "/readyz").status, 200);
  EXPECT_EQ(Get(sources, "/readyz").body, "ready\n");
  second = Status::Unavailable("not yet");
  EXPECT_EQ(Get(sources, "/readyz").status, 503);
  EXPECT_EQ(Get(sources, "/readyz").body, "[-] second: unavailable: not yet\nnot ready\n");
  EXPECT_EQ(Get(sources, "/readyz", {{"verbose", ""}}).body,
            "[+] first: ok\n[-] second: unavailable: not yet\nnot ready\n");
}

TEST(PagesTest, WhileItWaitsOnlyLivezAnswers) {
  PageSources sources;
  sources.waits_for = [] { return std::string("the log is being read"); };
  for (const char* path : {"/debug/vars", "/metrics", "/readyz"}) {
    EXPECT_EQ(Get(sources, path).status, 503) << path;
    EXPECT_EQ(Get(sources, path).body, "the log is being read\n") << path;
  }
  EXPECT_EQ(Get(sources, "/livez").status, 200);
}

TEST(PagesTest, MetricsOfTheServerComeBeforeThoseOfTheProcessAndTheRegistry) {
  metrics::Registry registry;
  registry.GetCounter("nokv_extra_events_total", "Events.").Add(5);
  PageSources sources;
  sources.registry = &registry;
  sources.metrics = [](metrics::TextWriter& writer) { writer.Gauge("nokv_own_things", "Own.", 1); };
  const std::string body = Get(sources, "/metrics").body;
  const size_t own = body.find("nokv_own_things 1");
  const size_t process = body.find("process_");
  const size_t extra = body.find("nokv_extra_events_total 5");
  EXPECT_LT(own, process);
  EXPECT_LT(process, extra);
  EXPECT_NE(extra, std::string::npos);
}

}  // namespace
}  // namespace nokv::console
