#include "cli/tso_server.h"

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/flag_values.h"
#include "cli/log_sink.h"
#include "cli/text.h"
#include "rpc/http/host_port.h"
#include "rpc/stream/stream.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kMaxBatch = 1'000'000'000;

struct TsoOptions {
  std::string address = "127.0.0.1:9494";
  uint64_t start = 1;
};

// Thread-safe.
class Counter {
 public:
  explicit Counter(uint64_t start) : next_(start) {}

  // The first of `count` numbers; none if so many are not left.
  std::optional<uint64_t> Take(uint64_t count) {
    uint64_t first = next_.load();
    do {
      if (count > UINT64_MAX - first) return std::nullopt;
    } while (!next_.compare_exchange_weak(first, first + count));
    return first;
  }

 private:
  std::atomic<uint64_t> next_;
};

rpc::HttpResponse Timestamps(Counter& counter, const rpc::HttpRequest& request) {
  uint64_t count = 1;
  if (const auto batch = request.query.find("batch");
      batch != request.query.end() && !batch->second.empty()) {
    const auto parsed = ParseNumber(batch->second);
    if (!parsed.has_value() || *parsed == 0 || *parsed > kMaxBatch) {
      return {.status = 400,
              .body = "batch " + Quoted(batch->second) + " is not a number from 1 to " +
                      std::to_string(kMaxBatch) + "\n"};
    }
    count = *parsed;
  }
  const std::optional<uint64_t> first = counter.Take(count);
  if (!first.has_value()) return {.status = 503, .body = "so many timestamps are not left\n"};
  return {.content_type = "application/json",
          .body = R"({"timestamp":)" + std::to_string(*first) + R"(,"count":)" +
                  std::to_string(count) + "}\n"};
}

int Serve(const TsoOptions& options, const Environment& environment) {
  const auto logger = OpenLog({.level = LogLevelOf(environment.verbosity), .file = ""});
  if (!logger.ok()) return Fail(logger.status(), environment.err);
  const auto loop = rpc::stream::NewLoop(**logger);
  loop->OnSignals({SIGTERM, SIGINT}, [&loop](int) { loop->Stop(); });
  const auto server = rpc::HttpServer::Start(options.address, TsoHandlers(options.start));
  if (!server.ok()) return Fail(server.status(), environment.err);
  const std::string address = (*server)->address();
  const auto where = rpc::ParseHostPort(address);
  if (where.ok() && !rpc::IsLoopback(where->host)) {
    (*logger)->Warning("listening on " + address + " without TLS");
  }
  (*logger)->Info("ready: address " + address + ", start " + std::to_string(options.start));
  loop->Run();
  (*server)->Stop();
  return kExitOk;
}

// `title` is `name` with the names before it.
Command ServeCommand(const std::string& name, const std::string& title) {
  return {.name = name,
          .summary = "a plain timestamp service over HTTP, as older versions had it",
          .examples = {{title + " --addr 127.0.0.1:9494 --start 100"},
                       {"curl -s 127.0.0.1:9494/tso", R"({"timestamp":100,"count":1})"},
                       {"curl -s '127.0.0.1:9494/tso?batch=5'", "five of them, from 101 on"}},
          .description =
              "Gives out rising numbers over HTTP: /tso one, /tso?batch=N so many at once, as "
              "JSON; /healthz says that it runs. SIGTERM or Ctrl-C ends it.\n"
              "It keeps nothing on disk: after a restart it begins with --start again, which must "
              "then lie above what it gave out before. A coordinator gives out timestamps that "
              "survive restarts and failures.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<TsoOptions>();
            flags.Address("addr", &options->address, "where clients connect");
            flags.Number("start", "N", &options->start, {1}, "the first timestamp");
            return
                [options](const Environment& environment) { return Serve(*options, environment); };
          }};
}

}  // namespace

rpc::HttpHandlers TsoHandlers(uint64_t start) {
  const auto counter = std::make_shared<Counter>(start);
  return {{"/tso",
           [counter](const rpc::HttpRequest& request) { return Timestamps(*counter, request); }},
          {"/healthz", [](const rpc::HttpRequest&) { return rpc::HttpResponse{.body = "ok\n"}; }}};
}

Command TsoServeCommand() {
  return ServeCommand("serve", "nokv tso serve");
}

Command NokvTsoProgram() {
  return ServeCommand("nokv-tso", "nokv-tso");
}

}  // namespace nokv::cli
