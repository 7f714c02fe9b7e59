#include "redis/parameters.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "redis/acl/password.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/key_events.h"
#include "redis/layout.h"
#include "redis/number.h"
#include "redis/output_limits.h"

namespace nokv::redis {

namespace {

// An entry takes up to 6 KB.
constexpr int64_t kMostSlowLogEntries = 65536;
constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr int64_t kMaxLong = std::numeric_limits<int64_t>::max();

// --- what a text may be ---

using Check = std::function<std::string(std::string* text)>;

std::string OutOfRange(int64_t least, int64_t most) {
  return "argument must be between " + std::to_string(least) + " and " + std::to_string(most) +
         " inclusive";
}

Check Number(int64_t least, int64_t most) {
  return [=](std::string* text) -> std::string {
    const auto number = ParseInt64(*text);
    if (!number.has_value()) return "argument couldn't be parsed into an integer";
    return *number < least || *number > most ? OutOfRange(least, most) : "";
  };
}

Check Bytes(int64_t least, int64_t most) {
  return [=](std::string* text) -> std::string {
    const auto bytes = ParseMemory(*text);
    if (!bytes.has_value()) return "argument must be a memory value";
    *text = std::to_string(*bytes);
    const bool fits =
        *bytes >= static_cast<uint64_t>(least) && *bytes <= static_cast<uint64_t>(most);
    return fits ? "" : OutOfRange(least, most);
  };
}

Check OneOf(std::vector<std::string_view> choices) {
  return [choices = std::move(choices)](std::string* text) -> std::string {
    std::string all;
    for (const std::string_view choice : choices) {
      if (LowerCase(*text) == LowerCase(choice)) {
        *text = choice;
        return "";
      }
      all.append(all.empty() ? "" : ", ").append(choice);
    }
    return "argument(s) must be one of the following: " + all;
  };
}

Check YesOrNo() {
  return [](std::string* text) -> std::string {
    *text = LowerCase(*text);
    return *text == "yes" || *text == "no" ? "" : "argument must be 'yes' or 'no'";
  };
}

// --- where it is kept ---

Parameter Acts(std::string_view name, uint64_t Config::* member, Check check) {
  return {name, std::move(check),
          [member](const Config& config) { return std::to_string(config.*member); },
          [member](Config& config, const std::string& text) {
            config.*member = ParseUint64(text).value_or(0);
          }};
}

Parameter Acts(std::string_view name, int64_t Config::* member, Check check) {
  return {name, std::move(check),
          [member](const Config& config) { return std::to_string(config.*member); },
          [member](Config& config, const std::string& text) {
            config.*member = ParseInt64(text).value_or(0);
          }};
}

Parameter Acts(std::string_view name, bool Config::* member) {
  return {name, YesOrNo(),
          [member](const Config& config) -> std::string { return config.*member ? "yes" : "no"; },
          [member](Config& config, const std::string& text) { config.*member = text == "yes"; }};
}

Parameter Stored(std::string_view name, std::string_view initial, Check check,
                 std::string_view old_name = "") {
  return {name,
          std::move(check),
          [name, initial](const Config& config) {
            const auto found = config.stored.find(name);
            return found == config.stored.end() ? std::string(initial) : found->second;
          },
          [name](Config& config, const std::string& text) {
            config.stored.insert_or_assign(std::string(name), text);
          },
          Parameter::Effect::kStored,
          old_name};
}

Parameter Fixed(std::string_view name, std::function<std::string(const Config&)> get) {
  return {name, nullptr, std::move(get), nullptr, Parameter::Effect::kFixed};
}

// May be set to what it is, so that tools that set it go on; anything else is refused with `why`.
Parameter Only(std::string_view name, std::string_view value, std::string_view why) {
  return {name, [value, why](std::string* text) { return std::string(*text == value ? "" : why); },
          [value](const Config&) { return std::string(value); }, [](Config&, const std::string&) {},
          Parameter::Effect::kFixed};
}

// --- the list ---

constexpr std::array<std::string_view, 3> kSyncNames = {"everysec", "always", "no"};
constexpr std::array<SyncPolicy, 3> kSyncPolicies = {SyncPolicy::kEverySec, SyncPolicy::kAlways,
                                                     SyncPolicy::kNo};

Parameter AppendFsync() {
  return {"appendfsync", OneOf({kSyncNames.begin(), kSyncNames.end()}),
          [](const Config& config) {
            const auto found = std::find(kSyncPolicies.begin(), kSyncPolicies.end(), config.sync);
            return std::string(kSyncNames.at(static_cast<size_t>(found - kSyncPolicies.begin())));
          },
          [](Config& config, const std::string& text) {
            const auto found = std::find(kSyncNames.begin(), kSyncNames.end(), text);
            config.sync = kSyncPolicies.at(static_cast<size_t>(found - kSyncNames.begin()));
          }};
}

Parameter KeyEvents() {
  return {
      "notify-keyspace-events",
      [](std::string* text) -> std::string {
        // Kept as it came: what CONFIG GET shows of it is not all, in Redis neither.
        if (ParseKeyEvents(*text).has_value()) return "";
        return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
      },
      [](const Config& config) { return FormatKeyEvents(config.key_events); },
      [](Config& config, const std::string& text) { config.key_events = *ParseKeyEvents(text); }};
}

// Classes that are not named keep their limits.
Parameter OutputLimits() {
  return {"client-output-buffer-limit",
          [](std::string* text) {
            auto limits = Config().output_limits;
            return std::string(ParseOutputLimits(*text, &limits));
          },
          [](const Config& config) { return FormatOutputLimits(config.output_limits); },
          [](Config& config, const std::string& text) {
            ParseOutputLimits(text, &config.output_limits);
          }};
}

// Only the hash is kept, and not even that is shown.
Parameter RequirePass() {
  return {"requirepass", [](std::string* /*text*/) { return std::string(); },
          [](const Config& config) {
            return std::string(config.requirepass_hash.empty() ? "" : "(redacted)");
          },
          [](Config& config, const std::string& text) {
            config.requirepass_hash = text.empty() ? "" : acl::HashPassword(text);
          }};
}

Parameter UserFromCertificate() {
  return {
      "tls-auth-clients-user", OneOf({"CN", "off"}),
      [](const Config& config) { return std::string(config.user_from_certificate ? "CN" : "off"); },
      [](Config& config, const std::string& text) { config.user_from_certificate = text == "CN"; }};
}

std::vector<Parameter> MakeParameters() {
  constexpr std::string_view kNoEviction = "there is no eviction: data is on disk";
  std::vector<Parameter> all = {
      // What acts.
      AppendFsync(),
      KeyEvents(),
      OutputLimits(),
      Acts("authentication-timeout", &Config::authentication_timeout_seconds, Number(0, kMaxInt)),
      Acts("client-query-buffer-limit", &Config::query_buffer_limit_bytes,
           Bytes(1 << 20, kMaxLong)),
      Acts("latency-monitor-threshold", &Config::latency_monitor_threshold_ms, Number(0, kMaxLong)),
      Acts("maxclients", &Config::max_clients, Number(1, 1'000'000)),
      Acts("maxmemory-clients", &Config::max_buffered_bytes, Bytes(0, kMaxLong)),
      Acts("proto-max-bulk-len", &Config::max_bulk_bytes, Bytes(1 << 20, kMaxStringBytes)),
      Acts("protected-mode", &Config::protected_mode),
      RequirePass(),
      UserFromCertificate(),
      Acts("script-step-limit", &Config::script_step_limit, Number(1'000'000, kMaxLong)),
      Acts("script-time-limit", &Config::script_time_limit_ms, Number(10, kMaxLong)),
      Acts("slowlog-log-slower-than", &Config::slow_log_slower_than_us, Number(-1, kMaxLong)),
      Acts("slowlog-max-len", &Config::slow_log_max_entries, Number(0, kMostSlowLogEntries)),
      Acts("timeout", &Config::timeout_seconds, Number(0, kMaxInt)),
      // What is what it is.
      Fixed("aclfile", [](const Config& c) { return c.acl_file; }),
      Fixed("bind", [](const Config& c) { return c.address.substr(0, c.address.rfind(':')); }),
      Fixed("cluster-enabled", [](const Config&) { return std::string("no"); }),
      Fixed("databases", [](const Config&) { return std::to_string(kDatabases); }),
      Fixed("dir", [](const Config& c) { return c.workdir; }),
      Fixed("port", [](const Config& c) { return c.address.substr(c.address.rfind(':') + 1); }),
      Fixed("script-memory-limit",
            [](const Config& c) { return std::to_string(c.script_memory_limit_bytes); }),
      Fixed("tcp-keepalive", [](const Config&) { return std::string("300"); }),
      Only("appendonly", "yes", "the log cannot be turned off"),
      Only("maxmemory", "0", kNoEviction),
      Only("maxmemory-policy", "noeviction", kNoEviction),
      Only("save", "", "there are no snapshot files; every write is in the log"),
      // What is kept for clients that set it. Others never wait for a script:
      Stored("busy-reply-threshold", "5000", Number(0, kMaxLong), "lua-time-limit"),
      // Encodings:
      Stored("hash-max-listpack-entries", "512", Number(0, kMaxLong), "hash-max-ziplist-entries"),
      Stored("hash-max-listpack-value", "64", Bytes(0, kMaxLong), "hash-max-ziplist-value"),
      Stored("hll-sparse-max-bytes", "3000", Bytes(0, kMaxLong)),
      Stored("list-compress-depth", "0", Number(0, kMaxInt)),
      Stored("list-max-listpack-size", "-2", Number(-kMaxInt - 1, kMaxInt),
             "list-max-ziplist-size"),
      Stored("set-max-intset-entries", "512", Number(0, kMaxLong)),
      Stored("stream-node-max-bytes", "4096", Bytes(0, kMaxLong)),
      Stored("stream-node-max-entries", "100", Number(0, kMaxLong)),
      Stored("zset-max-listpack-entries", "128", Number(0, kMaxLong), "zset-max-ziplist-entries"),
      Stored("zset-max-listpack-value", "64", Bytes(0, kMaxLong), "zset-max-ziplist-value"),
      // Memory:
      Stored("activerehashing", "yes", YesOrNo()),
      Stored("lazyfree-lazy-eviction", "no", YesOrNo()),
      Stored("lazyfree-lazy-expire", "no", YesOrNo()),
      Stored("lazyfree-lazy-server-del", "no", YesOrNo()),
      Stored("lazyfree-lazy-user-del", "no", YesOrNo()),
      Stored("lazyfree-lazy-user-flush", "no", YesOrNo()),
      Stored("lfu-decay-time", "1", Number(0, kMaxInt)),
      Stored("lfu-log-factor", "10", Number(0, kMaxInt)),
      Stored("maxmemory-samples", "5", Number(1, kMaxInt)),
  };
  std::sort(all.begin(), all.end(),
            [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  return all;
}

}  // namespace

std::span<const Parameter> Parameters() {
  static const std::vector<Parameter> all = MakeParameters();
  return all;
}

const Parameter* FindParameter(std::string_view name) {
  for (const Parameter& parameter : Parameters()) {
    if (EqualsIgnoreCase(name, parameter.name)) return &parameter;
    if (!parameter.old_name.empty() && EqualsIgnoreCase(name, parameter.old_name)) {
      return &parameter;
    }
  }
  return nullptr;
}

}  // namespace nokv::redis
