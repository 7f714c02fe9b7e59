#include "console/console.h"

#include <utility>

#include "console/prometheus.h"

namespace nokv::console {

namespace {

Status CheckEngine(const ConsoleSources& sources) {
  const std::string reason = sources.stats().background_error;
  if (reason.empty()) return Status::Ok();
  return Status::FailedPrecondition("the database is read-only: " + reason);
}

PageSources PagesOf(ConsoleSources sources) {
  const auto shared = std::make_shared<const ConsoleSources>(std::move(sources));
  PageSources pages;
  pages.waits_for = [shared] {
    const bool opened = !shared->opened || shared->opened();
    return std::string(opened ? "" : "the database is being opened");
  };
  pages.vars["NoKV.Stats"] = [shared] {
    return StatsToJson(shared->stats(), shared->gateway ? shared->gateway() : GatewayStats());
  };
  pages.metrics = [shared](metrics::TextWriter& writer) {
    const GatewayStats gateway = shared->gateway ? shared->gateway() : GatewayStats();
    WritePrometheus(writer, shared->stats(), shared->gateway ? &gateway : nullptr);
  };
  pages.registry = shared->registry;
  pages.gates = shared->gates;
  pages.gates.insert(pages.gates.begin(), {"engine", [shared] { return CheckEngine(*shared); }});
  pages.build = shared->build;
  pages.command_line = shared->command_line;
  return pages;
}

}  // namespace

rpc::HttpHandlers MakeHandlers(ConsoleSources sources) {
  return MakePages(PagesOf(std::move(sources)));
}

Result<std::unique_ptr<rpc::HttpServer>> StartHttp(const std::string& address,
                                                   ConsoleSources sources) {
  return StartPages(address, PagesOf(std::move(sources)));
}

}  // namespace nokv::console
