// nokv-config stores, regions, coordinator, tso and validate: what raft_config.json says.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/nokv_commands.h"
#include "config/cluster_config.h"

namespace nokv::cli {

namespace {

using Json = nlohmann::ordered_json;

struct ConfigFileOptions {
  std::string file = "./raft_config.example.json";
  std::string format = "simple";
  std::string scope = "host";
  std::string field = "addr";

  config::Scope Scope() const { return config::ParseScope(scope).value_or(config::Scope::kHost); }
};

using Show = int (*)(const config::ClusterConfig& config, const ConfigFileOptions& options,
                     const Environment& environment);

void DefineFile(FlagSet& flags, ConfigFileOptions* options) {
  flags.Path("config", "FILE", &options->file, "the description of the cluster");
}

void DefineFormat(FlagSet& flags, ConfigFileOptions* options) {
  flags.Choice("format", &options->format, {"simple", "json"},
               "one line for each, or a JSON document");
}

void DefineScope(FlagSet& flags, ConfigFileOptions* options) {
  flags.Choice("scope", &options->scope, {"host", "docker", "local"},
               "addresses of this machine, or inside containers; local is another name for host");
}

Action Reading(const std::shared_ptr<ConfigFileOptions>& options, Show show) {
  return [options, show](const Environment& environment) {
    const auto config = config::LoadFile(environment.fs, options->file);
    if (!config.ok()) return Fail(config.status(), environment.err);
    return show(*config, *options, environment);
  };
}

// Fields of a line are never empty.
std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string PeersText(const topology::Region& region) {
  std::string text;
  for (const topology::Peer& peer : region.peers) {
    text +=
        (text.empty() ? "" : ",") + std::to_string(peer.store) + ":" + std::to_string(peer.peer);
  }
  return OrDash(text);
}

int ShowStores(const config::ClusterConfig& config, const ConfigFileOptions& options,
               const Environment& environment) {
  using config::Scope;
  Json list = Json::array();
  for (const config::StoreConfig& store : config.stores) {
    const std::vector<std::pair<const char*, std::string>> fields = {
        {"listen_addr", ListenAddrOf(store, Scope::kHost)},
        {"addr", AddrOf(store, Scope::kHost)},
        {"docker_listen_addr", ListenAddrOf(store, Scope::kDocker)},
        {"docker_addr", AddrOf(store, Scope::kDocker)},
        {"work_dir", WorkDirOf(config, store, Scope::kHost)},
        {"docker_work_dir", WorkDirOf(config, store, Scope::kDocker)}};
    Json object = {{"store_id", store.id}};
    std::string line = std::to_string(store.id);
    for (const auto& [name, value] : fields) {
      object[name] = value;
      line += " " + OrDash(value);
    }
    list.push_back(object);
    if (options.format == "simple") environment.out << line << "\n";
  }
  if (options.format == "json") environment.out << list.dump(2) << "\n";
  return kExitOk;
}

int ShowRegions(const config::ClusterConfig& config, const ConfigFileOptions& options,
                const Environment& environment) {
  Json list = Json::array();
  for (const config::RegionConfig& each : config.regions) {
    const topology::Region& region = each.region;
    const std::string start = config::FormatKey(region.range.start);
    const std::string end = config::FormatKey(region.range.end);
    Json peers = Json::array();
    for (const topology::Peer& peer : region.peers) {
      peers.push_back({{"store_id", peer.store}, {"peer_id", peer.peer}});
    }
    list.push_back(
        {{"id", region.id},
         {"start_key", start},
         {"end_key", end},
         {"epoch",
          {{"version", region.epoch.version}, {"conf_version", region.epoch.conf_version}}},
         {"peers", peers},
         {"leader_store_id", each.leader_store}});
    if (options.format != "simple") continue;
    environment.out << region.id << " " << OrDash(start) << " " << OrDash(end) << " "
                    << region.epoch.version << " " << region.epoch.conf_version << " "
                    << PeersText(region) << " " << each.leader_store << "\n";
  }
  if (options.format == "json") environment.out << list.dump(2) << "\n";
  return kExitOk;
}

int ShowCoordinator(const config::ClusterConfig& config, const ConfigFileOptions& options,
                    const Environment& environment) {
  const auto coordinator = config.coordinator.value_or(config::CoordinatorConfig());
  const std::string addr = AddrOf(coordinator, options.Scope());
  const std::string work_dir = WorkDirOf(coordinator, options.Scope());
  const std::string& value = options.field == "addr" ? addr : work_dir;
  if (value.empty()) {
    return Fail(Status::NotFound(options.file + ": the coordinator has no " + options.field +
                                 " for scope " + options.scope)
                    .WithHint(options.field == "addr"
                                  ? "give it one: \"coordinator\": {\"addr\": \"127.0.0.1:2379\"}"
                                  : "coordinators keep nothing on disk and need none"),
                environment.err);
  }
  if (options.format == "json") {
    environment.out << Json{{"addr", addr}, {"work_dir", work_dir}}.dump(2) << "\n";
  } else {
    environment.out << value << "\n";
  }
  return kExitOk;
}

int ShowTso(const config::ClusterConfig& config, const ConfigFileOptions& options,
            const Environment& environment) {
  if (environment.verbosity != Verbosity::kQuiet) {
    environment.err << "note: coordinators give out timestamps now; nokv-config coordinator shows "
                       "where they are\n";
  }
  if (!config.tso.has_value()) return ShowCoordinator(config, options, environment);
  if (options.format == "json") {
    environment.out << Json{{"listen_addr", config.tso->listen_addr},
                            {"advertise_url", config.tso->advertise_url}}
                           .dump(2)
                    << "\n";
  } else {
    environment.out << OrDash(config.tso->listen_addr) << " " << OrDash(config.tso->advertise_url)
                    << "\n";
  }
  return kExitOk;
}

int ShowVerdict(const config::ClusterConfig& config, const ConfigFileOptions& options,
                const Environment& environment) {
  if (options.format == "json") {
    environment.out << Json{{"valid", true},
                            {"stores", config.stores.size()},
                            {"regions", config.regions.size()}}
                           .dump(2)
                    << "\n";
  } else {
    environment.out << options.file << ": no mistakes; " << config.stores.size() << " stores, "
                    << config.regions.size() << " regions\n";
  }
  return kExitOk;
}

Command ReadingCommand(const std::string& name, const std::string& summary,
                       const std::string& description, Show show,
                       const std::vector<std::string>& more_examples = {}) {
  Command command = {.name = name,
                     .summary = summary,
                     .examples = {{"nokv-config " + name + " --config raft_config.json"}},
                     .description = description,
                     .define = [show](FlagSet& flags) -> Action {
                       auto options = std::make_shared<ConfigFileOptions>();
                       DefineFile(flags, options.get());
                       DefineFormat(flags, options.get());
                       return Reading(options, show);
                     }};
  for (const std::string& line : more_examples) command.examples.push_back({line});
  return command;
}

// As ReadingCommand, with what chooses one address.
std::function<Action(FlagSet&)> DefineAddress(Show show) {
  return [show](FlagSet& flags) -> Action {
    auto options = std::make_shared<ConfigFileOptions>();
    DefineFile(flags, options.get());
    DefineFormat(flags, options.get());
    DefineScope(flags, options.get());
    flags.Choice("field", &options->field, {"addr", "workdir"}, "what is shown");
    return Reading(options, show);
  };
}

}  // namespace

std::vector<Command> ClusterConfigCommands() {
  std::vector<Command> commands = {
      ReadingCommand("stores", "the stores of a cluster description",
                     "Prints a line for each store: id, listen address, address, both for "
                     "containers, folder, folder in containers. What is not given comes from where "
                     "it falls back to, or is a dash.",
                     ShowStores, {"nokv-config stores --config raft_config.json --format json"}),
      ReadingCommand("regions", "its regions",
                     "Prints a line for each region: id, start, end, version and conf_version of "
                     "the epoch, peers as store:peer with commas between, the store of the leader. "
                     "An empty key is a dash; one that is not plain text comes as hex:.",
                     ShowRegions),
      ReadingCommand("coordinator", "its coordinator's address",
                     "Prints where the coordinator is: for this machine, or with --scope docker "
                     "inside containers.",
                     ShowCoordinator,
                     {"nokv-config coordinator --config raft_config.json --scope docker"}),
      ReadingCommand("validate", "all mistakes in a cluster description",
                     "Checks a description: every mistake with line and column, and exit code 1 if "
                     "there is any. Ranges must cover all keys once, ids and addresses be unique, "
                     "peers be on stores that there are.",
                     ShowVerdict),
      ReadingCommand("tso", "where timestamps come from (an older name)",
                     "Prints the tso section of older descriptions, or the coordinator's address, "
                     "which is where timestamps come from now.",
                     ShowTso)};
  for (Command& command : commands) {
    if (command.name == "coordinator") command.define = DefineAddress(ShowCoordinator);
    if (command.name == "tso") command.define = DefineAddress(ShowTso);
  }
  return commands;
}

}  // namespace nokv::cli
