// The EXPIRE and TTL families.
#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

struct Conditions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
};

// False after replying with an error.
bool ParseConditions(Context& context, Conditions* conditions) {
  for (const std::string_view word : context.args.subspan(3)) {
    if (EqualsIgnoreCase(word, "nx")) {
      conditions->nx = true;
    } else if (EqualsIgnoreCase(word, "xx")) {
      conditions->xx = true;
    } else if (EqualsIgnoreCase(word, "gt")) {
      conditions->gt = true;
    } else if (EqualsIgnoreCase(word, "lt")) {
      conditions->lt = true;
    } else {
      context.reply.Error("ERR Unsupported option " + std::string(word));
      return false;
    }
  }
  if (conditions->nx && (conditions->xx || conditions->gt || conditions->lt)) {
    context.reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions->gt && conditions->lt) {
    context.reply.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// A key without an expiry lives for ever: longer than any time.
bool Allowed(const Conditions& conditions, uint64_t old_ms, uint64_t new_ms) {
  if (conditions.nx && old_ms != 0) return false;
  if (conditions.xx && old_ms == 0) return false;
  if (conditions.gt && (old_ms == 0 || new_ms <= old_ms)) return false;
  return !(conditions.lt && old_ms != 0 && new_ms >= old_ms);
}

Status ExpireWith(Context& context, TimeUnit unit, bool absolute, std::string_view command) {
  Conditions conditions;
  if (!ParseConditions(context, &conditions)) return Status::Ok();
  const auto value = IntegerArgument(context, context.args[2]);
  if (!value.has_value()) return Status::Ok();
  const auto expiry = ExpiryFrom(*value, unit, absolute, false, context.txn.now_ms());
  if (!expiry.has_value()) return Fail(context, InvalidExpiry(command));
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[1], &record));
  if (!found || !Allowed(conditions, record.expiry_ms, *expiry)) {
    context.reply.Integer(0);
    return Status::Ok();
  }
  context.reply.Integer(1);
  PutArguments put;
  put.type = static_cast<ValueType>(record.type);
  put.expiry_ms = *expiry;
  RETURN_IF_ERROR(context.txn.Put(context.db(), context.args[1], record, put));
  Notify(context, kGenericEvent, ExpiryEvent(context, *expiry), context.args[1]);
  return Status::Ok();
}

Status Expire(Context& context) {
  return ExpireWith(context, TimeUnit::kSeconds, false, "expire");
}

Status PExpire(Context& context) {
  return ExpireWith(context, TimeUnit::kMillis, false, "pexpire");
}

Status ExpireAt(Context& context) {
  return ExpireWith(context, TimeUnit::kSeconds, true, "expireat");
}

Status PExpireAt(Context& context) {
  return ExpireWith(context, TimeUnit::kMillis, true, "pexpireat");
}

Status TtlWith(Context& context, TimeUnit unit, bool absolute) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[1], &record));
  CountLookup(context, context.args[1], found);
  if (!found || record.expiry_ms == 0) {
    context.reply.Integer(found ? -1 : -2);
    return Status::Ok();
  }
  const auto expiry = static_cast<int64_t>(record.expiry_ms);
  const int64_t shown = absolute ? expiry : expiry - static_cast<int64_t>(context.txn.now_ms());
  context.reply.Integer(unit == TimeUnit::kMillis ? shown
                                                  : shown / 1000 + (shown % 1000 >= 500 ? 1 : 0));
  return Status::Ok();
}

Status Ttl(Context& context) {
  return TtlWith(context, TimeUnit::kSeconds, false);
}

Status PTtl(Context& context) {
  return TtlWith(context, TimeUnit::kMillis, false);
}

Status ExpireTime(Context& context) {
  return TtlWith(context, TimeUnit::kSeconds, true);
}

Status PExpireTime(Context& context) {
  return TtlWith(context, TimeUnit::kMillis, true);
}

Status Persist(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[1], &record));
  const bool changes = found && record.expiry_ms != 0;
  context.reply.Integer(changes ? 1 : 0);
  if (!changes) return Status::Ok();
  PutArguments put;
  put.type = static_cast<ValueType>(record.type);
  RETURN_IF_ERROR(context.txn.Put(context.db(), context.args[1], record, put));
  Notify(context, kGenericEvent, "persist", context.args[1]);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"expire", -3, Expire, kWriteFlag | kFastFlag, 1, 1, 1, "generic", "1.0.0",
     "Sets the time to live of a key in seconds\n"
     "args: key seconds:int [condition@7.0.0(NX|XX|GT|LT)]\n"
     "history: 7.0.0 NX, XX, GT and LT"},
    {"pexpire", -3, PExpire, kWriteFlag | kFastFlag, 1, 1, 1, "generic", "2.6.0",
     "Sets the time to live of a key in milliseconds\n"
     "args: key milliseconds:int [condition@7.0.0(NX|XX|GT|LT)]\n"
     "history: 7.0.0 NX, XX, GT and LT"},
    {"expireat", -3, ExpireAt, kWriteFlag | kFastFlag, 1, 1, 1, "generic", "1.2.0",
     "Sets the Unix time in seconds at which a key expires\n"
     "args: key unix-time-seconds:time [condition@7.0.0(NX|XX|GT|LT)]\n"
     "history: 7.0.0 NX, XX, GT and LT"},
    {"pexpireat", -3, PExpireAt, kWriteFlag | kFastFlag, 1, 1, 1, "generic", "2.6.0",
     "Sets the Unix time in milliseconds at which a key expires\n"
     "args: key unix-time-milliseconds:time [condition@7.0.0(NX|XX|GT|LT)]\n"
     "history: 7.0.0 NX, XX, GT and LT"},
    {"ttl", 2, Ttl, kReadOnlyFlag | kFastFlag, 1, 1, 1, "generic", "1.0.0",
     "Returns the time to live of a key in seconds\n"
     "args: key\n"
     "tips: nondeterministic_output\n"
     "history: 2.8.0 -2 for a key that does not exist"},
    {"pttl", 2, PTtl, kReadOnlyFlag | kFastFlag, 1, 1, 1, "generic", "2.6.0",
     "Returns the time to live of a key in milliseconds\n"
     "args: key\n"
     "tips: nondeterministic_output\n"
     "history: 2.8.0 -2 for a key that does not exist"},
    {"expiretime", 2, ExpireTime, kReadOnlyFlag | kFastFlag, 1, 1, 1, "generic", "7.0.0",
     "Returns the Unix time in seconds at which a key expires\n"
     "args: key"},
    {"pexpiretime", 2, PExpireTime, kReadOnlyFlag | kFastFlag, 1, 1, 1, "generic", "7.0.0",
     "Returns the Unix time in milliseconds at which a key expires\n"
     "args: key"},
    {"persist", 2, Persist, kWriteFlag | kFastFlag, 1, 1, 1, "generic", "2.2.0",
     "Removes the expiry of a key\n"
     "args: key"},
};

}  // namespace

std::span<const CommandSpec> ExpireCommands() {
  return kCommands;
}

}  // namespace nokv::redis
