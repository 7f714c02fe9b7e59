// The status pages of a server: what a person, a probe or Prometheus asks over HTTP.
//
//   /debug/vars   JSON: "cmdline" and "NoKV.Stats", the snapshot that `nokv stats --json` prints
//   /metrics      Prometheus text
//   /livez        200 as long as the process answers
//   /readyz       200 if it can serve, else 503 with the reasons; ?verbose lists every gate
//
// While the database is being opened only /livez says more than that.
//
// Everything is read through the functions of ConsoleSources at the time of the request; nothing
// here changes state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "console/stats_json.h"
#include "metrics/registry.h"
#include "nokv/stats.h"
#include "nokv/status.h"
#include "rpc/http/http.h"

namespace nokv::console {

// One condition for serving.
struct ReadinessGate {
  std::string name;
  // OK, or why not. Called on the HTTP server's threads; must not block.
  std::function<Status()> check;
};

struct ConsoleSources {
  // False while what the other functions read is not there: until then every page but /livez
  // answers 503, and none of them is called. May be empty: it is there.
  std::function<bool()> opened = {};
  // Called on the HTTP server's threads, several at a time.
  std::function<nokv::Stats()> stats;
  // May be empty: all zero.
  std::function<GatewayStats()> gateway;
  // Rendered behind the metrics made from the statistics. Borrowed until the server is destroyed;
  // may be null.
  const metrics::Registry* registry = nullptr;
  // Checked beside the built-in gate "engine", which fails after a background error.
  std::vector<ReadinessGate> gates;
  BuildInfo build = {};
  // The program and its arguments, for "cmdline". Leave out what is secret.
  std::vector<std::string> command_line;
};

// Serves the pages on `address`; errors and address forms as HttpServer::Start. What the sources
// refer to must outlive the server.
Result<std::unique_ptr<rpc::HttpServer>> StartHttp(const std::string& address,
                                                   ConsoleSources sources);

// The pages without a socket, for tests and for servers that have an HTTP server already.
rpc::HttpHandlers MakeHandlers(ConsoleSources sources);

}  // namespace nokv::console
