// MONITOR, SLOWLOG, LATENCY: what the gateway is doing, and what takes it long.
#include <algorithm>
#include <vector>

#include "base/macros.h"
#include "redis/command_stats.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/latency_graph.h"
#include "redis/latency_monitor.h"
#include "redis/monitors.h"
#include "redis/number.h"
#include "redis/slow_log.h"

namespace nokv::redis {

namespace {

Status Monitor(Context& context) {
  ClientState& client = context.client;
  if (client.multi.open()) {
    return Fail(context, "ERR MONITOR isn't allowed for DENY BLOCKING client");
  }
  if (client.monitors) return Status::Ok();  // without a reply, as in Redis
  client.monitors = true;
  context.services.monitors().Add(*client.receiver);
  context.reply.Ok();
  return Status::Ok();
}

// --- SLOWLOG ---

Status SlowLogGet(Context& context) {
  if (context.args.size() > 3) {
    return Fail(context, WrongSubcommandUse("SLOWLOG", context.args[1]));
  }
  int64_t count = 10;
  if (context.args.size() == 3) {
    const auto wanted = ParseInt64(context.args[2]);
    if (!wanted.has_value() || *wanted < -1) {
      return Fail(context, "ERR count should be greater than or equal to -1");
    }
    count = *wanted;
  }
  const auto& entries = context.services.slow_log().entries();
  const size_t shown =
      count < 0 ? entries.size() : std::min(entries.size(), static_cast<size_t>(count));
  context.reply.Array(shown);
  for (size_t i = 0; i < shown; ++i) {
    const SlowLog::Entry& entry = entries[i];
    context.reply.Array(6);
    context.reply.Integer(static_cast<int64_t>(entry.id));
    context.reply.Integer(static_cast<int64_t>(entry.unix_seconds));
    context.reply.Integer(static_cast<int64_t>(entry.duration_us));
    context.reply.Array(entry.words.size());
    for (const std::string& word : entry.words) context.reply.Bulk(word);
    context.reply.Bulk(entry.address);
    context.reply.Bulk(entry.client_name);
  }
  return Status::Ok();
}

Status SlowLogLen(Context& context) {
  context.reply.Integer(static_cast<int64_t>(context.services.slow_log().entries().size()));
  return Status::Ok();
}

Status SlowLogReset(Context& context) {
  context.services.slow_log().Clear();
  context.reply.Ok();
  return Status::Ok();
}

Status SlowLogHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "GET [<count>]",
      "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
      "    Entries are made of:",
      "    id, timestamp, time in microseconds, arguments array, client IP and port,",
      "    client name",
      "LEN",
      "    Return the length of the slowlog.",
      "RESET",
      "    Reset the slowlog."};
  ReplyHelp(context, "SLOWLOG", kLines);
  return Status::Ok();
}

// --- LATENCY ---

Status LatencyLatest(Context& context) {
  const auto& events = context.services.latency_monitor().events();
  context.reply.Array(events.size());
  for (const auto& [name, event] : events) {
    context.reply.Array(4);
    context.reply.Bulk(name);
    context.reply.Integer(static_cast<int64_t>(event.samples.back().unix_seconds));
    context.reply.Integer(static_cast<int64_t>(event.samples.back().ms));
    context.reply.Integer(static_cast<int64_t>(event.longest_ms));
  }
  return Status::Ok();
}

Status LatencyHistory(Context& context) {
  const auto& events = context.services.latency_monitor().events();
  const auto found = events.find(context.args[2]);
  if (found == events.end()) {
    context.reply.Array(0);
    return Status::Ok();
  }
  context.reply.Array(found->second.samples.size());
  for (const LatencyMonitor::Sample& sample : found->second.samples) {
    context.reply.Array(2);
    context.reply.Integer(static_cast<int64_t>(sample.unix_seconds));
    context.reply.Integer(static_cast<int64_t>(sample.ms));
  }
  return Status::Ok();
}

Status LatencyGraph(Context& context) {
  const auto& events = context.services.latency_monitor().events();
  const auto found = events.find(context.args[2]);
  if (found == events.end()) {
    return Fail(context,
                "ERR No samples available for event '" + std::string(context.args[2]) + "'");
  }
  const uint64_t now_seconds = context.services.clock().WallMillis() / 1000;
  context.reply.Verbatim(DrawLatencyGraph(found->first, found->second, now_seconds));
  return Status::Ok();
}

Status LatencyReset(Context& context) {
  LatencyMonitor& monitor = context.services.latency_monitor();
  std::vector<std::string> names(context.args.begin() + 2, context.args.end());
  if (names.empty()) {
    for (const auto& [name, event] : monitor.events()) names.push_back(name);
  }
  int64_t reset = 0;
  for (const std::string& name : names) reset += monitor.Reset(name) ? 1 : 0;
  context.reply.Integer(reset);
  return Status::Ok();
}

Status LatencyDoctor(Context& context) {
  const auto& events = context.services.latency_monitor().events();
  if (events.empty()) {
    context.reply.Verbatim(
        context.services.config().latency_monitor_threshold_ms == 0
            ? "Nothing is watched: latency-monitor-threshold is 0. Set it to the milliseconds that "
              "a command may take, and ask again.\n"
            : "No command has taken longer than latency-monitor-threshold.\n");
    return Status::Ok();
  }
  std::string text;
  for (const auto& [name, event] : events) {
    uint64_t sum = 0;
    for (const LatencyMonitor::Sample& sample : event.samples) sum += sample.ms;
    text += name + ": " + std::to_string(event.samples.size()) + " slow seconds, " +
            std::to_string(sum / event.samples.size()) + " ms on average, " +
            std::to_string(event.longest_ms) + " ms at most.\n";
  }
  text += "SLOWLOG GET shows which commands they were.\n";
  context.reply.Verbatim(text);
  return Status::Ok();
}

// Redis's buckets: powers of two of 1024 ns, as its histogram rounds them, in microseconds.
uint64_t BucketBound(size_t bucket) {
  return ((uint64_t{1032} << bucket) - 1) / 1000;
}

void ReplyHistogram(Reply& reply, const metrics::HistogramSnapshot& latency) {
  constexpr size_t kBuckets = 25;  // up to 17 seconds; what is longer counts there
  std::vector<std::pair<uint64_t, uint64_t>> steps;
  uint64_t before = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    const uint64_t count = i + 1 < kBuckets ? latency.CountUpTo(uint64_t{1} << i) : latency.count();
    if (count > before) steps.emplace_back(BucketBound(i), count);
    before = count;
  }
  reply.Map(2);
  reply.Bulk("calls");
  reply.Integer(static_cast<int64_t>(latency.count()));
  reply.Bulk("histogram_usec");
  reply.Map(steps.size());
  for (const auto& [bound, count] : steps) {
    reply.Integer(static_cast<int64_t>(bound));
    reply.Integer(static_cast<int64_t>(count));
  }
}

Status LatencyHistogram(Context& context) {
  const CommandStats& stats = context.services.command_stats();
  std::vector<const CommandSpec*> shown;
  const auto add = [&](const CommandSpec& spec) {
    if (stats.of(spec).calls > 0) shown.push_back(&spec);
  };
  if (context.args.size() == 2) {
    for (const CommandSpec* spec : context.services.commands().every()) add(*spec);
  }
  for (const std::string_view name : context.args.subspan(2)) {
    const CommandSpec* spec = context.services.commands().FindFull(name);
    if (spec == nullptr) continue;
    if (spec->function != nullptr) add(*spec);  // a mere container never runs
    for (const CommandSpec& sub : spec->subcommands) add(sub);
  }
  context.reply.Map(shown.size());
  for (const CommandSpec* spec : shown) {
    context.reply.Bulk(spec->name);
    ReplyHistogram(context.reply, stats.Latency(*spec));
  }
  return Status::Ok();
}

Status LatencyHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>",
      "    Return an ASCII latency graph for the <event> class.", "HISTORY <event>",
      "    Return time-latency samples for the <event> class.", "LATEST",
      "    Return the latest latency samples for all events.", "RESET [<event> ...]",
      "    Reset latency data of one or more <event> classes.",
      "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
      // One line of Redis's. NOLINTNEXTLINE(bugprone-suspicious-missing-comma)
      "    Return a cumulative distribution of latencies in the format of a histogram for the "
      "specified command names.",
      "    If no commands are specified then all histograms are replied."};
  ReplyHelp(context, "LATENCY", kLines);
  return Status::Ok();
}

constexpr uint32_t kFlags = kAdminFlag | kLoadingFlag | kStaleFlag;
constexpr uint32_t kNoScript = kFlags | kNoScriptFlag;

constexpr CommandSpec kSlowLog[] = {
    {"slowlog|get", -2, SlowLogGet, kFlags, 0, 0, 0, "server", "2.2.12",
     "Returns the commands that took longest\n"
     "args: [count:int]\n"
     "cost: O(N), N entries\n"
     "tips: request_policy:all_nodes nondeterministic_output\n"
     "history: 4.0.0 address and name of the client"},
    {"slowlog|help", 2, SlowLogHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "6.2.0",
     "Describes the subcommands"},
    {"slowlog|len", 2, SlowLogLen, kFlags, 0, 0, 0, "server", "2.2.12",
     "Counts the entries of the slow log\n"
     "tips: request_policy:all_nodes response_policy:agg_sum nondeterministic_output"},
    {"slowlog|reset", 2, SlowLogReset, kFlags, 0, 0, 0, "server", "2.2.12",
     "Empties the slow log\n"
     "cost: O(N), N entries\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded"},
};

constexpr CommandSpec kLatency[] = {
    {"latency|doctor", 2, LatencyDoctor, kNoScript, 0, 0, 0, "server", "2.8.13",
     "Says in words what takes long\n"
     "tips: nondeterministic_output request_policy:all_nodes response_policy:special"},
    {"latency|graph", 3, LatencyGraph, kNoScript, 0, 0, 0, "server", "2.8.13",
     "Draws the samples of an event\n"
     "args: event\n"
     "tips: nondeterministic_output request_policy:all_nodes response_policy:special"},
    {"latency|help", 2, LatencyHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "2.8.13",
     "Describes the subcommands"},
    {"latency|histogram", -2, LatencyHistogram, kNoScript, 0, 0, 0, "server", "7.0.0",
     "Returns how long commands took, as histograms\n"
     "args: [command+]\n"
     "cost: O(N), N commands\n"
     "tips: nondeterministic_output request_policy:all_nodes response_policy:special"},
    {"latency|history", 3, LatencyHistory, kNoScript, 0, 0, 0, "server", "2.8.13",
     "Returns the samples of an event\n"
     "args: event\n"
     "tips: nondeterministic_output request_policy:all_nodes response_policy:special"},
    {"latency|latest", 2, LatencyLatest, kNoScript, 0, 0, 0, "server", "2.8.13",
     "Returns the latest sample of each event\n"
     "tips: nondeterministic_output request_policy:all_nodes response_policy:special"},
    {"latency|reset", -2, LatencyReset, kNoScript, 0, 0, 0, "server", "2.8.13",
     "Forgets the samples of events, or of all\n"
     "args: [event+]\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded"},
};

constexpr CommandSpec kCommands[] = {
    {"monitor", 1, Monitor, kNoScript, 0, 0, 0, "server", "1.0.0",
     "Shows every command that the server runs"},
    {"slowlog", -2, nullptr, 0, 0, 0, 0, "server", "2.2.12", "Shows the commands that took longest",
     kSlowLog},
    {"latency", -2, nullptr, 0, 0, 0, 0, "server", "2.8.13", "Shows what takes long", kLatency},
};

}  // namespace

std::span<const CommandSpec> MonitoringCommands() {
  return kCommands;
}

}  // namespace nokv::redis
