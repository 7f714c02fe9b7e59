// nokv regions: what the local catalog of a store's directory says.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "cli/bytes.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "raftstore/localmeta/catalog.h"

namespace nokv::cli {

namespace {

using Json = nlohmann::ordered_json;

struct RegionsOptions {
  std::string workdir;
  OutputOptions output;
};

Json KeyJson(const std::string& key) {
  const JsonBytes bytes = BytesForJson(key);
  return {{bytes.notation, bytes.text}};
}

std::string CatalogJson(const raftstore::Catalog& catalog) {
  Json regions = Json::array();
  for (const auto& [id, replica] : catalog) {
    Json peers = Json::array();
    for (const topology::Peer& peer : replica.region.peers) {
      peers.push_back({{"store_id", peer.store}, {"peer_id", peer.peer}});
    }
    regions.push_back({{"id", id},
                       {"state", raftstore::NameOf(replica.state)},
                       {"start_key", KeyJson(replica.region.range.start)},
                       {"end_key", KeyJson(replica.region.range.end)},
                       {"epoch",
                        {{"version", replica.region.epoch.version},
                         {"conf_version", replica.region.epoch.conf_version}}},
                       {"peers", peers}});
  }
  return Json{{"regions", regions}}.dump(2);
}

std::string CatalogText(const raftstore::Catalog& catalog) {
  if (catalog.empty()) return "Regions: (none)\n";
  std::string text = "Regions:\n";
  for (const auto& [id, replica] : catalog) {
    const topology::Region& region = replica.region;
    std::string peers;
    for (const topology::Peer& peer : region.peers) {
      peers += (peers.empty() ? "{store:" : " {store:") + std::to_string(peer.store) +
               " peer:" + std::to_string(peer.peer) + "}";
    }
    text += "  - id=" + std::to_string(id) + " state=" + std::string(NameOf(replica.state)) +
            " epoch={ver:" + std::to_string(region.epoch.version) +
            " conf:" + std::to_string(region.epoch.conf_version) + "} range=[\"" +
            base::EscapeBytes(region.range.start) + "\",\"" + base::EscapeBytes(region.range.end) +
            "\") peers=[" + peers + "]\n";
  }
  return text;
}

int ShowRegions(const RegionsOptions& options, const Environment& environment) {
  const Result<bool> exists = environment.fs.Exists(options.workdir);
  if (!exists.ok() || !*exists) {
    return Fail(
        exists.ok() ? Status::NotFound(options.workdir + ": no such directory") : exists.status(),
        environment.err);
  }
  const auto catalog = raftstore::ReadCatalog(environment.fs, options.workdir);
  if (!catalog.ok()) return Fail(catalog.status(), environment.err);
  PrintDocument(environment.out, options.output, CatalogJson(*catalog), CatalogText(*catalog));
  return kExitOk;
}

}  // namespace

Command RegionsCommand() {
  return {.name = "regions",
          .summary = "the regions that a store's directory hosts",
          .examples = {{"nokv regions --workdir ./data"}, {"nokv regions --workdir ./data --json"}},
          .description =
              "Shows the local catalog of a directory: which regions it hosts, with state, epoch, "
              "range and peers, as the store's restart will find them. Changes nothing; works "
              "beside a running store. nokv-config catalog writes it for a new store.",
          .define = [](FlagSet& flags) -> Action {
            auto options = std::make_shared<RegionsOptions>();
            flags.Workdir(&options->workdir, "the store's directory").Required();
            DefineOutput(flags, &options->output, DocumentColumns());
            DefineSort(flags, &options->output, DocumentColumns());
            return [options](const Environment& environment) {
              return ShowRegions(*options, environment);
            };
          }};
}

}  // namespace nokv::cli
