// The status pages of any server of the family: what a person, a probe or Prometheus asks over
// HTTP.
//
//   /debug/vars   JSON: "cmdline" and the documents of the server
//   /metrics      Prometheus text
//   /livez        200 as long as the process answers
//   /readyz       200 if it can serve, else 503 with the reasons; ?verbose lists every gate
//
// Everything is read through the functions of PageSources at the time of the request; nothing here
// changes state. They are called on the HTTP server's threads, several at a time, and must not
// block.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "console/stats_json.h"
#include "metrics/registry.h"
#include "metrics/text_writer.h"
#include "nokv/status.h"
#include "rpc/http/http.h"

namespace nokv::console {

// One condition for serving.
struct ReadinessGate {
  std::string name;
  // OK, or why not.
  std::function<Status()> check;
};

struct PageSources {
  // Empty, or what the server waits for: until then every page but /livez answers 503 with it, and
  // no other function is called. May be empty: there is nothing to wait for.
  std::function<std::string()> waits_for = {};
  // The documents of /debug/vars, by name, each as JSON.
  std::map<std::string, std::function<std::string()>> vars = {};
  // Metrics beside those of the registry and of the process; may be empty.
  std::function<void(metrics::TextWriter& writer)> metrics = {};
  // Borrowed until the server is destroyed; may be null.
  const metrics::Registry* registry = nullptr;
  std::vector<ReadinessGate> gates = {};
  BuildInfo build = {};
  // The program and its arguments, for "cmdline". Leave out what is secret.
  std::vector<std::string> command_line = {};
};

// Serves the pages on `address`; errors and address forms as HttpServer::Start. What the sources
// refer to must outlive the server.
Result<std::unique_ptr<rpc::HttpServer>> StartPages(const std::string& address,
                                                    PageSources sources);

// The pages without a socket, for tests and for servers that have an HTTP server already.
rpc::HttpHandlers MakePages(PageSources sources);

}  // namespace nokv::console
