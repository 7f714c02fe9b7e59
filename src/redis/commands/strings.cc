// GET and SET in all their forms, and their relatives over whole values.
#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

// Replies with a value or null; for commands that end by showing what they found.
void ReplyValue(Context& context, Lookup lookup, const Record& record) {
  if (lookup == Lookup::kFound) {
    context.reply.Bulk(record.value);
  } else if (lookup == Lookup::kMissing) {
    context.reply.Null();
  }
}

// The options of SET and GETEX.
struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;
  bool has_expiry = false;
  TimeUnit unit = TimeUnit::kSeconds;
  bool absolute = false;
  std::string_view expiry;
};

// An expiry may be given again, by the same word: the last one counts.
bool ParseExpiryOption(std::string_view word, SetOptions* options) {
  struct Form {
    std::string_view name;
    TimeUnit unit;
    bool absolute;
  };
  static constexpr Form kForms[] = {{"ex", TimeUnit::kSeconds, false},
                                    {"px", TimeUnit::kMillis, false},
                                    {"exat", TimeUnit::kSeconds, true},
                                    {"pxat", TimeUnit::kMillis, true}};
  for (const Form& form : kForms) {
    if (!EqualsIgnoreCase(word, form.name)) continue;
    const bool same = options->unit == form.unit && options->absolute == form.absolute;
    if (options->has_expiry && !same) return false;
    options->unit = form.unit;
    options->absolute = form.absolute;
    options->has_expiry = true;
    return true;
  }
  return false;
}

// False if the words are not options that may stand together.
bool ParseSetOptions(std::span<const std::string_view> words, bool is_set, SetOptions* options) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const bool may_expire = !options->keep_ttl && !options->persist;
    if (is_set && EqualsIgnoreCase(word, "nx") && !options->xx) {
      options->nx = true;
    } else if (is_set && EqualsIgnoreCase(word, "xx") && !options->nx) {
      options->xx = true;
    } else if (is_set && EqualsIgnoreCase(word, "get")) {
      options->get = true;
    } else if (is_set && EqualsIgnoreCase(word, "keepttl") && !options->has_expiry) {
      options->keep_ttl = true;
    } else if (!is_set && EqualsIgnoreCase(word, "persist") && !options->has_expiry) {
      options->persist = true;
    } else if (may_expire && i + 1 < words.size() && ParseExpiryOption(word, options)) {
      options->expiry = words[++i];
    } else {
      return false;
    }
  }
  return true;
}

// The expiry that the options ask for, 0 for none; nullopt after replying with an error.
std::optional<uint64_t> RequestedExpiry(Context& context, const SetOptions& options,
                                        std::string_view command) {
  if (!options.has_expiry) return 0;
  const auto value = IntegerArgument(context, options.expiry);
  if (!value.has_value()) return std::nullopt;
  const auto expiry =
      ExpiryFrom(*value, options.unit, options.absolute, true, context.txn.now_ms());
  if (!expiry.has_value()) context.reply.Error(InvalidExpiry(command));
  return expiry;
}

Status PutAndTell(Context& context, std::string_view key, Value value, const PutArguments& put) {
  RETURN_IF_ERROR(context.txn.Put(context.db(), key, std::move(value), put));
  Notify(context, kStringEvent, "set", key);
  return Status::Ok();
}

Status SetWith(Context& context, std::string_view key, std::string_view value,
               const SetOptions& options, std::string_view command) {
  const auto expiry = RequestedExpiry(context, options, command);
  if (!expiry.has_value()) return Status::Ok();
  Record old;
  bool found = false;
  if (options.get) {
    ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, key, &old));
    if (lookup == Lookup::kWrongType) return Status::Ok();
    found = lookup == Lookup::kFound;
  } else if (options.nx || options.xx || options.keep_ttl) {
    ASSIGN_OR_RETURN(found, context.txn.Find(context.db(), key, &old));
  }
  const bool refused = (options.nx && found) || (options.xx && !found);
  if (!refused) {
    PutArguments put;
    put.expiry_ms = options.keep_ttl && found ? old.expiry_ms : *expiry;
    RETURN_IF_ERROR(PutAndTell(context, key, value, put));
    if (options.has_expiry) Notify(context, kGenericEvent, "expire", key);
    if (!context.txn.IsLive(put.expiry_ms)) Notify(context, kExpiredEvent, "expired", key);
  }
  if (options.get) {
    ReplyValue(context, found ? Lookup::kFound : Lookup::kMissing, old);
  } else if (refused) {
    context.reply.Null();
  } else {
    context.reply.Ok();
  }
  return Status::Ok();
}

Status Get(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  ReplyValue(context, lookup, record);
  return Status::Ok();
}

Status Set(Context& context) {
  SetOptions options;
  if (!ParseSetOptions(context.args.subspan(3), true, &options)) {
    return Fail(context, kSyntaxError);
  }
  return SetWith(context, context.args[1], context.args[2], options, "set");
}

Status SetNx(Context& context) {
  ASSIGN_OR_RETURN(const bool found, context.txn.Exists(context.db(), context.args[1]));
  if (!found) {
    RETURN_IF_ERROR(PutAndTell(context, context.args[1], context.args[2], {}));
  }
  context.reply.Integer(found ? 0 : 1);
  return Status::Ok();
}

Status SetEx(Context& context) {
  SetOptions options;
  options.has_expiry = true;
  options.expiry = context.args[2];
  return SetWith(context, context.args[1], context.args[3], options, "setex");
}

Status PSetEx(Context& context) {
  SetOptions options;
  options.has_expiry = true;
  options.unit = TimeUnit::kMillis;
  options.expiry = context.args[2];
  return SetWith(context, context.args[1], context.args[3], options, "psetex");
}

Status GetSet(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  if (lookup == Lookup::kWrongType) return Status::Ok();
  ReplyValue(context, lookup, record);
  return PutAndTell(context, context.args[1], context.args[2], {});
}

Status GetDel(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  ReplyValue(context, lookup, record);
  if (lookup != Lookup::kFound) return Status::Ok();
  RETURN_IF_ERROR(context.txn.Remove(context.db(), context.args[1]).status());
  Notify(context, kGenericEvent, "del", context.args[1]);
  return Status::Ok();
}

Status GetEx(Context& context) {
  SetOptions options;
  if (!ParseSetOptions(context.args.subspan(2), false, &options)) {
    return Fail(context, kSyntaxError);
  }
  Record record;
  ASSIGN_OR_RETURN(const Lookup lookup, FindString(context, context.args[1], &record));
  if (lookup != Lookup::kFound) {
    ReplyValue(context, lookup, record);
    return Status::Ok();
  }
  const auto expiry = RequestedExpiry(context, options, "getex");
  if (!expiry.has_value()) return Status::Ok();
  ReplyValue(context, lookup, record);
  const bool changes = options.has_expiry || (options.persist && record.expiry_ms != 0);
  if (!changes) return Status::Ok();
  PutArguments put;
  put.expiry_ms = *expiry;
  RETURN_IF_ERROR(context.txn.Put(context.db(), context.args[1], record, put));
  Notify(context, kGenericEvent, ExpiryEvent(context, *expiry), context.args[1]);
  return Status::Ok();
}

Status MGet(Context& context) {
  // Their values are looked up together.
  constexpr size_t kTogether = 16;
  const uint64_t limit = context.services.config().reply_limit_bytes;
  const auto keys = context.args.subspan(1);
  context.reply.Array(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i % kTogether == 0) {
      context.txn.Prefetch(context.db(), keys.subspan(i, std::min(kTogether, keys.size() - i)));
    }
    const std::string_view key = keys[i];
    Record record;
    ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), key, &record));
    CountLookup(context, key, found);
    const bool is_string = record.type == static_cast<uint8_t>(ValueType::kString);
    if (found && is_string) {
      context.reply.Bulk(record.value);
    } else {
      context.reply.Null();
    }
    if (context.reply.bytes() > limit) {
      return Fail(context,
                  "ERR the values exceed " + std::to_string(limit) + " bytes; ask for fewer keys");
    }
  }
  return Status::Ok();
}

Status PutPairs(Context& context) {
  for (size_t i = 1; i < context.args.size(); i += 2) {
    RETURN_IF_ERROR(PutAndTell(context, context.args[i], context.args[i + 1], {}));
  }
  return Status::Ok();
}

Status MSet(Context& context) {
  if (context.args.size() % 2 == 0) return Fail(context, WrongArity("mset"));
  RETURN_IF_ERROR(PutPairs(context));
  context.reply.Ok();
  return Status::Ok();
}

Status MSetNx(Context& context) {
  if (context.args.size() % 2 == 0) return Fail(context, WrongArity("msetnx"));
  for (size_t i = 1; i < context.args.size(); i += 2) {
    ASSIGN_OR_RETURN(const bool found, context.txn.Exists(context.db(), context.args[i]));
    if (found) {
      context.reply.Integer(0);
      return Status::Ok();
    }
  }
  RETURN_IF_ERROR(PutPairs(context));
  context.reply.Integer(1);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {"get", 2, Get, kReadOnlyFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Returns the value of a key\n"
     "args: key"},
    {"set", -3, Set, kWriteFlag | kDenyOomFlag, 1, 1, 1, "string", "1.0.0",
     "Sets the value of a key, whatever it held\n"
     "keys: RW access update variable_flags\n"
     "args: key value [condition@2.6.12(NX|XX)] [GET@6.2.0] [expiration(EX=seconds:int@2.6.12|"
     "PX=milliseconds:int@2.6.12|EXAT=unix-time-seconds:time@6.2.0|"
     "PXAT=unix-time-milliseconds:time@6.2.0|KEEPTTL@6.0.0)]\n"
     "history: 2.6.12 EX, PX, NX and XX; 6.0.0 KEEPTTL; 6.2.0 GET, EXAT and PXAT; 7.0.0 NX and "
     "GET together"},
    {"setnx", 3, SetNx, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Sets the value of a key unless it exists\n"
     "keys: OW insert\n"
     "args: key value"},
    {"setex", 4, SetEx, kWriteFlag | kDenyOomFlag, 1, 1, 1, "string", "2.0.0",
     "Sets the value of a key and its time to live in seconds\n"
     "keys: OW update\n"
     "args: key seconds:int value"},
    {"psetex", 4, PSetEx, kWriteFlag | kDenyOomFlag, 1, 1, 1, "string", "2.6.0",
     "Sets the value of a key and its time to live in milliseconds\n"
     "keys: OW update\n"
     "args: key milliseconds:int value"},
    {"getset", 3, GetSet, kWriteFlag | kDenyOomFlag | kFastFlag, 1, 1, 1, "string", "1.0.0",
     "Sets the value of a key and returns the one before\n"
     "keys: RW access update\n"
     "args: key value\n"
     "instead: 6.2.0 SET with GET"},
    {"getdel", 2, GetDel, kWriteFlag | kFastFlag, 1, 1, 1, "string", "6.2.0",
     "Returns the value of a key and deletes the key\n"
     "keys: RW access delete\n"
     "args: key"},
    {"getex", -2, GetEx, kWriteFlag | kFastFlag, 1, 1, 1, "string", "6.2.0",
     "Returns the value of a key and changes its expiry\n"
     "keys: RW access update\n"
     "args: key [expiration(EX=seconds:int|PX=milliseconds:int|EXAT=unix-time-seconds:time|"
     "PXAT=unix-time-milliseconds:time|PERSIST)]"},
    {"mget", -2, MGet, kReadOnlyFlag | kFastFlag, 1, -1, 1, "string", "1.0.0",
     "Returns the values of several keys\n"
     "args: key+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard"},
    {"mset", -3, MSet, kWriteFlag | kDenyOomFlag, 1, -1, 2, "string", "1.0.1",
     "Sets the values of several keys at once\n"
     "keys: OW update\n"
     "args: key_value(key value)+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:all_succeeded"},
    {"msetnx", -3, MSetNx, kWriteFlag | kDenyOomFlag, 1, -1, 2, "string", "1.0.1",
     "Sets the values of several keys if none of them exists\n"
     "keys: OW insert\n"
     "args: key_value(key value)+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:agg_min"},
};

}  // namespace

std::span<const CommandSpec> StringCommands() {
  return kCommands;
}

}  // namespace nokv::redis
