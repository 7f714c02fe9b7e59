// nokv stats and nokv manifest against fake directories and real HTTP servers.
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "cli/command.h"
#include "cli/nokv_commands.h"
#include "console/console.h"
#include "console/stats_json.h"
#include "console/stats_text.h"

namespace nokv::cli {
namespace {

struct Outcome {
  int code;
  std::string out, err;
};

Inspection Sample() {
  Inspection sample;
  sample.stats.entries = 42;
  sample.manifest.log_segment = 7;
  sample.manifest.levels = {{.level = 0, .file_count = 1, .file_ids = {9}}};
  return sample;
}

Outcome RunNokv(const Args& args, const Result<Inspection>& found = Sample()) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunProgram(NokvProgram(), args,
                              {.out = out, .err = err, .inspect = [&](auto&) { return found; }});
  return {code, out.str(), err.str()};
}

std::unique_ptr<rpc::HttpServer> Serve(const std::string& body, int status = 200) {
  auto server = rpc::HttpServer::Start("127.0.0.1:0",
                                       {{"/debug/vars", [=](const rpc::HttpRequest&) {
                                           return rpc::HttpResponse{.status = status, .body = body};
                                         }}});
  EXPECT_TRUE(server.ok()) << server.status();
  return std::move(server).value();
}

TEST(StatsCommandTest, PrintsTheSnapshotOfADirectory) {
  const std::string json = console::StatsToJson(Sample().stats, {});
  EXPECT_EQ(RunNokv({"stats", "--workdir", "d", "--json"}).out, json + "\n");
  const Outcome text = RunNokv({"stats", "-workdir=d", "--no-region-metrics"});
  EXPECT_EQ(text.code, kExitOk);
  EXPECT_EQ(text.out, *console::StatsText(json));
}

TEST(StatsCommandTest, NeedsADirectoryOrAServer) {
  const Outcome outcome = RunNokv({"stats"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "error: either --workdir or --expvar must be specified\nsee nokv stats --help\n");
}

TEST(StatsCommandTest, ReportsWhyADirectoryCannotBeRead) {
  const Outcome outcome =
      RunNokv({"stats", "--workdir", "d"},
              Status::Corruption("d/MANIFEST: record 3 at offset 96").WithErrorNumber(1301));
  EXPECT_EQ(outcome.code, kExitCorruption);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "error[E1301]: d/MANIFEST: record 3 at offset 96\n  see nokv help E1301\n");
}

TEST(StatsCommandTest, AcceptsEveryFormOfAddress) {
  const std::string snapshot = console::StatsToJson(Sample().stats, {});
  auto server = Serve(console::VarsToJson(Sample().stats, {}, {"server"}));
  const std::string address = server->address();
  for (const std::string& url : {address, "http://" + address, "http://" + address + "/",
                                 address + "/debug/vars", "http://" + address + "/debug/vars"}) {
    const Outcome outcome =
        RunNokv({"stats", "--expvar", url, "--json"}, Status::NotFound("unused"));
    EXPECT_EQ(outcome.code, kExitOk) << url << ": " << outcome.err;
    EXPECT_EQ(outcome.out, snapshot + "\n") << url;
  }
}

TEST(StatsCommandTest, AcceptsABareSnapshotAndKeepsWhatItDoesNotKnow) {
  auto server = Serve(R"({"entries": 3, "future": {"x": 1}})");
  const Outcome json = RunNokv({"stats", "--expvar", server->address(), "--json"});
  EXPECT_EQ(json.out, "{\n  \"entries\": 3,\n  \"future\": {\n    \"x\": 1\n  }\n}\n");
  const Outcome text = RunNokv({"stats", "--expvar", server->address()});
  EXPECT_TRUE(text.out.starts_with("Entries                3\n")) << text.out;
}

TEST(StatsCommandTest, ReadsAConsole) {
  auto server = console::StartHttp("127.0.0.1:0", {.stats = [] { return Sample().stats; },
                                                   .gateway = nullptr,
                                                   .gates = {},
                                                   .command_line = {}});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(RunNokv({"stats", "--expvar", (*server)->address()}).out,
            RunNokv({"stats", "--workdir", "d"}).out);
}

TEST(StatsCommandTest, ReportsWhatAServerAnswersInstead) {
  auto failing = Serve("no", 404);
  const Outcome refused = RunNokv({"stats", "--expvar", failing->address()});
  EXPECT_EQ(refused.code, kExitUnavailable);
  EXPECT_TRUE(refused.err.starts_with("error: expvar request failed: 404\n")) << refused.err;

  auto other = Serve("<html>");
  const Outcome strange = RunNokv({"stats", "--expvar", other->address()});
  EXPECT_EQ(strange.code, kExitFailed);
  EXPECT_NE(strange.err.find(other->address() + "/debug/vars: the answer is not JSON"),
            std::string::npos)
      << strange.err;

  const std::string address = other->address();
  other->Stop();
  EXPECT_EQ(RunNokv({"stats", "--expvar", address}).code, kExitUnavailable);
  EXPECT_EQ(RunNokv({"stats", "--expvar", "https://localhost:1"}).code, kExitFailed);
}

TEST(ManifestCommandTest, PrintsTheManifest) {
  EXPECT_EQ(RunNokv({"manifest", "--workdir", "d"}).out, console::ManifestText(Sample().manifest));
  EXPECT_EQ(RunNokv({"manifest", "--workdir", "d", "--json"}).out,
            console::ManifestToJson(Sample().manifest) + "\n");
}

TEST(VlogCommandTest, PrintsFilesWithTheirBytesAndWhyTheyStay) {
  Inspection sample = Sample();
  sample.values.active_segment = 9;
  sample.values.active_offset = 4096;
  sample.values.files = {{.name = "00007.wal",
                          .number = 7,
                          .segment = true,
                          .bucket = std::nullopt,
                          .old = false,
                          .file_bytes = 100,
                          .live_bytes = 60,
                          .dead_bytes = 40,
                          .tables = 2,
                          .kept_for = {"values"}},
                         {.name = "00003.vlog",
                          .number = 3,
                          .segment = false,
                          .bucket = 2,
                          .old = true,
                          .file_bytes = 50,
                          .live_bytes = 0,
                          .dead_bytes = 50,
                          .tables = 0,
                          .kept_for = {}}};
  EXPECT_EQ(RunNokv({"vlog", "--workdir", "d"}, sample).out,
            "Active FID : 9\n"
            "Head       : fid=9 offset=4096\n"
            "Segments   :\n"
            "  - 00007.wal size=100 live=60 dead=40 tables=2 kept for values\n"
            "  - 00003.vlog size=50 live=0 dead=50 tables=0 bucket=2 old kept for nothing\n");
  const std::string json = RunNokv({"vlog", "--workdir", "d", "--json"}, sample).out;
  EXPECT_EQ(json, console::ValueFilesToJson(sample.values) + "\n");
  EXPECT_NE(json.find("\"live_bytes\": 60"), std::string::npos) << json;
  EXPECT_NE(json.find("\"kind\": \"values\""), std::string::npos) << json;
  EXPECT_EQ(RunNokv({"vlog"}).code, kExitUsage);
  const Outcome missing = RunNokv({"vlog", "--workdir", "d"}, Status::NotFound("no database in d"));
  EXPECT_EQ(missing.code, kExitNotFound);
}

TEST(ManifestCommandTest, NeedsADirectory) {
  const Outcome outcome = RunNokv({"manifest"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "error: --workdir is required\n"
            "see nokv manifest --help, for example: nokv manifest --workdir ./data\n");
}

TEST(ManifestCommandTest, SaysThatThereIsNoManifest) {
  for (const Status& why :
       {Status::NotFound("d: no database"), Status::Corruption("d").WithErrorNumber(1102)}) {
    const Outcome outcome = RunNokv({"manifest", "--workdir", "d"}, why);
    EXPECT_EQ(outcome.code, kExitNotFound);
    EXPECT_NE(outcome.err.find("manifest not found in d\n"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(RunNokv({"manifest", "--workdir", "d"}, Status::Unavailable("x")).code,
            kExitUnavailable);
}

}  // namespace
}  // namespace nokv::cli
