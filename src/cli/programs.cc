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
                   {"nokv doctor", "check this machine"},
                   {"nokv help E1203", "what an error means and the way out"}},
      .description =
          "nokv looks into databases, and reads and writes their keys. nokv-redis "
          "serves one to Redis clients.",
      .commands = {GetCommand(), PutCommand(), DeleteCommand(), ScanCommand(), StatsCommand(),
                   ManifestCommand(), VlogCommand(), DebugCommand(), CheckpointCommand(),
                   DoctorCommand(), ConfigCommand(),
                   NotYet("execution", "decisions and restart state of a running store"),
                   NotYet("regions", "the local catalog of peers"),
                   NotYet("migrate", "turn a stand-alone directory into a cluster"),
                   NotYet("serve", "run a store"), NotYet("coordinator", "run a coordinator"),
                   NotYet("meta-root", "run a peer of the metadata root"),
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
  return {.name = "nokv-config",
          .summary = "reads and checks the description of a cluster",
          .examples = {{"nokv-config version"}, {"nokv-config help"}},
          .description = "nokv-config reads and checks the description of a cluster.",
          .commands = {NotYet("stores", "the stores of a cluster description"),
                       NotYet("regions", "its regions"),
                       NotYet("coordinator", "its coordinator's address"),
                       NotYet("catalog", "write a region into a store's local catalog")}};
}

}  // namespace nokv::cli
