#include "console/console.h"

#include <utility>

#include "console/prometheus.h"
#include "metrics/text_writer.h"

namespace nokv::console {

namespace {

using rpc::HttpRequest;
using rpc::HttpResponse;

constexpr const char* kJsonType = "application/json; charset=utf-8";

HttpResponse Vars(const ConsoleSources& sources) {
  const GatewayStats gateway = sources.gateway ? sources.gateway() : GatewayStats();
  return {.content_type = kJsonType,
          .body = VarsToJson(sources.stats(), gateway, sources.command_line) + "\n"};
}

HttpResponse Metrics(const ConsoleSources& sources) {
  metrics::TextWriter writer;
  const GatewayStats gateway = sources.gateway ? sources.gateway() : GatewayStats();
  WritePrometheus(writer, sources.stats(), sources.gateway ? &gateway : nullptr);
  WriteProcess(writer, sources.build);
  if (sources.registry != nullptr) sources.registry->Write(writer);
  return {.content_type = std::string(metrics::kTextContentType), .body = writer.text()};
}

Status CheckEngine(const ConsoleSources& sources) {
  const std::string reason = sources.stats().background_error;
  if (reason.empty()) return Status::Ok();
  return Status::FailedPrecondition("the database is read-only: " + reason);
}

HttpResponse Ready(const ConsoleSources& sources, bool verbose) {
  HttpResponse answer;
  std::string failed;
  std::string all;
  const auto report = [&](const std::string& name, const Status& status) {
    const std::string line =
        (status.ok() ? "[+] " + name + ": ok" : "[-] " + name + ": " + status.ToString()) + "\n";
    all += line;
    if (!status.ok()) failed += line;
  };
  report("engine", CheckEngine(sources));
  for (const ReadinessGate& gate : sources.gates) report(gate.name, gate.check());
  answer.status = failed.empty() ? 200 : 503;
  answer.body = (verbose ? all : failed) + (failed.empty() ? "ready\n" : "not ready\n");
  return answer;
}

}  // namespace

rpc::HttpHandlers MakeHandlers(ConsoleSources sources) {
  const auto shared = std::make_shared<const ConsoleSources>(std::move(sources));
  const auto once_opened = [shared](auto page) {
    return [shared, page](const HttpRequest& request) {
      if (shared->opened && !shared->opened()) {
        return HttpResponse{.status = 503, .body = "the database is being opened\n"};
      }
      return page(*shared, request);
    };
  };
  return {
      {"/debug/vars",
       once_opened([](const ConsoleSources& from, const HttpRequest&) { return Vars(from); })},
      {"/metrics",
       once_opened([](const ConsoleSources& from, const HttpRequest&) { return Metrics(from); })},
      {"/livez", [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; }},
      {"/readyz", once_opened([](const ConsoleSources& from, const HttpRequest& request) {
         return Ready(from, request.query.contains("verbose"));
       })},
  };
}

Result<std::unique_ptr<rpc::HttpServer>> StartHttp(const std::string& address,
                                                   ConsoleSources sources) {
  return rpc::HttpServer::Start(address, MakeHandlers(std::move(sources)));
}

}  // namespace nokv::console
