// The commands of `nokv` and `nokv-config`, one file each.
//
// Thread safety: pure functions, but for what the environment gives them.
#pragma once

#include <vector>

#include "cli/command.h"
#include "cli/settings.h"

namespace nokv::cli {

// `nokv stats --workdir DIR | --expvar URL [--json] [--no-region-metrics]`
Command StatsCommand();
// `nokv manifest --workdir DIR [--json]`
Command ManifestCommand();

// `nokv vlog --workdir DIR [--json]`
Command VlogCommand();

// `nokv debug verify|wal|sst|manifest|vlog --workdir DIR [--json]`
Command DebugCommand();

// `nokv checkpoint --workdir DIR --to DIR`
Command CheckpointCommand();

// `nokv get KEY`, `put KEY VALUE`, `delete KEY` and `scan`, each with --workdir DIR and
// [--redis-db N].
Command GetCommand();
Command PutCommand();
Command DeleteCommand();
Command ScanCommand();

// `nokv status [--coordinator-addr ADDRS | --config FILE] [--json]`
Command StatusCommand();
// `nokv coordinator --coordinator-id ID --root-peer ID=ADDR …`, and `nokv coordinator stores` and
// others that ask one
Command CoordinatorCommand();

// `nokv config check [FILE]` and `nokv config explain [SETTING]`
Command ConfigCommand();

// `nokv regions --workdir DIR [--json]`
Command RegionsCommand();

// `nokv-config stores|regions|coordinator|validate|tso [--config FILE] [--format simple|json]`
std::vector<Command> ClusterConfigCommands();
// `nokv-config catalog --workdir DIR --region-id N …`, and under its older name `manifest`
Command CatalogCommand();
Command OldCatalogCommand();

// `nokv meta-root --workdir DIR --node-id N --transport-addr ADDR --peer ID=ADDR …`
Command MetaRootCommand();
// `nokv root status|events [--root-peer ID=ADDR …]`
Command RootCommand();

// `nokv tso serve [--addr ADDR] [--start N]`
Command TsoCommand();

// The settings of nokv and nokv-redis.
SettingsSchema KnownSettings();

// The whole programs.
Command NokvProgram();
Command NokvConfigProgram();

}  // namespace nokv::cli
