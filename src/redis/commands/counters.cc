// INCR and its relatives: numbers kept as decimal strings.
#include <cmath>
#include <limits>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

Status PutNumber(Context& context, const Record& old, std::string text, std::string_view event) {
  PutArguments put;
  put.expiry_ms = old.expiry_ms;
  RETURN_IF_ERROR(
      context.txn.Put(context.db(), context.args[1], context.txn.Keep(std::move(text)), put));
  Notify(context, kStringEvent, event, context.args[1]);
  return Status::Ok();
}

Status AddInteger(Context& context, int64_t delta) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindStringToChange(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  int64_t value = 0;
  if (lookup == Lookup::kFound) {
    const auto old = IntegerArgument(context, record.value);
    if (!old.has_value()) return Status::Ok();
    value = *old;
  }
  if (__builtin_add_overflow(value, delta, &value)) {
    return Fail(context, "ERR increment or decrement would overflow");
  }
  context.reply.Integer(value);
  return PutNumber(context, record, std::to_string(value), "incrby");
}

Status Incr(Context& context) {
  return AddInteger(context, 1);
}

Status Decr(Context& context) {
  return AddInteger(context, -1);
}

Status IncrBy(Context& context) {
  const auto delta = IntegerArgument(context, context.args[2]);
  return delta.has_value() ? AddInteger(context, *delta) : Status::Ok();
}

Status DecrBy(Context& context) {
  const auto delta = IntegerArgument(context, context.args[2]);
  if (!delta.has_value()) return Status::Ok();
  if (*delta == std::numeric_limits<int64_t>::min()) {
    return Fail(context, "ERR decrement would overflow");
  }
  return AddInteger(context, -*delta);
}

Status IncrByFloat(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindStringToChange(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  const auto old = lookup == Lookup::kFound ? ParseLongDouble(record.value) : 0.0L;
  const auto delta = ParseLongDouble(context.args[2]);
  if (!old.has_value() || !delta.has_value()) {
    return Fail(context, "ERR value is not a valid float");
  }
  const long double value = *old + *delta;
  if (!std::isfinite(value)) {
    return Fail(context, "ERR increment would produce NaN or Infinity");
  }
  std::string text = FormatLongDouble(value);
  context.reply.Bulk(text);
  return PutNumber(context, record, std::move(text), "incrbyfloat");
}

constexpr CommandSpec kCommands[] = {
    {"incr", 2, Incr, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Adds one to the integer in a key\n"
     "keys: RW access update\n"
     "args: key"},
    {"decr", 2, Decr, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Subtracts one from the integer in a key\n"
     "keys: RW access update\n"
     "args: key"},
    {"incrby", 3, IncrBy, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Adds to the integer in a key\n"
     "keys: RW access update\n"
     "args: key increment:int"},
    {"decrby", 3, DecrBy, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Subtracts from the integer in a key\n"
     "keys: RW access update\n"
     "args: key decrement:int"},
    {"incrbyfloat", 3, IncrByFloat, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string",
     "2.6.0",
     "Adds to the decimal number in a key\n"
     "keys: RW access update\n"
     "args: key increment:float"},
};

}  // namespace

std::span<const CommandSpec> CounterCommands() {
  return kCommands;
}

}  // namespace nokv::redis
