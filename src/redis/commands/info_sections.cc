#include "redis/commands/info_sections.h"

#include <sys/utsname.h>

#include <cstdio>
#include <initializer_list>
#include <utility>

#include "base/macros.h"
#include "base/process.h"
#include "base/random.h"
#include "redis/acl/access_control.h"
#include "redis/command_stats.h"
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

// Lines whose value is a number.
void Lines(std::string* out, std::initializer_list<std::pair<std::string_view, uint64_t>> fields) {
  for (const auto& [name, value] : fields) Line(out, name, value);
}

uint64_t UptimeSeconds(Context& context) {
  const uint64_t now_ms = context.services.clock().WallMillis();
  const uint64_t start_ms = context.services.start_ms();
  return now_ms > start_ms ? (now_ms - start_ms) / 1000 : 0;
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// 1.36M
std::string Human(uint64_t bytes) {
  constexpr std::string_view kUnits = "BKMGTP";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return Fixed(value, unit == 0 ? 0 : 2) + kUnits[unit];
}

void Memory(std::string* out, const std::string& name, uint64_t bytes) {
  Line(out, name, bytes);
  Line(out, name + "_human", Human(bytes));
}

std::string Seconds(uint64_t micros) {
  return Fixed(static_cast<double>(micros) / 1e6, 6);
}

// 40 hexadecimal digits, others for each run.
std::string RunId(uint64_t start_ms, uint64_t process_id) {
  base::Random random(start_ms ^ process_id << 44);
  std::string id;
  while (id.size() < 40) id.push_back("0123456789abcdef"[random.Uniform(16)]);
  return id;
}

Status InfoServer(Context& context, std::string* out) {
  const Config& config = context.services.config();
  const uint64_t uptime = UptimeSeconds(context);
  const uint64_t process_id = base::ReadProcessUsage().id;
  utsname system{};
  ::uname(&system);
  Line(out, "redis_version", config.version);
  Line(out, "nokv_version", config.product_version);
  Line(out, "redis_mode", "standalone");
  Line(out, "os", std::string(system.sysname) + " " + system.release + " " + system.machine);
  Line(out, "arch_bits", 64);
  Line(out, "multiplexing_api", "epoll");
  Line(out, "process_id", process_id);
  Line(out, "run_id", RunId(context.services.start_ms(), process_id));
  Line(out, "tcp_port", config.address.substr(config.address.rfind(':') + 1));
  Line(out, "server_time_usec", context.services.clock().WallMillis() * 1000);
  Line(out, "uptime_in_seconds", uptime);
  Line(out, "uptime_in_days", uptime / 86400);
  Line(out, "config_file", "");
  return Status::Ok();
}

Status InfoClients(Context& context, std::string* out) {
  const GatewayStats stats = context.services.Stats();
  Lines(out, {{"connected_clients", stats.connections_active},
              {"cluster_connections", 0},
              {"maxclients", context.services.config().max_clients},
              {"blocked_clients", 0},
              {"tracking_clients", 0},
              {"clients_in_timeout_table", 0},
              {"watching_clients", context.services.executor().watches().clients()},
              {"total_watched_keys", context.services.executor().watches().keys()},
              {"nokv_slow_readers_disconnected", stats.slow_readers}});
  return Status::Ok();
}

// Keys are on disk: this is the process as the allocator and the operating system see it.
Status InfoMemory(Context& context, std::string* out) {
  Scripts& scripts = context.services.scripts();
  const base::ProcessUsage usage = base::ReadProcessUsage();
  const uint64_t used = usage.allocated_bytes != 0 ? usage.allocated_bytes : usage.resident_bytes;
  Memory(out, "used_memory", used);
  Memory(out, "used_memory_rss", usage.resident_bytes);
  Memory(out, "used_memory_peak", usage.peak_resident_bytes);
  Memory(out, "total_system_memory", usage.machine_bytes);
  Lines(out, {{"used_memory_lua", scripts.used_bytes()},
              {"used_memory_vm_eval", scripts.used_bytes()},
              {"used_memory_scripts", scripts.cache().bytes()},
              {"number_of_cached_scripts", scripts.cache().scripts()},
              {"number_of_functions", 0},
              {"number_of_libraries", 0}});
  Memory(out, "maxmemory", 0);
  Line(out, "maxmemory_policy", "noeviction");
  Line(out, "allocator_allocated", used);
  Line(out, "allocator_resident", usage.resident_bytes);
  const double ratio =
      used == 0 ? 1 : static_cast<double>(usage.resident_bytes) / static_cast<double>(used);
  Line(out, "mem_fragmentation_ratio", Fixed(ratio, 2));
  Line(out, "mem_allocator", usage.allocated_bytes != 0 ? "jemalloc" : "libc");
  Lines(out, {{"active_defrag_running", 0}, {"lazyfree_pending_objects", 0}});
  return Status::Ok();
}

// The log of writes is what Redis calls the append-only file; there are no snapshots to a file.
Status InfoPersistence(Context& context, std::string* out) {
  const Status error = context.services.backend().WriteError();
  Lines(out, {{"loading", context.services.loading() ? 1 : 0},
              {"async_loading", 0},
              {"rdb_bgsave_in_progress", 0},
              {"rdb_saves", 0},
              {"aof_enabled", 1},
              {"aof_rewrite_in_progress", 0},
              {"aof_rewrite_scheduled", 0}});
  Line(out, "rdb_last_bgsave_status", "ok");
  Line(out, "aof_last_bgrewrite_status", "ok");
  Line(out, "aof_last_write_status", error.ok() ? "ok" : "err");
  Line(out, "nokv_sync_policy", FindParameter("appendfsync")->get(context.services.config()));
  if (!error.ok()) Line(out, "nokv_write_error", error.ToString());
  return Status::Ok();
}

std::string Kilobytes(uint64_t bytes) {
  return Fixed(static_cast<double>(bytes) / 1024, 2);
}

Status InfoStats(Context& context, std::string* out) {
  const GatewayStats stats = context.services.Stats();
  const PubSub& pubsub = context.services.pubsub();
  Lines(out, {{"total_connections_received", stats.connections_accepted},
              {"total_commands_processed", stats.commands_total},
              {"instantaneous_ops_per_sec", stats.commands_per_second},
              {"total_net_input_bytes", stats.input_bytes},
              {"total_net_output_bytes", stats.output_bytes}});
  Line(out, "instantaneous_input_kbps", Kilobytes(stats.input_bytes_per_second));
  Line(out, "instantaneous_output_kbps", Kilobytes(stats.output_bytes_per_second));
  Lines(out, {{"rejected_connections", stats.connections_rejected},
              {"sync_full", 0},
              {"sync_partial_ok", 0},
              {"sync_partial_err", 0},
              {"expired_keys", stats.expired_keys},
              {"evicted_keys", 0},
              {"evicted_clients", stats.connections_evicted},
              {"keyspace_hits", stats.keyspace_hits},
              {"keyspace_misses", stats.keyspace_misses},
              {"pubsub_channels", pubsub.CountNames(SubscriptionKind::kChannel)},
              {"pubsub_patterns", pubsub.CountNames(SubscriptionKind::kPattern)},
              {"pubsubshard_channels", pubsub.CountNames(SubscriptionKind::kShardChannel)},
              {"latest_fork_usec", 0},
              {"total_forks", 0},
              {"tracking_total_keys", 0},
              {"total_error_replies", stats.errors_total}});
  const acl::AccessCounters& refused = context.services.access().counters();
  Lines(out, {{"acl_access_denied_auth", refused.authentications},
              {"acl_access_denied_cmd", refused.commands},
              {"acl_access_denied_key", refused.keys},
              {"acl_access_denied_channel", refused.channels},
              {"acl_access_denied_tls_cert", refused.certificates}});
  return Status::Ok();
}

Status InfoReplication(Context& context, std::string* out) {
  Line(out, "role", "master");
  Line(out, "connected_slaves", 0);
  Line(out, "master_failover_state", "no-failover");
  Line(out, "master_replid", RunId(context.services.start_ms(), base::ReadProcessUsage().id));
  Line(out, "master_replid2", std::string(40, '0'));
  Line(out, "master_repl_offset", 0);
  Line(out, "second_repl_offset", "-1");
  Lines(out, {{"repl_backlog_active", 0}, {"repl_backlog_size", 0}, {"repl_backlog_histlen", 0}});
  return Status::Ok();
}

Status InfoCpu(Context& /*context*/, std::string* out) {
  const base::ProcessUsage usage = base::ReadProcessUsage();
  Line(out, "used_cpu_sys", Seconds(usage.system_us));
  Line(out, "used_cpu_user", Seconds(usage.user_us));
  Line(out, "used_cpu_sys_children", Seconds(0));
  Line(out, "used_cpu_user_children", Seconds(0));
  Line(out, "used_cpu_sys_main_thread", Seconds(usage.thread_system_us));
  Line(out, "used_cpu_user_main_thread", Seconds(usage.thread_user_us));
  return Status::Ok();
}

Status InfoModules(Context& /*context*/, std::string* /*out*/) {
  return Status::Ok();
}

Status InfoCluster(Context& /*context*/, std::string* out) {
  Line(out, "cluster_enabled", 0);
  return Status::Ok();
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

constexpr InfoSection kSections[] = {
    {"server", "Server", InfoServer},
    {"clients", "Clients", InfoClients},
    {"memory", "Memory", InfoMemory},
    {"persistence", "Persistence", InfoPersistence},
    {"stats", "Stats", InfoStats},
    {"replication", "Replication", InfoReplication},
    {"cpu", "CPU", InfoCpu},
    {"modules", "Modules", InfoModules},
    {"commandstats", "Commandstats", InfoCommandStats, false},
    {"errorstats", "Errorstats", InfoErrorStats},
    {"latencystats", "Latencystats", InfoLatencyStats, false},
    {"cluster", "Cluster", InfoCluster},
    {"keyspace", "Keyspace", InfoKeyspace},
};

}  // namespace

std::span<const InfoSection> InfoSections() {
  return kSections;
}

}  // namespace nokv::redis
