#include <memory>
#include <string>

#include "base/macros.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/watch.h"
#include "console/stats_json.h"
#include "console/stats_text.h"
#include "rpc/http/http.h"

namespace nokv::cli {

namespace {

constexpr Range kTimeoutMs = {1, 3'600'000};
constexpr std::string_view kVarsPath = "/debug/vars";

struct StatsOptions {
  std::string workdir;
  std::string expvar;
  uint64_t timeout_ms = 10'000;
  OutputOptions output;
  WatchOptions watch;
  // Regions are counted from local metadata, which stand-alone directories do not have.
  bool no_region_metrics = false;
};

// "127.0.0.1:9100", "http://127.0.0.1:9100/" and another page of the same server become
// "http://127.0.0.1:9100/debug/vars".
std::string CompleteUrl(std::string url) {
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  if (url.find(kVarsPath) != std::string::npos) return url;
  while (url.ends_with('/')) url.pop_back();
  for (const std::string_view page : {"/metrics", "/livez", "/readyz"}) {
    if (url.ends_with(page)) url.resize(url.size() - page.size());
  }
  return url.append(kVarsPath);
}

Result<std::string> FetchSnapshot(const std::string& url, uint64_t timeout_ms) {
  const Result<rpc::HttpResponse> got = rpc::HttpGet(url, timeout_ms);
  if (got.status().code() == StatusCode::kUnavailable) {
    return got.status().WithHint(
        "check that the server runs and was started with --metrics-addr; without it, or for a "
        "stopped one: nokv stats --workdir DIR");
  }
  ASSIGN_OR_RETURN(const rpc::HttpResponse answer, got);
  if (answer.status != 200) {
    return Status::Unavailable("expvar request failed: " + std::to_string(answer.status))
        .WithHint("check that " + url + " is the --metrics-addr of a server");
  }
  auto snapshot = console::ExtractSnapshot(answer.body);
  if (!snapshot.ok()) return snapshot.status().Prefixed(url);
  return snapshot;
}

int ShowStats(const StatsOptions& options, const Environment& environment,
              const OutputOptions& output, std::ostream& out) {
  std::string snapshot;
  if (!options.expvar.empty()) {
    auto fetched = FetchSnapshot(CompleteUrl(options.expvar), options.timeout_ms);
    if (!fetched.ok()) return Fail(fetched.status(), environment.err);
    snapshot = std::move(fetched).value();
  } else {
    auto inspection = environment.inspect(options.workdir);
    if (!inspection.ok()) return Fail(inspection.status(), environment.err);
    snapshot = console::StatsToJson(inspection->stats, {});
  }
  // Only the table has to understand what a server of another version may have sent.
  const auto text = output.Is("table") ? console::StatsText(snapshot) : std::string();
  if (!text.ok()) return Fail(text.status(), environment.err);
  PrintDocument(out, output, snapshot, *text);
  return kExitOk;
}

}  // namespace

Command StatsCommand() {
  return {.name = "stats",
          .summary = "what a database is doing, from its directory or its server",
          .examples = {{"nokv stats --workdir ./data"},
                       {"nokv stats --expvar 127.0.0.1:9100"},
                       {"nokv stats --expvar 127.0.0.1:9100 --watch=5s", "until Ctrl-C"},
                       {"nokv stats --workdir ./data -o csv | grep ^wal"}},
          .description =
              "Shows what a database is doing: from its directory, which is read "
              "without changing a byte also while a server has it open, or from a "
              "running server. docs/cli.md lists the fields.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<StatsOptions>();
            flags.Workdir(&options->workdir).ForUrls("--expvar looks into a server");
            flags
                .Text("expvar", "URL", &options->expvar,
                      "a server's --metrics-addr: host:port, http://host:port, or the full address "
                      "of its /debug/vars; wins over --workdir")
                .Env();
            flags.Duration("timeout", &options->timeout_ms, kTimeoutMs,
                           "how long a server may take to answer");
            DefineOutput(flags, &options->output, DocumentColumns());
            DefineSort(flags, &options->output, DocumentColumns());
            DefineWatch(flags, &options->watch);
            flags.Switch("no-region-metrics", &options->no_region_metrics,
                         "do not count regions; their counts stay zero");
            flags.Check([given = options.get()] {
              if (given->expvar.starts_with('/') || given->expvar.starts_with('.')) {
                return Status::InvalidArgument("--expvar " + Quoted(given->expvar) +
                                               " is a path, not an address")
                    .WithHint("--workdir looks into a directory");
              }
              return given->workdir.empty() && given->expvar.empty()
                         ? Status::InvalidArgument("either --workdir or --expvar must be specified")
                         : Status::Ok();
            });
            return [options](const Environment& environment) {
              return Watch(options->watch, options->output, environment,
                           [&](const OutputOptions& output, std::ostream& out) {
                             return ShowStats(*options, environment, output, out);
                           });
            };
          }};
}

}  // namespace nokv::cli
