// The status pages (console/pages.h) of what serves a database. /debug/vars has "NoKV.Stats", the
// snapshot that `nokv stats --json` prints. While the database is being opened only /livez says
// more than that.
//
// Everything is read through the functions of ConsoleSources at the time of the request; nothing
// here changes state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "console/pages.h"
#include "console/stats_json.h"
#include "metrics/registry.h"
#include "nokv/stats.h"
#include "nokv/status.h"
#include "rpc/http/http.h"

namespace nokv::console {

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
