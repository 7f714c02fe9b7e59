// MEMORY: what keys and the process take.
#include <iterator>
#include <string>
#include <utility>

#include "base/macros.h"
#include "base/process.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/layout.h"

namespace nokv::redis {

namespace {

// Of an entry in a table, beside key and value: sequence number, kind, attributes and lengths.
constexpr size_t kEntryBytes = 32;

// What an entry takes on disk, before compression; as long as nobody reads it, that is all.
Status MemoryUsage(Context& context) {
  const auto words = context.args.subspan(3);
  for (size_t i = 0; i < words.size(); i += 2) {
    if (!EqualsIgnoreCase(words[i], "samples") || i + 1 == words.size()) {
      return Fail(context, kSyntaxError);
    }
    const auto samples = IntegerArgument(context, words[i + 1]);
    if (!samples.has_value()) return Status::Ok();
    if (*samples < 0) return Fail(context, kSyntaxError);
  }
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[2], &record));
  if (!found) {
    context.reply.Null();
    return Status::Ok();
  }
  size_t bytes = DataKey(context.db(), context.args[2]).size() + record.value.size() + kEntryBytes;
  if (record.expiry_ms != 0) {
    bytes += ExpiryIndexKey(context.db(), record.expiry_ms, context.args[2]).size() + kEntryBytes;
  }
  context.reply.Integer(static_cast<int64_t>(bytes));
  return Status::Ok();
}

Status MemoryStats(Context& context) {
  const base::ProcessUsage usage = base::ReadProcessUsage();
  uint64_t keys = 0;
  for (int db = 0; db < kDatabases; ++db) {
    ASSIGN_OR_RETURN(const Counts counts, context.txn.CountLive(db));
    keys += counts.keys;
  }
  const std::pair<std::string_view, uint64_t> fields[] = {
      {"peak.allocated", usage.peak_resident_bytes},
      {"total.allocated", usage.allocated_bytes},
      {"allocator.resident", usage.resident_bytes},
      {"keys.count", keys},
  };
  context.reply.Map(std::size(fields));
  for (const auto& [name, value] : fields) {
    context.reply.Bulk(name);
    context.reply.Integer(static_cast<int64_t>(value));
  }
  return Status::Ok();
}

Status MemoryDoctor(Context& context) {
  context.reply.Verbatim(
      "Keys and values are on disk: memory holds a cache, recent writes and what clients have in "
      "flight, each with a limit. INFO memory shows what the process takes.\n");
  return Status::Ok();
}

Status MemoryHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "DOCTOR",
      "    Return memory problems reports.",
      "STATS",
      "    Return information about the memory usage of the server.",
      "USAGE <key> [SAMPLES <count>]",
      "    Return the bytes that <key> and its value take on disk, uncompressed."};
  ReplyHelp(context, "MEMORY", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"memory|doctor", 2, MemoryDoctor, 0, 0, 0, 0, "server", "4.0.0",
     "Says whether memory is a problem\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory|help", 2, MemoryHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "4.0.0",
     "Describes the subcommands"},
    {"memory|stats", 2, MemoryStats, 0, 0, 0, 0, "server", "4.0.0",
     "Returns what the memory of the server is used for\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory|usage", -3, MemoryUsage, kReadOnlyFlag, 2, 2, 1, "server", "4.0.0",
     "Returns how many bytes a key and its value take\n"
     "keys: RO\n"
     "args: key [SAMPLES=count:int]"},
};

constexpr CommandSpec kCommands[] = {
    {"memory", -2, nullptr, 0, 0, 0, 0, "server", "4.0.0",
     "How much memory keys and the server take", kSubcommands},
};

}  // namespace

std::span<const CommandSpec> MemoryCommands() {
  return kCommands;
}

}  // namespace nokv::redis
