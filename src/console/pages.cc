#include "console/pages.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "console/prometheus.h"

namespace nokv::console {

namespace {

using rpc::HttpRequest;
using rpc::HttpResponse;

constexpr const char* kJsonType = "application/json; charset=utf-8";

HttpResponse Vars(const PageSources& sources) {
  nlohmann::ordered_json document;
  for (const auto& [name, text] : sources.vars) {
    document[name] = nlohmann::ordered_json::parse(text(), nullptr, /*allow_exceptions=*/false);
  }
  document["cmdline"] = sources.command_line;
  return {.content_type = kJsonType,
          .body = document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

HttpResponse Metrics(const PageSources& sources) {
  metrics::TextWriter writer;
  if (sources.metrics) sources.metrics(writer);
  WriteProcess(writer, sources.build);
  if (sources.registry != nullptr) sources.registry->Write(writer);
  return {.content_type = std::string(metrics::kTextContentType), .body = writer.text()};
}

HttpResponse Ready(const PageSources& sources, bool verbose) {
  HttpResponse answer;
  std::string failed;
  std::string all;
  for (const ReadinessGate& gate : sources.gates) {
    const Status status = gate.check();
    const std::string line = (status.ok() ? "[+] " + gate.name + ": ok"
                                          : "[-] " + gate.name + ": " + status.ToString()) +
                             "\n";
    all += line;
    if (!status.ok()) failed += line;
  }
  answer.status = failed.empty() ? 200 : 503;
  answer.body = (verbose ? all : failed) + (failed.empty() ? "ready\n" : "not ready\n");
  return answer;
}

}  // namespace

rpc::HttpHandlers MakePages(PageSources sources) {
  const auto shared = std::make_shared<const PageSources>(std::move(sources));
  const auto once_there = [shared](auto page) {
    return [shared, page](const HttpRequest& request) {
      const std::string waits_for = shared->waits_for ? shared->waits_for() : std::string();
      if (!waits_for.empty()) return HttpResponse{.status = 503, .body = waits_for + "\n"};
      return page(*shared, request);
    };
  };
  return {
      {"/debug/vars",
       once_there([](const PageSources& from, const HttpRequest&) { return Vars(from); })},
      {"/metrics",
       once_there([](const PageSources& from, const HttpRequest&) { return Metrics(from); })},
      {"/livez", [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; }},
      {"/readyz", once_there([](const PageSources& from, const HttpRequest& request) {
         return Ready(from, request.query.contains("verbose"));
       })},
  };
}

Result<std::unique_ptr<rpc::HttpServer>> StartPages(const std::string& address,
                                                    PageSources sources) {
  return rpc::HttpServer::Start(address, MakePages(std::move(sources)));
}

}  // namespace nokv::console
