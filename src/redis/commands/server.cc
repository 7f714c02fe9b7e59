// Commands about the server: INFO, CONFIG, TIME, ROLE.
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/glob.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

std::string_view SyncName(SyncPolicy policy) {
  switch (policy) {
    case SyncPolicy::kAlways:
      return "always";
    case SyncPolicy::kEverySec:
      return "everysec";
    case SyncPolicy::kNo:
      return "no";
  }
  return "";
}

// --- INFO ---

void Line(std::string* out, std::string_view name, std::string_view value) {
  out->append(name).append(":").append(value).append("\r\n");
}

void Line(std::string* out, std::string_view name, uint64_t value) {
  Line(out, name, std::to_string(value));
}

uint64_t UptimeSeconds(Context& context) {
  const uint64_t now_ms = context.services.clock().WallMillis();
  const uint64_t start_ms = context.services.start_ms();
  return now_ms > start_ms ? (now_ms - start_ms) / 1000 : 0;
}

Status InfoServer(Context& context, std::string* out) {
  const Config& config = context.services.config();
  const uint64_t uptime = UptimeSeconds(context);
  Line(out, "redis_version", config.version);
  Line(out, "nokv_version", config.product_version);
  Line(out, "redis_mode", "standalone");
  Line(out, "arch_bits", 64);
  Line(out, "multiplexing_api", "epoll");
  Line(out, "tcp_port", config.address.substr(config.address.rfind(':') + 1));
  Line(out, "server_time_usec", context.services.clock().WallMillis() * 1000);
  Line(out, "uptime_in_seconds", uptime);
  Line(out, "uptime_in_days", uptime / 86400);
  return Status::Ok();
}

Status InfoClients(Context& context, std::string* out) {
  Line(out, "connected_clients", context.services.Stats().connections_active);
  Line(out, "maxclients", context.services.config().max_clients);
  Line(out, "blocked_clients", 0);
  Line(out, "watching_clients", context.services.executor().watches().clients());
  Line(out, "total_watched_keys", context.services.executor().watches().keys());
  Line(out, "nokv_slow_readers_disconnected", context.services.Stats().slow_readers);
  return Status::Ok();
}

Status InfoMemory(Context& /*context*/, std::string* out) {
  Line(out, "maxmemory", 0);
  Line(out, "maxmemory_policy", "noeviction");
  return Status::Ok();
}

Status InfoPersistence(Context& context, std::string* out) {
  const Status error = context.services.backend().WriteError();
  Line(out, "loading", context.services.loading() ? 1 : 0);
  Line(out, "aof_enabled", 1);
  Line(out, "aof_last_write_status", error.ok() ? "ok" : "err");
  Line(out, "nokv_sync_policy", SyncName(context.services.config().sync));
  if (!error.ok()) Line(out, "nokv_write_error", error.ToString());
  return Status::Ok();
}

Status InfoStats(Context& context, std::string* out) {
  const GatewayStats stats = context.services.Stats();
  Line(out, "total_connections_received", stats.connections_accepted);
  Line(out, "total_commands_processed", stats.commands_total);
  Line(out, "total_net_input_bytes", stats.input_bytes);
  Line(out, "total_net_output_bytes", stats.output_bytes);
  Line(out, "rejected_connections", stats.connections_rejected);
  Line(out, "expired_keys", stats.expired_keys);
  Line(out, "evicted_keys", 0);
  Line(out, "keyspace_hits", stats.keyspace_hits);
  Line(out, "keyspace_misses", stats.keyspace_misses);
  const PubSub& pubsub = context.services.pubsub();
  Line(out, "pubsub_channels", pubsub.CountNames(SubscriptionKind::kChannel));
  Line(out, "pubsub_patterns", pubsub.CountNames(SubscriptionKind::kPattern));
  Line(out, "pubsubshard_channels", pubsub.CountNames(SubscriptionKind::kShardChannel));
  Line(out, "total_error_replies", stats.errors_total);
  return Status::Ok();
}

Status InfoReplication(Context& /*context*/, std::string* out) {
  Line(out, "role", "master");
  Line(out, "connected_slaves", 0);
  return Status::Ok();
}

Status InfoCpu(Context& context, std::string* out) {
  // Seconds of processor time are the operating system's to tell; see /metrics.
  Line(out, "nokv_uptime_seconds", UptimeSeconds(context));
  return Status::Ok();
}

Status InfoCommandStats(Context& context, std::string* out) {
  for (const auto& [name, calls] : context.services.Stats().commands_per_operation) {
    Line(out, "cmdstat_" + name, "calls=" + std::to_string(calls));
  }
  return Status::Ok();
}

Status InfoKeyspace(Context& context, std::string* out) {
  for (int db = 0; db < kDatabases; ++db) {
    ASSIGN_OR_RETURN(const Counts counts, context.txn.CountLive(db));
    if (counts.keys == 0) continue;
    Line(out, "db" + std::to_string(db),
         "keys=" + std::to_string(counts.keys) + ",expires=" + std::to_string(counts.expires) +
             ",avg_ttl=0");
  }
  return Status::Ok();
}

struct InfoSection {
  std::string_view name;   // as it is asked for
  std::string_view title;  // as it is shown
  Status (*write)(Context& context, std::string* out);
  bool by_default;
};

constexpr InfoSection kSections[] = {
    {"server", "Server", InfoServer, true},
    {"clients", "Clients", InfoClients, true},
    {"memory", "Memory", InfoMemory, true},
    {"persistence", "Persistence", InfoPersistence, true},
    {"stats", "Stats", InfoStats, true},
    {"replication", "Replication", InfoReplication, true},
    {"cpu", "CPU", InfoCpu, true},
    {"commandstats", "Commandstats", InfoCommandStats, false},
    {"keyspace", "Keyspace", InfoKeyspace, true},
};

bool IsWanted(const InfoSection& section, std::span<const std::string_view> words) {
  if (words.empty()) return section.by_default;
  for (const std::string_view word : words) {
    if (EqualsIgnoreCase(word, section.name) || EqualsIgnoreCase(word, "all") ||
        EqualsIgnoreCase(word, "everything")) {
      return true;
    }
    if (EqualsIgnoreCase(word, "default") && section.by_default) return true;
  }
  return false;
}

Status Info(Context& context) {
  std::string out;
  for (const InfoSection& section : kSections) {
    if (!IsWanted(section, context.args.subspan(1))) continue;
    if (!out.empty()) out += "\r\n";
    out.append("# ").append(section.title).append("\r\n");
    RETURN_IF_ERROR(section.write(context, &out));
  }
  context.reply.Verbatim(out);
  return Status::Ok();
}

// --- CONFIG ---

struct Setting {
  std::string_view name;
  std::string (*get)(const Config& config);
  // Null: cannot be changed. Returns why the value is refused; empty: it was set.
  std::string_view (*set)(Config& config, std::string_view value) = nullptr;
};

constexpr std::string_view kBadValue = "argument is not a valid value";

std::string_view SetSync(Config& config, std::string_view value) {
  for (const SyncPolicy policy : {SyncPolicy::kAlways, SyncPolicy::kEverySec, SyncPolicy::kNo}) {
    if (!EqualsIgnoreCase(value, SyncName(policy))) continue;
    config.sync = policy;
    return "";
  }
  return kBadValue;
}

std::string_view SetNumber(uint64_t* target, std::string_view value, uint64_t least,
                           uint64_t most) {
  const auto number = ParseInt64(value);
  if (!number.has_value() || *number < 0) return kBadValue;
  const auto unsigned_number = static_cast<uint64_t>(*number);
  if (unsigned_number < least || unsigned_number > most) return kBadValue;
  *target = unsigned_number;
  return "";
}

std::string_view SetProtectedMode(Config& config, std::string_view value) {
  const bool yes = EqualsIgnoreCase(value, "yes");
  if (!yes && !EqualsIgnoreCase(value, "no")) return kBadValue;
  config.protected_mode = yes;
  return "";
}

std::string_view SetKeyEvents(Config& config, std::string_view value) {
  const auto events = ParseKeyEvents(value);
  if (!events.has_value()) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
  config.key_events = *events;
  return "";
}

constexpr Setting kSettings[] = {
    {"appendfsync", [](const Config& c) { return std::string(SyncName(c.sync)); }, SetSync},
    {"appendonly", [](const Config&) -> std::string { return "yes"; }},
    {"bind", [](const Config& c) { return c.address.substr(0, c.address.rfind(':')); }},
    {"client-output-buffer-limit",
     [](const Config& c) { return FormatOutputLimits(c.output_limits); },
     [](Config& c, std::string_view v) { return ParseOutputLimits(v, &c.output_limits); }},
    {"client-query-buffer-limit",
     [](const Config& c) { return std::to_string(c.query_buffer_limit_bytes); },
     [](Config& c, std::string_view v) {
       return SetNumber(&c.query_buffer_limit_bytes, v, uint64_t{1} << 20, uint64_t{1} << 40);
     }},
    {"databases", [](const Config&) { return std::to_string(kDatabases); }},
    {"dir", [](const Config& c) { return c.workdir; }},
    {"maxclients", [](const Config& c) { return std::to_string(c.max_clients); },
     [](Config& c, std::string_view v) { return SetNumber(&c.max_clients, v, 1, 1'000'000); }},
    {"maxmemory", [](const Config&) -> std::string { return "0"; }},
    {"maxmemory-policy", [](const Config&) -> std::string { return "noeviction"; }},
    {"notify-keyspace-events", [](const Config& c) { return FormatKeyEvents(c.key_events); },
     SetKeyEvents},
    {"port", [](const Config& c) { return c.address.substr(c.address.rfind(':') + 1); }},
    {"proto-max-bulk-len", [](const Config&) { return std::to_string(kMaxStringBytes); }},
    {"protected-mode",
     [](const Config& c) -> std::string { return c.protected_mode ? "yes" : "no"; },
     SetProtectedMode},
    {"save", [](const Config&) { return std::string(); }},
    {"tcp-keepalive", [](const Config&) -> std::string { return "300"; }},
    {"timeout", [](const Config& c) { return std::to_string(c.timeout_seconds); },
     [](Config& c, std::string_view v) { return SetNumber(&c.timeout_seconds, v, 0, 1U << 30); }},
};

Status ConfigGet(Context& context) {
  std::vector<const Setting*> found;
  for (const Setting& setting : kSettings) {
    bool matches = false;
    for (const std::string_view pattern : context.args.subspan(2)) {
      matches |= GlobMatch(pattern, setting.name, true);
    }
    if (matches) found.push_back(&setting);
  }
  context.reply.Map(found.size());
  for (const Setting* setting : found) {
    context.reply.Bulk(setting->name);
    context.reply.Bulk(setting->get(context.services.config()));
  }
  return Status::Ok();
}

std::string SetFailed(std::string_view name, std::string_view why) {
  return "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
         std::string(why);
}

// All of the settings or none.
Status ConfigSet(Context& context) {
  if (context.args.size() % 2 != 0) return Fail(context, WrongArity("config|set"));
  Config changed = context.services.config();
  for (size_t i = 2; i < context.args.size(); i += 2) {
    const std::string_view name = context.args[i];
    const Setting* setting = nullptr;
    for (const Setting& candidate : kSettings) {
      if (EqualsIgnoreCase(name, candidate.name)) setting = &candidate;
    }
    if (setting == nullptr) {
      return Fail(context, "ERR Unknown option or number of arguments for CONFIG SET - '" +
                               std::string(name) + "'");
    }
    if (setting->set == nullptr) {
      return Fail(context, SetFailed(name, "can't set immutable config"));
    }
    const std::string_view refused = setting->set(changed, context.args[i + 1]);
    if (!refused.empty()) return Fail(context, SetFailed(name, refused));
  }
  context.services.config() = changed;
  context.reply.Ok();
  return Status::Ok();
}

Status ConfigResetStat(Context& context) {
  context.services.ResetStats();
  context.reply.Ok();
  return Status::Ok();
}

Status ConfigHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "GET <pattern>",
      "    Return parameters matching the glob-like <pattern> and their values.",
      "SET <directive> <value>",
      "    Set the configuration <directive> to <value>.",
      "RESETSTAT",
      "    Reset statistics reported by the INFO command."};
  ReplyHelp(context, "CONFIG", kLines);
  return Status::Ok();
}

// --- the rest ---

Status Time(Context& context) {
  const uint64_t now_ms = context.services.clock().WallMillis();
  context.reply.Array(2);
  context.reply.Bulk(std::to_string(now_ms / 1000));
  context.reply.Bulk(std::to_string(now_ms % 1000 * 1000));
  return Status::Ok();
}

Status Role(Context& context) {
  context.reply.Array(3);
  context.reply.Bulk("master");
  context.reply.Integer(0);
  context.reply.Array(0);
  return Status::Ok();
}

Status NoCluster(Context& context) {
  return Fail(context, "ERR This instance has cluster support disabled");
}

constexpr CommandSpec kConfig[] = {
    {"config|get", -3, ConfigGet, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "server", "2.0.0",
     "Returns settings whose names match\n"
     "args: parameter(parameter)+\n"
     "cost: O(N), N settings\n"
     "history: 7.0.0 several patterns"},
    {"config|help", 2, ConfigHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "5.0.0",
     "Describes the subcommands"},
    {"config|resetstat", 2, ConfigResetStat, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag,
     0, 0, 0, "server", "2.0.0", "Sets the counters of INFO to zero"},
    {"config|set", -4, ConfigSet, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "server", "2.0.0",
     "Changes settings, all of them or none\n"
     "args: parameter_value(parameter value)+\n"
     "cost: O(N), N settings\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded\n"
     "history: 7.0.0 several settings"},
};

constexpr CommandSpec kCommands[] = {
    {"info", -1, Info, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "1.0.0",
     "Returns what is to be known about the server\n"
     "acl: dangerous\n"
     "args: [section+]\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special\n"
     "history: 7.0.0 several sections"},
    {"config", -2, nullptr, 0, 0, 0, 0, "server", "2.0.0", "Reads and changes settings", kConfig},
    {"time", 1, Time, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "server", "2.6.0",
     "Returns the time of the server\n"
     "tips: nondeterministic_output"},
    {"role", 1, Role, kNoScriptFlag | kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "server",
     "2.8.12",
     "Returns the part of the server in replication; always master\n"
     "acl: admin dangerous"},
    {"readonly", 1, NoCluster, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "cluster", "3.0.0",
     "Would let a replica in a cluster answer reads\n"
     "acl: connection"},
    {"readwrite", 1, NoCluster, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "cluster", "3.0.0",
     "Would end what READONLY began\n"
     "acl: connection"},
};

}  // namespace

std::span<const CommandSpec> ServerCommands() {
  return kCommands;
}

}  // namespace nokv::redis
