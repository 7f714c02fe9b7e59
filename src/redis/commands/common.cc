#include "redis/commands/common.h"

#include <limits>

#include "base/macros.h"
#include "redis/number.h"

namespace nokv::redis {

size_t MaxStringBytes(const Context& context) {
  return context.services.config().max_bulk_bytes;
}

Status Fail(Context& context, std::string_view error) {
  context.reply.Rewind();
  context.reply.Error(error);
  return Status::Ok();
}

std::optional<int64_t> IntegerArgument(Context& context, std::string_view text,
                                       std::string_view error) {
  const auto value = ParseInt64(text);
  if (!value.has_value()) context.reply.Error(error);
  return value;
}

void CountLookup(Context& context, std::string_view key, bool found) {
  context.services.CountLookup(found);
  if (!found) Notify(context, kKeyMissEvent, "keymiss", key);
}

void Notify(Context& context, KeyEvent kind, std::string_view event, std::string_view key) {
  context.txn.Notify(context.db(), kind, event, key);
}

std::optional<int> SmallIntegerArgument(Context& context, std::string_view text) {
  const auto value = IntegerArgument(context, text);
  if (!value.has_value()) return std::nullopt;
  if (*value < std::numeric_limits<int>::min() || *value > std::numeric_limits<int>::max()) {
    context.reply.Error("ERR value is out of range, value must between -2147483648 and 2147483647");
    return std::nullopt;
  }
  return static_cast<int>(*value);
}

Result<Lookup> FindString(Context& context, std::string_view key, Record* record) {
  ASSIGN_OR_RETURN(const Lookup lookup, FindStringToChange(context, key, record));
  CountLookup(context, key, lookup != Lookup::kMissing);
  return lookup;
}

Result<Lookup> FindStringToChange(Context& context, std::string_view key, Record* record) {
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), key, record));
  if (!found) return Lookup::kMissing;
  if (record->type != static_cast<uint8_t>(ValueType::kString)) {
    context.reply.Error(kWrongTypeError);
    return Lookup::kWrongType;
  }
  return Lookup::kFound;
}

std::optional<uint64_t> ExpiryFrom(int64_t value, TimeUnit unit, bool absolute, bool positive,
                                   uint64_t now_ms) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (positive && value <= 0) return std::nullopt;
  if (unit == TimeUnit::kSeconds) {
    if (value > kMax / 1000 || value < std::numeric_limits<int64_t>::min() / 1000) {
      return std::nullopt;
    }
    value *= 1000;
  }
  if (!absolute) {
    if (value > kMax - static_cast<int64_t>(now_ms)) return std::nullopt;
    value += static_cast<int64_t>(now_ms);
  }
  // A time before 1970 has passed, and 0 would say "never".
  return value <= 0 ? 1 : static_cast<uint64_t>(value);
}

std::string_view ExpiryEvent(const Context& context, uint64_t expiry_ms) {
  if (expiry_ms == 0) return "persist";
  return context.txn.IsLive(expiry_ms) ? "expire" : "del";
}

std::string InvalidExpiry(std::string_view command) {
  return "ERR invalid expire time in '" + std::string(command) + "' command";
}

std::string WrongArity(std::string_view command) {
  return "ERR wrong number of arguments for '" + std::string(command) + "' command";
}

std::string WrongSubcommandUse(std::string_view container, std::string_view subcommand) {
  return "ERR unknown subcommand or wrong number of arguments for '" +
         std::string(subcommand.substr(0, 128)) + "'. Try " + std::string(container) + " HELP.";
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void ReplyHelp(Context& context, std::string_view container,
               std::span<const std::string_view> lines) {
  context.reply.Array(lines.size() + 3);
  context.reply.Simple(std::string(container) +
                       " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) context.reply.Simple(line);
  context.reply.Simple("HELP");
  context.reply.Simple("    Prints this help.");
}

}  // namespace nokv::redis
