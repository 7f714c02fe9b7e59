// INFO: what is to be known about the server, in sections.
#include <cstdio>
#include <string>
#include <string_view>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/command_stats.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/parameters.h"
#include "redis/pubsub.h"
#include "redis/script/scripts.h"

namespace nokv::redis {

namespace {

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

Status InfoMemory(Context& context, std::string* out) {
  Scripts& scripts = context.services.scripts();
  Line(out, "used_memory_vm_eval", scripts.used_bytes());
  Line(out, "used_memory_scripts", scripts.cache().bytes());
  Line(out, "number_of_cached_scripts", scripts.cache().scripts());
  Line(out, "maxmemory", 0);
  Line(out, "maxmemory_policy", "noeviction");
  return Status::Ok();
}

Status InfoPersistence(Context& context, std::string* out) {
  const Status error = context.services.backend().WriteError();
  Line(out, "loading", context.services.loading() ? 1 : 0);
  Line(out, "aof_enabled", 1);
  Line(out, "aof_last_write_status", error.ok() ? "ok" : "err");
  Line(out, "nokv_sync_policy", FindParameter("appendfsync")->get(context.services.config()));
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
  Line(out, "evicted_clients", stats.connections_evicted);
  Line(out, "keyspace_hits", stats.keyspace_hits);
  Line(out, "keyspace_misses", stats.keyspace_misses);
  const PubSub& pubsub = context.services.pubsub();
  Line(out, "pubsub_channels", pubsub.CountNames(SubscriptionKind::kChannel));
  Line(out, "pubsub_patterns", pubsub.CountNames(SubscriptionKind::kPattern));
  Line(out, "pubsubshard_channels", pubsub.CountNames(SubscriptionKind::kShardChannel));
  Line(out, "total_error_replies", stats.errors_total);
  const acl::AccessCounters& refused = context.services.access().counters();
  Line(out, "acl_access_denied_auth", refused.authentications);
  Line(out, "acl_access_denied_cmd", refused.commands);
  Line(out, "acl_access_denied_key", refused.keys);
  Line(out, "acl_access_denied_channel", refused.channels);
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

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Status InfoCommandStats(Context& context, std::string* out) {
  for (const CommandSpec* spec : context.services.commands().every()) {
    const CommandStats::Totals totals = context.services.command_stats().of(*spec);
    if (totals.calls == 0 && totals.rejected == 0) continue;
    const double each = totals.calls == 0 ? 0
                                          : static_cast<double>(totals.microseconds) /
                                                static_cast<double>(totals.calls);
    Line(out, "cmdstat_" + std::string(spec->name),
         "calls=" + std::to_string(totals.calls) + ",usec=" + std::to_string(totals.microseconds) +
             ",usec_per_call=" + Fixed(each, 2) + ",rejected_calls=" +
             std::to_string(totals.rejected) + ",failed_calls=" + std::to_string(totals.failed));
  }
  return Status::Ok();
}

Status InfoErrorStats(Context& context, std::string* out) {
  for (const auto& [code, count] : context.services.command_stats().errors()) {
    Line(out, "errorstat_" + code, "count=" + std::to_string(count));
  }
  return Status::Ok();
}

Status InfoLatencyStats(Context& context, std::string* out) {
  for (const CommandSpec* spec : context.services.commands().every()) {
    const metrics::HistogramSnapshot latency = context.services.command_stats().Latency(*spec);
    if (latency.count() == 0) continue;
    const auto percentile = [&latency](double percent) {
      return Fixed(static_cast<double>(latency.Percentile(percent)), 3);
    };
    Line(out, "latency_percentiles_usec_" + std::string(spec->name),
         "p50=" + percentile(50) + ",p99=" + percentile(99) + ",p99.9=" + percentile(99.9));
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
    {"errorstats", "Errorstats", InfoErrorStats, true},
    {"latencystats", "Latencystats", InfoLatencyStats, false},
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

constexpr CommandSpec kCommands[] = {
    {"info", -1, Info, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "1.0.0",
     "Returns what is to be known about the server\n"
     "acl: dangerous\n"
     "args: [section+]\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special\n"
     "history: 7.0.0 several sections"},
};

}  // namespace

std::span<const CommandSpec> InfoCommands() {
  return kCommands;
}

}  // namespace nokv::redis
