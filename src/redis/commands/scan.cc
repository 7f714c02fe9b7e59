// SCAN and KEYS.
#include <algorithm>
#include <functional>
#include <limits>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/glob.h"
#include "redis/number.h"
#include "redis/scan_cursors.h"

namespace nokv::redis {

namespace {

constexpr int64_t kDefaultScanCount = 10;
// One SCAN call looks at no more keys, and one reply holds no more bytes of keys.
constexpr int64_t kMaxScanCount = 1'000'000;
constexpr size_t kMaxScanReplyBytes = size_t{16} << 20;
constexpr size_t kMaxKeysReplyBytes = size_t{256} << 20;

struct Filter {
  std::string_view pattern = "*";
  bool all = true;  // the pattern matches everything
  std::string_view type;

  bool Accepts(std::string_view key, uint8_t key_type) const {
    if (!type.empty() &&
        !(EqualsIgnoreCase(type, "string") && key_type == uint8_t(ValueType::kString))) {
      return false;
    }
    return all || GlobMatch(pattern, key);
  }
};

// What every match of the pattern begins with.
std::string_view LiteralPrefix(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?[\\"));
}

// The first string after all that begin with `prefix`; empty if there is none.
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

// Where matches of the filter can be, at or after the data key `from`.
std::vector<KeyRange> RangesFor(int db, const Filter& filter, const std::string& from) {
  std::vector<KeyRange> ranges = KeyRanges(db);
  const std::string_view prefix = LiteralPrefix(filter.pattern);
  if (!prefix.empty()) {
    const std::string begin = DataKey(db, prefix);
    ranges = {{begin, PrefixEnd(begin)}};
  }
  std::vector<KeyRange> rest;
  for (KeyRange& range : ranges) {
    if (!range.end.empty() && range.end <= from) continue;
    range.begin = std::max(range.begin, from);
    rest.push_back(std::move(range));
  }
  return rest;
}

// Calls `visit` with each live key that the filter accepts, from `from` on. It stops after looking
// at `budget` keys or when `visit` returns false; returns the data key to go on at, empty at the
// end.
Result<std::string> WalkKeys(Context& context, const Filter& filter, const std::string& from,
                             int64_t budget,
                             const std::function<bool(std::string_view key)>& visit) {
  std::string scratch;
  bool more = true;
  for (const KeyRange& range : RangesFor(context.db(), filter, from)) {
    const auto cursor = context.txn.Scan(range.begin, range.end);
    for (; cursor->Valid(); cursor->Next()) {
      if (!more || budget-- <= 0) return std::string(cursor->key());
      if (!context.txn.IsLive(cursor->expiry_ms())) continue;
      const std::string_view key = UserKey(context.db(), cursor->key(), &scratch);
      if (filter.Accepts(key, cursor->type())) more = visit(key);
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return std::string();
}

// False after replying with an error.
bool ParseScanOptions(Context& context, Filter* filter, int64_t* count) {
  const auto words = context.args.subspan(2);
  for (size_t i = 0; i < words.size(); i += 2) {
    const bool has_value = i + 1 < words.size();
    if (has_value && EqualsIgnoreCase(words[i], "count")) {
      const auto value = IntegerArgument(context, words[i + 1]);
      if (!value.has_value()) return false;
      if (*value < 1) {
        context.reply.Error(kSyntaxError);
        return false;
      }
      *count = std::min(*value, kMaxScanCount);
    } else if (has_value && EqualsIgnoreCase(words[i], "match")) {
      filter->pattern = words[i + 1];
      filter->all = filter->pattern == "*";
    } else if (has_value && EqualsIgnoreCase(words[i], "type")) {
      filter->type = words[i + 1];
    } else {
      context.reply.Error(kSyntaxError);
      return false;
    }
  }
  return true;
}

Status Scan(Context& context) {
  const auto cursor = ParseUint64(context.args[1]);
  if (!cursor.has_value()) return Fail(context, "ERR invalid cursor");
  Filter filter;
  int64_t count = kDefaultScanCount;
  if (!ParseScanOptions(context, &filter, &count)) return Status::Ok();
  std::string from;
  if (*cursor != 0) {
    ASSIGN_OR_RETURN(auto position,
                     context.services.scan_cursors().Find(context.txn, context.db(), *cursor));
    if (!position.has_value()) return Fail(context, "ERR invalid cursor");
    from = std::move(*position);
  }
  std::string found;
  size_t matches = 0;
  Reply keys(&found, context.reply.protocol());
  ASSIGN_OR_RETURN(const std::string next,
                   WalkKeys(context, filter, from, count, [&](std::string_view key) {
                     keys.Bulk(key);
                     ++matches;
                     return found.size() < kMaxScanReplyBytes;
                   }));
  uint64_t next_cursor = 0;
  if (!next.empty()) {
    ASSIGN_OR_RETURN(next_cursor,
                     context.services.scan_cursors().Save(context.services.backend(), context.txn,
                                                          context.db(), *cursor, next));
  }
  context.reply.Array(2);
  context.reply.Bulk(std::to_string(next_cursor));
  context.reply.Array(matches);
  context.reply.Raw(found);
  return Status::Ok();
}

Status Keys(Context& context) {
  Filter filter;
  filter.pattern = context.args[1];
  filter.all = filter.pattern == "*";
  std::string found;
  size_t matches = 0;
  Reply keys(&found, context.reply.protocol());
  ASSIGN_OR_RETURN(
      const std::string next,
      WalkKeys(context, filter, "", std::numeric_limits<int64_t>::max(), [&](std::string_view key) {
        keys.Bulk(key);
        ++matches;
        return found.size() < kMaxKeysReplyBytes;
      }));
  if (!next.empty()) {
    return Fail(context, "ERR KEYS would return more than 256 MiB; use SCAN instead");
  }
  context.reply.Array(matches);
  context.reply.Raw(found);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"scan", -2, Scan, kReadOnlyFlag, 0, 0, 0, "generic", "2.8.0",
     "Walks over the keys of the database, some at a time\n"
     "args: cursor:int [MATCH=pattern:pattern] [COUNT=count:int] [TYPE=type@6.0.0]\n"
     "cost: O(N), COUNT N\n"
     "tips: nondeterministic_output request_policy:special\n"
     "history: 6.0.0 TYPE"},
    {"keys", 2, Keys, kReadOnlyFlag, 0, 0, 0, "generic", "1.0.0",
     "Returns all keys that match a pattern\n"
     "acl: keyspace dangerous\n"
     "args: pattern:pattern\n"
     "cost: O(N), N keys that begin with the pattern's plain part\n"
     "tips: request_policy:all_shards nondeterministic_output_order"},
};

}  // namespace

std::span<const CommandSpec> ScanCommands() {
  return kCommands;
}

}  // namespace nokv::redis
