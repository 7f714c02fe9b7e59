#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/doctor.h"
#include "cli/nokv_commands.h"
#include "cli/redis_flags.h"

namespace nokv::cli {

namespace {

Command NotYet(std::string name, std::string summary) {
  return {.name = std::move(name), .summary = std::move(summary)};
}

}  // namespace

Command NokvProgram() {
  Command program = {
      .name = "nokv",
      .summary = "inspects databases",
      .examples = {{"nokv stats --workdir ./data", "what a database is doing"},
                   {"nokv stats --expvar 127.0.0.1:9100", "the same, from a running server"},
                   {"nokv manifest --workdir ./data", "its tables, level by level"},
                   {"nokv put greeting hello --workdir ./mydb", "write a key"},
                   {"nokv get greeting --workdir ./mydb", "read it"},
                   {"nokv scan --workdir ./mydb", "all keys"},
                   {"nokv status", "is the cluster well, and what may fail"},
                   {"nokv doctor", "check this machine"},
                   {"nokv help E1203", "what an error means and the way out"}},
      .description =
          "nokv looks into databases, and reads and writes their keys. nokv-redis "
          "serves one to Redis clients.",
      .commands = {GetCommand(),
                   PutCommand(),
                   DeleteCommand(),
                   ScanCommand(),
                   StatsCommand(),
                   ManifestCommand(),
                   VlogCommand(),
                   DebugCommand(),
                   CheckpointCommand(),
                   DoctorCommand(),
                   ConfigCommand(),
                   RegionsCommand(),
                   StatusCommand(),
                   MetaRootCommand(),
                   RootCommand(),
                   CoordinatorCommand(),
                   TsoCommand(),
                   NotYet("execution", "decisions and restart state of a running store"),
                   NotYet("migrate", "turn a stand-alone directory into a cluster"),
                   NotYet("serve", "run a store"),
                   NotYet("ccc-audit", "check the control plane's history")},
      .settings = KnownSettings};
  const std::map<std::string, std::vector<std::string>> also = {
      {"get", {"read", "cat"}},
      {"put", {"set", "write"}},
      {"delete", {"del", "rm", "remove", "unset"}},
      {"scan", {"keys", "list", "ls", "dump"}},
      {"stats", {"info"}},
      {"checkpoint", {"snapshot", "backup"}},
      {"doctor", {"diagnose"}},
      {"config", {"settings"}}};
  for (Command& command : program.commands) {
    if (also.contains(command.name)) command.also = also.at(command.name);
    // That about settings works also when they are damaged.
    if (command.define && command.name != "config") command.settings = KnownSettings;
  }
  return program;
}

SettingsSchema KnownSettings() {
  SettingsSchema schema;
  // First, because what a setting is to the server says most about it.
  schema.Add([](FlagSet& flags) -> Action {
    auto target = std::make_shared<RedisFlags>();
    Define(flags, target.get());
    return [target](const Environment&) { return kExitOk; };
  });
  for (const Command& command : NokvProgram().commands) {
    if (command.settings) schema.Add(command.define);
  }
  schema.Add([](FlagSet& flags) -> Action {
    auto target = std::make_shared<CommonFlags>();
    DefineCommonFlags(flags, target.get(), {.name = ""}, false);
    return [target](const Environment&) { return kExitOk; };
  });
  return schema;
}

Command NokvConfigProgram() {
  Command program = {
      .name = "nokv-config",
      .summary = "reads and checks the description of a cluster",
      .examples = {{"nokv-config validate --config raft_config.json", "all mistakes at once"},
                   {"nokv-config stores --config raft_config.json"},
                   {"nokv-config regions --config raft_config.json"}},
      .description =
          "nokv-config reads and checks raft_config.json, the description of a cluster: its "
          "stores, the regions that it begins with, and where its coordinator is. Scripts read "
          "what it prints.",
      .commands = ClusterConfigCommands()};
  program.commands.push_back(CatalogCommand());
  program.commands.push_back(OldCatalogCommand());
  return program;
}

}  // namespace nokv::cli
