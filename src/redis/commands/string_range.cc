// Commands that look into a string or change a part of it.
#include <algorithm>

#include "base/macros.h"
#include "redis/commands/common.h"

namespace nokv::redis {

namespace {

Status Append(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindStringToChange(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  const std::string_view tail = context.args[2];
  if (record.value.size() + tail.size() > MaxStringBytes(context)) return Fail(context, kTooLong);
  std::string value;
  value.reserve(record.value.size() + tail.size());
  value.append(record.value).append(tail);
  context.reply.Integer(static_cast<int64_t>(value.size()));
  PutArguments put;
  put.expiry_ms = record.expiry_ms;
  RETURN_IF_ERROR(
      context.txn.Put(context.db(), context.args[1], context.txn.Keep(std::move(value)), put));
  Notify(context, kStringEvent, "append", context.args[1]);
  return Status::Ok();
}

Status StrLen(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  context.reply.Integer(static_cast<int64_t>(record.value.size()));
  return Status::Ok();
}

Status GetRange(Context& context) {
  const auto first = IntegerArgument(context, context.args[2]);
  if (!first.has_value()) return Status::Ok();
  const auto last = IntegerArgument(context, context.args[3]);
  if (!last.has_value()) return Status::Ok();
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  const auto size = static_cast<int64_t>(record.value.size());
  int64_t begin = *first;
  int64_t end = *last;
  const bool both_from_the_end_reversed = begin < 0 && end < 0 && begin > end;
  if (begin < 0) begin = std::max<int64_t>(0, size + std::max(begin, -size));
  if (end < 0) end = std::max<int64_t>(0, size + std::max(end, -size));
  end = std::min(end, size - 1);
  if (both_from_the_end_reversed || size == 0 || begin > end) {
    context.reply.Bulk("");
  } else {
    context.reply.Bulk(
        record.value.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin + 1)));
  }
  return Status::Ok();
}

Status SetRange(Context& context) {
  const auto offset = IntegerArgument(context, context.args[2]);
  if (!offset.has_value()) return Status::Ok();
  if (*offset < 0) return Fail(context, "ERR offset is out of range");
  const std::string_view part = context.args[3];
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindStringToChange(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  if (part.empty()) {
    context.reply.Integer(static_cast<int64_t>(record.value.size()));
    return Status::Ok();
  }
  const auto at = static_cast<uint64_t>(*offset);
  if (at > MaxStringBytes(context) || at + part.size() > MaxStringBytes(context))
    return Fail(context, kTooLong);
  std::string value(record.value);
  value.resize(std::max(value.size(), static_cast<size_t>(at) + part.size()));
  part.copy(value.data() + at, part.size());
  context.reply.Integer(static_cast<int64_t>(value.size()));
  PutArguments put;
  put.expiry_ms = record.expiry_ms;
  RETURN_IF_ERROR(
      context.txn.Put(context.db(), context.args[1], context.txn.Keep(std::move(value)), put));
  Notify(context, kStringEvent, "setrange", context.args[1]);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"append", 3, Append, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "2.0.0",
     "Adds to the end of a value\n"
     "keys: RW insert\n"
     "args: key value\n"
     "cost: O(N), N bytes of the new value"},
    {"strlen", 2, StrLen, kReadOnlyFlag | kFastFlag, 1, 1, 1, "string", "2.2.0",
     "Returns the length of a value in bytes\n"
     "keys: RO\n"
     "args: key"},
    {"getrange", 4, GetRange, kReadOnlyFlag, 1, 1, 1, "string", "2.4.0",
     "Returns a part of a value\n"
     "args: key start:int end:int\n"
     "cost: O(N), N bytes returned"},
    {"substr", 4, GetRange, kReadOnlyFlag, 1, 1, 1, "string", "1.0.0",
     "Returns a part of a value\n"
     "args: key start:int end:int\n"
     "cost: O(N), N bytes returned\n"
     "instead: 2.0.0 GETRANGE"},
    {"setrange", 4, SetRange, kWriteFlag | kDenyOomFlag, 1, 1, 1, "string", "2.2.0",
     "Overwrites a part of a value from an offset on\n"
     "args: key offset:int value\n"
     "cost: O(N), N bytes of the new value"},
};

}  // namespace

std::span<const CommandSpec> StringRangeCommands() {
  return kCommands;
}

}  // namespace nokv::redis
