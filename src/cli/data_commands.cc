// nokv get, put, delete and scan: single keys of a stand-alone directory.
#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <utility>

#include "base/macros.h"
#include "cli/bytes.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/store.h"
#include "cli/text.h"
#include "keys/keys.h"
#include "redis/backend.h"
#include "redis/layout.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kNoDatabase = UINT64_MAX;
constexpr uint16_t kLockHeld = 1203;
constexpr uint64_t kLongestTtlMs = uint64_t{10'000} * 365 * 86'400'000;
constexpr const char* kNotation = "text, hex:00ff, b64:AP8=, @FILE or - for standard input";

// What the four have in common.
struct DataOptions {
  std::string workdir;
  uint64_t redis_db = kNoDatabase;
  std::string key, value;
  OutputOptions output;
  uint64_t expiry_ms = 0;
  uint64_t ttl_ms = 0;
  std::string prefix, from, to;
  uint64_t limit = 0;
  bool reverse = false;
  bool keys_only = false;

  int db() const { return redis_db == kNoDatabase ? 0 : static_cast<int>(redis_db); }
};

void DefineDirectory(FlagSet& flags, DataOptions* options) {
  flags.Workdir(&options->workdir)
      .Required()
      .ForUrls("redis-cli talks to a gateway, nokv stats --expvar looks into one");
  flags
      .Number("redis-db", "N", &options->redis_db, {0, redis::kDatabases - 1},
              "the gateway's database N; without it the plain keys of the directory, which are "
              "database 0")
      .default_text = "";
}

Result<std::string> KeyOf(const DataOptions& options, const Environment& environment) {
  auto key = ParseBytes(options.key, environment.in, environment.fs, keys::kMaxUserKeyBytes);
  if (!key.ok()) return key.status().Prefixed("KEY");
  return key;
}

// In one of the gateway's databases there are also keys that hold no string.
Status CheckString(const DataOptions& options, const std::string& key,
                   const std::optional<Store::Value>& value) {
  if (options.redis_db == kNoDatabase || !value.has_value() ||
      value->type == static_cast<uint8_t>(redis::ValueType::kString)) {
    return Status::Ok();
  }
  return Status::FailedPrecondition(Quoted(key) + " does not hold a string")
      .WithHint("use it through the gateway: redis-cli -n " + std::to_string(options.db()));
}

Result<std::unique_ptr<Store>> OpenStore(const DataOptions& options, Store::Mode mode,
                                         const Environment& environment) {
  base::Logger& log =
      environment.engine_log == nullptr ? base::NullLogger() : *environment.engine_log;
  return Store::Open(environment.fs, options.workdir, mode, log);
}

int FailOpen(const Status& status, const Environment& environment) {
  if (status.error_number() != kLockHeld) return Fail(status, environment.err);
  return Fail(status.WithHint("write through that process (redis-cli, if it is nokv-redis), or "
                              "stop it; nokv get and nokv scan work beside it"),
              environment.err);
}

int NotFound(const DataOptions& options, const std::string& key, const Environment& environment) {
  environment.err << "not found: " << Quoted(key) << "\n";
  if (environment.verbosity != Verbosity::kQuiet) {
    environment.err << "  the keys that there are: nokv scan --keys-only --limit 20 --workdir "
                    << options.workdir;
    if (options.redis_db != kNoDatabase) environment.err << " --redis-db " << options.db();
    environment.err << "\n";
  }
  return kExitNotFound;
}

// For whoever watches: scripts see only the exit code.
void Note(const Environment& environment, const std::string& text) {
  if (environment.verbosity >= Verbosity::kVerbose ||
      (environment.verbosity == Verbosity::kNormal && environment.err_is_terminal)) {
    environment.err << text << "\n";
  }
}

// A value alone, as text of any number of lines or as bytes.
std::string ShownValue(const std::string& value) {
  std::string flat = value;
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\t' || c == ' '; }, '.');
  return FormatBytes(flat) == flat ? value : FormatBytes(value);
}

int RunGet(const DataOptions& options, const Environment& environment) {
  const auto key = KeyOf(options, environment);
  if (!key.ok()) return FailUsage(key.status(), "nokv get", environment.err);
  const auto store = OpenStore(options, Store::Mode::kReadOnly, environment);
  if (!store.ok()) return Fail(store.status(), environment.err);
  const auto value = (*store)->Get(options.db(), *key);
  if (!value.ok()) return Fail(value.status(), environment.err);
  if (!value->has_value()) return NotFound(options, *key, environment);
  const Store::Value& found = **value;
  if (const Status status = CheckString(options, *key, *value); !status.ok()) {
    return Fail(status, environment.err);
  }
  if (options.output.Is("table")) {
    environment.out << ShownValue(found.data) << "\n";
  } else if (options.output.Is("raw")) {
    environment.out << found.data;
  } else {
    RowWriter rows(environment.out, options.output, {"key", "value", "expiry_ms"});
    rows.Row({Cell::Bytes(*key), Cell::Bytes(found.data),
              found.expiry_ms == 0 ? Cell::None() : Cell::Number(found.expiry_ms)});
  }
  return kExitOk;
}

int RunPut(const DataOptions& options, const Environment& environment) {
  const auto key = KeyOf(options, environment);
  if (!key.ok()) return FailUsage(key.status(), "nokv put", environment.err);
  const auto value =
      ParseBytes(options.value, environment.in, environment.fs, keys::kMaxValueBytes);
  if (!value.ok()) return FailUsage(value.status().Prefixed("VALUE"), "nokv put", environment.err);
  const auto store = OpenStore(options, Store::Mode::kWrite, environment);
  if (!store.ok()) return FailOpen(store.status(), environment);
  const auto before = (*store)->Get(options.db(), *key);
  Status status = before.status();
  if (status.ok()) status = CheckString(options, *key, *before);
  const uint64_t expiry_ms =
      options.ttl_ms != 0 ? (*store)->NowMs() + options.ttl_ms : options.expiry_ms;
  if (status.ok()) status = (*store)->Put(options.db(), *key, *value, expiry_ms);
  if (status.ok()) status = (*store)->Close();
  if (!status.ok()) return Fail(status, environment.err);
  Note(environment, std::string(before->has_value() ? "replaced " : "added ") + Quoted(*key) +
                        ", " + std::to_string(value->size()) + " bytes");
  return kExitOk;
}

int RunDelete(const DataOptions& options, const Environment& environment) {
  const auto key = KeyOf(options, environment);
  if (!key.ok()) return FailUsage(key.status(), "nokv delete", environment.err);
  const auto store = OpenStore(options, Store::Mode::kWrite, environment);
  if (!store.ok()) return FailOpen(store.status(), environment);
  const auto before = (*store)->Get(options.db(), *key);
  Status status = before.status();
  if (status.ok()) status = CheckString(options, *key, *before);
  if (status.ok() && before->has_value()) status = (*store)->Delete(options.db(), *key);
  if (status.ok()) status = (*store)->Close();
  if (!status.ok()) return Fail(status, environment.err);
  if (!before->has_value()) return NotFound(options, *key, environment);
  Note(environment, "deleted " + Quoted(*key));
  return kExitOk;
}

Result<Store::Range> RangeOf(const DataOptions& options, const Environment& environment) {
  const auto parse = [&](const std::string& text) {
    return ParseBytes(text, environment.in, environment.fs, keys::kMaxUserKeyBytes);
  };
  ASSIGN_OR_RETURN(const std::string prefix, parse(options.prefix));
  Store::Range range{.reverse = options.reverse, .keys_only = options.keys_only};
  ASSIGN_OR_RETURN(range.from, parse(options.from));
  ASSIGN_OR_RETURN(range.to, parse(options.to));
  range.from = std::max(range.from, prefix);
  const std::string end = AfterPrefix(prefix);
  if (range.to.empty() || (!end.empty() && end < range.to)) range.to = end;
  return range;
}

int RunScan(const DataOptions& options, const Environment& environment) {
  const auto range = RangeOf(options, environment);
  if (!range.ok()) return FailUsage(range.status(), "nokv scan", environment.err);
  const auto store = OpenStore(options, Store::Mode::kReadOnly, environment);
  if (!store.ok()) return Fail(store.status(), environment.err);
  OutputOptions output = options.output;
  std::vector<std::string> columns = {"key", "value", "expiry_ms"};
  if (options.keys_only) {
    columns = {"key"};
    // One column needs no name over it.
    output.no_header = output.no_header || output.Is("table");
  }
  RowWriter rows(environment.out, output, columns);
  uint64_t count = 0;
  const Status status =
      (*store)->Scan(options.db(), *range, [&](std::string_view key, const Store::Value& value) {
        const Cell expiry = value.expiry_ms == 0 ? Cell::None() : Cell::Number(value.expiry_ms);
        const bool string = options.redis_db == kNoDatabase ||
                            value.type == static_cast<uint8_t>(redis::ValueType::kString);
        rows.Row(options.keys_only
                     ? std::vector<Cell>{Cell::Bytes(key)}
                     : std::vector<Cell>{Cell::Bytes(key),
                                         string ? Cell::Bytes(value.data) : Cell::None(), expiry});
        count++;
        // Nobody reads any more.
        return environment.out.good() && (options.limit == 0 || count < options.limit);
      });
  rows.Finish();
  if (!status.ok()) return Fail(status, environment.err);
  if (environment.verbosity >= Verbosity::kVerbose) environment.err << count << " keys\n";
  return kExitOk;
}

// `define` adds what a command has of its own.
std::function<Action(FlagSet&)> DefineWith(
    const std::function<void(FlagSet&, DataOptions*)>& define,
    int (*run)(const DataOptions&, const Environment&)) {
  return [define, run](FlagSet& flags) -> Action {
    auto options = std::make_shared<DataOptions>();
    DefineDirectory(flags, options.get());
    define(flags, options.get());
    return [options, run](const Environment& environment) { return run(*options, environment); };
  };
}

void DefineKey(FlagSet& flags, DataOptions* options) {
  flags.Argument("KEY", &options->key, kNotation).Required();
}

void DefinePut(FlagSet& flags, DataOptions* options) {
  DefineKey(flags, options);
  flags.Argument("VALUE", &options->value, kNotation).Required();
  flags.Duration("ttl", &options->ttl_ms, {1, kLongestTtlMs}, "when it expires, from now")
      .default_text = "";
  flags
      .Number("expiry", "MS", &options->expiry_ms, {1, uint64_t{1} << 53},
              "when it expires, in milliseconds since 1970")
      .default_text = "";
  flags.Check([options] {
    if (options->ttl_ms != 0 && options->expiry_ms != 0) {
      return Status::InvalidArgument("--ttl and --expiry contradict each other");
    }
    return options->key == "-" && options->value == "-"
               ? Status::InvalidArgument("KEY and VALUE cannot both come from standard input")
               : Status::Ok();
  });
}

void DefineScan(FlagSet& flags, DataOptions* options) {
  flags.Text("prefix", "KEY", &options->prefix, "only keys that begin with it");
  flags.Text("from", "KEY", &options->from, "the first key, inclusive");
  flags.Text("to", "KEY", &options->to, "the last key, exclusive");
  flags.Number("limit", "N", &options->limit, {1}, "stop after so many keys")
      .Short('n')
      .default_text = "";
  flags.Switch("reverse", &options->reverse, "from the last key to the first");
  flags.Switch("keys-only", &options->keys_only, "leave out values and expiry");
  DefineOutput(flags, &options->output, {"key", "value", "expiry_ms"});
  flags.Check([options] {
    return options->keys_only && !options->output.columns.empty()
               ? Status::InvalidArgument("--keys-only and --columns contradict each other")
               : Status::Ok();
  });
}

constexpr const char* kBesides =
    "Reads without changing a byte, also while a server has the directory open.";
constexpr const char* kWrites =
    "Durable when it returns. Refused while another process has the directory open. A gateway "
    "counts the keys anew at its next start.";

}  // namespace

Command GetCommand() {
  return {.name = "get",
          .summary = "the value of a key",
          .examples = {{"nokv get greeting --workdir ./mydb"},
                       {"nokv get greeting --workdir ./mydb --json"},
                       {"nokv get hex:6772656574696e67 --workdir ./mydb -o raw >greeting.txt"},
                       {"nokv get user:1 --workdir ./data --redis-db 3", "as clients see it"}},
          .description = std::string("Prints the value of a key, bytes that are not text as hex:; "
                                     "-o raw prints them as they are. ") +
                         kBesides + " A key that is not there ends it with exit code 3.",
          .define = DefineWith(
              [](FlagSet& flags, DataOptions* options) {
                DefineKey(flags, options);
                DefineOutput(flags, &options->output, {"key", "value", "expiry_ms"});
              },
              RunGet)};
}

Command PutCommand() {
  return {.name = "put",
          .summary = "write a key",
          .examples = {{"nokv put greeting hello --workdir ./mydb"},
                       {"nokv put session hex:00ff --ttl 30m --workdir ./mydb"},
                       {"nokv put page @greeting.txt --workdir ./mydb"},
                       {"date | nokv put now - --workdir ./mydb"}},
          .description =
              std::string("Writes a value, creating the directory if it is missing. ") + kWrites,
          .define = DefineWith(DefinePut, RunPut)};
}

Command DeleteCommand() {
  return {.name = "delete",
          .summary = "delete a key",
          .examples = {{"nokv delete session --workdir ./mydb"}},
          .description = std::string("Deletes a key; exit code 3 if it is not there. ") + kWrites,
          .define = DefineWith(DefineKey, RunDelete)};
}

Command ScanCommand() {
  return {.name = "scan",
          .summary = "keys and values in order",
          .examples = {{"nokv scan --workdir ./mydb"},
                       {"nokv scan --workdir ./mydb --prefix user: --limit 20"},
                       {"nokv scan --workdir ./mydb --from a --to c --reverse --keys-only"},
                       {"nokv scan --workdir ./data --redis-db 3 -o jsonl"}},
          .description = std::string("Prints keys and values in the order of the keys. Keys are "
                                     "printed so that they can be typed again: what is not plain "
                                     "text as hex:. ") +
                         kBesides,
          .define = DefineWith(DefineScan, RunScan)};
}

}  // namespace nokv::cli
