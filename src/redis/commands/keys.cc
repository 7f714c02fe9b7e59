// Commands over keys whatever they hold, and over whole databases.
#include <algorithm>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

// RANDOMKEY walks at most so many keys.
constexpr uint64_t kRandomSteps = 1000;

Status Del(Context& context) {
  int64_t removed = 0;
  for (const std::string_view key : context.args.subspan(1)) {
    ASSIGN_OR_RETURN(const bool found, context.txn.Remove(context.db(), key));
    if (found) Notify(context, kGenericEvent, "del", key);
    removed += found ? 1 : 0;
  }
  context.reply.Integer(removed);
  return Status::Ok();
}

// EXISTS and TOUCH.
Status CountExisting(Context& context) {
  int64_t existing = 0;
  for (const std::string_view key : context.args.subspan(1)) {
    ASSIGN_OR_RETURN(const bool found, context.txn.Exists(context.db(), key));
    CountLookup(context, key, found);
    existing += found ? 1 : 0;
  }
  context.reply.Integer(existing);
  return Status::Ok();
}

std::string_view TypeName(uint8_t type) {
  return type == static_cast<uint8_t>(ValueType::kString) ? "string" : "unknown";
}

Status Type(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[1], &record));
  CountLookup(context, context.args[1], found);
  context.reply.Simple(found ? TypeName(record.type) : "none");
  return Status::Ok();
}

// Writes what `record` holds to another key, in whichever database.
Status PutCopy(Context& context, int db, std::string_view key, const Record& record) {
  PutArguments put;
  put.type = static_cast<ValueType>(record.type);
  put.expiry_ms = record.expiry_ms;
  put.is_new = true;
  return context.txn.Put(db, key, record, put);
}

Status RenameWith(Context& context, bool only_if_new) {
  const std::string_view from = context.args[1];
  const std::string_view to = context.args[2];
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), from, &record));
  if (!found) return Fail(context, "ERR no such key");
  bool renames = from != to;
  if (only_if_new && renames) {
    ASSIGN_OR_RETURN(const bool taken, context.txn.Exists(context.db(), to));
    renames = !taken;
  }
  if (renames) {
    RETURN_IF_ERROR(PutCopy(context, context.db(), to, record));
    RETURN_IF_ERROR(context.txn.Remove(context.db(), from).status());
    Notify(context, kGenericEvent, "rename_from", from);
    Notify(context, kGenericEvent, "rename_to", to);
  }
  if (only_if_new) {
    context.reply.Integer(renames ? 1 : 0);
  } else {
    context.reply.Ok();
  }
  return Status::Ok();
}

Status Rename(Context& context) {
  return RenameWith(context, false);
}

Status RenameNx(Context& context) {
  return RenameWith(context, true);
}

Status Copy(Context& context) {
  int target_db = context.db();
  bool replace = false;
  const auto words = context.args.subspan(3);
  for (size_t i = 0; i < words.size(); ++i) {
    if (EqualsIgnoreCase(words[i], "replace")) {
      replace = true;
    } else if (EqualsIgnoreCase(words[i], "db") && i + 1 < words.size()) {
      const auto db = SmallIntegerArgument(context, words[++i]);
      if (!db.has_value()) return Status::Ok();
      if (*db < 0 || *db >= kDatabases) return Fail(context, "ERR DB index is out of range");
      target_db = *db;
    } else {
      return Fail(context, kSyntaxError);
    }
  }
  const std::string_view from = context.args[1];
  const std::string_view to = context.args[2];
  if (target_db == context.db() && from == to) {
    return Fail(context, "ERR source and destination objects are the same");
  }
  Record record;
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), from, &record));
  CountLookup(context, from, found);
  bool copies = found;
  if (found && !replace) {
    ASSIGN_OR_RETURN(const bool taken, context.txn.Exists(target_db, to));
    copies = !taken;
  }
  if (copies) {
    RETURN_IF_ERROR(PutCopy(context, target_db, to, record));
    context.txn.Notify(target_db, kGenericEvent, "copy_to", to);
  }
  context.reply.Integer(copies ? 1 : 0);
  return Status::Ok();
}

// The live key `steps` keys after `begin`, starting over at the end of the database.
Result<std::string> Walk(Context& context, std::string begin, uint64_t steps) {
  std::string scratch;
  for (int lap = 0; lap < 2; ++lap) {
    for (const KeyRange& range : KeyRanges(context.db())) {
      if (!range.end.empty() && range.end <= begin) continue;
      const auto cursor = context.txn.Scan(std::max(begin, range.begin), range.end);
      for (; cursor->Valid(); cursor->Next()) {
        if (!context.txn.IsLive(cursor->expiry_ms())) continue;
        if (steps-- == 0) return std::string(cursor->key());
      }
      RETURN_IF_ERROR(cursor->status());
    }
    begin.clear();
  }
  return std::string();
}

// Uniform in a database of up to kRandomSteps keys. In a larger one every call goes on from where
// the last one ended, so that repeated calls see the whole database.
Status RandomKey(Context& context) {
  ASSIGN_OR_RETURN(const Counts counts, context.txn.CountLive(context.db()));
  if (counts.keys == 0) {
    context.reply.Null();
    return Status::Ok();
  }
  std::string& position = context.services.random_position(context.db());
  if (counts.keys <= kRandomSteps) position.clear();
  const uint64_t steps =
      context.services.random().Uniform(std::min<uint64_t>(counts.keys, kRandomSteps));
  ASSIGN_OR_RETURN(position, Walk(context, position, steps));
  std::string scratch;
  context.reply.Bulk(UserKey(context.db(), position, &scratch));
  return Status::Ok();
}

Status DbSize(Context& context) {
  ASSIGN_OR_RETURN(const Counts counts, context.txn.CountLive(context.db()));
  context.reply.Integer(static_cast<int64_t>(counts.keys));
  return Status::Ok();
}

bool FlushOptionsOk(Context& context) {
  const auto& args = context.args;
  if (args.size() == 1) return true;
  if (args.size() == 2 &&
      (EqualsIgnoreCase(args[1], "async") || EqualsIgnoreCase(args[1], "sync"))) {
    return true;
  }
  context.reply.Error(kSyntaxError);
  return false;
}

Status FlushDb(Context& context) {
  if (!FlushOptionsOk(context)) return Status::Ok();
  context.txn.Flush(context.db());
  context.reply.Ok();
  return Status::Ok();
}

Status FlushAll(Context& context) {
  if (!FlushOptionsOk(context)) return Status::Ok();
  for (int db = 0; db < kDatabases; ++db) context.txn.Flush(db);
  context.reply.Ok();
  return Status::Ok();
}

// True and the record if the key of an OBJECT subcommand exists; else a null was written.
Result<bool> FindObject(Context& context, Record* record) {
  ASSIGN_OR_RETURN(const bool found, context.txn.Find(context.db(), context.args[2], record));
  if (!found) context.reply.Null();
  return found;
}

Status ObjectEncoding(Context& context) {
  constexpr size_t kEmbeddedBytes = 44;  // as Redis tells embstr from raw
  Record record;
  ASSIGN_OR_RETURN(const bool found, FindObject(context, &record));
  if (!found) return Status::Ok();
  const bool is_short = record.value.size() <= kEmbeddedBytes;
  context.reply.Bulk(ParseInt64(record.value).has_value() ? "int" : is_short ? "embstr" : "raw");
  return Status::Ok();
}

Status ObjectRefCount(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, FindObject(context, &record));
  if (found) context.reply.Integer(1);
  return Status::Ok();
}

Status ObjectIdleTime(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, FindObject(context, &record));
  if (found) context.reply.Integer(0);
  return Status::Ok();
}

Status ObjectFreq(Context& context) {
  Record record;
  ASSIGN_OR_RETURN(const bool found, FindObject(context, &record));
  if (!found) return Status::Ok();
  return Fail(context,
              "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
              "note that when switching between policies at runtime LRU and LFU data will take "
              "some time to adjust.");
}

Status ObjectHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "ENCODING <key>",
      "    Return the kind of internal representation used in order to store the value",
      "    associated with a <key>.",
      "FREQ <key>",
      "    Return the access frequency index of the <key>. The returned integer is",
      "    proportional to the logarithm of the recent access frequency of the key.",
      "IDLETIME <key>",
      "    Return the idle time of the <key>, that is the approximated number of",
      "    seconds elapsed since the last access to the key.",
      "REFCOUNT <key>",
      "    Return the number of references of the value associated with the specified",
      "    <key>."};
  ReplyHelp(context, "OBJECT", kLines);
  return Status::Ok();
}

constexpr CommandSpec kObject[] = {
    {"object|encoding", 3, ObjectEncoding, kReadOnlyFlag, 2, 2, 1, "generic", "2.2.3",
     "Returns how Redis would keep the value in memory\n"
     "keys: RO\n"
     "args: key\n"
     "tips: nondeterministic_output"},
    {"object|freq", 3, ObjectFreq, kReadOnlyFlag, 2, 2, 1, "generic", "4.0.0",
     "Returns how often a key is used; never known here\n"
     "keys: RO\n"
     "args: key\n"
     "tips: nondeterministic_output"},
    {"object|help", 2, ObjectHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "generic", "6.2.0",
     "Describes the subcommands"},
    {"object|idletime", 3, ObjectIdleTime, kReadOnlyFlag, 2, 2, 1, "generic", "2.2.3",
     "Returns the seconds since a key was last used; not kept here, always 0\n"
     "keys: RO\n"
     "args: key\n"
     "tips: nondeterministic_output"},
    {"object|refcount", 3, ObjectRefCount, kReadOnlyFlag, 2, 2, 1, "generic", "2.2.3",
     "Returns the number of references to a value; always 1\n"
     "keys: RO\n"
     "args: key\n"
     "tips: nondeterministic_output"},
};

constexpr CommandSpec kCommands[] = {
    {"del", -2, Del, kWriteFlag, 1, -1, 1, "generic", "1.0.0",
     "Deletes keys\n"
     "keys: RM delete\n"
     "args: key+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:agg_sum"},
    {"unlink", -2, Del, kWriteFlag | kFastFlag, 1, -1, 1, "generic", "4.0.0",
     "Deletes keys, as DEL does\n"
     "keys: RM delete\n"
     "args: key+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:agg_sum"},
    {"exists", -2, CountExisting, kReadOnlyFlag | kFastFlag, 1, -1, 1, "generic", "1.0.0",
     "Counts those of the keys that exist\n"
     "keys: RO\n"
     "args: key+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:agg_sum\n"
     "history: 3.0.3 several keys"},
    {"touch", -2, CountExisting, kReadOnlyFlag | kFastFlag, 1, -1, 1, "generic", "3.2.1",
     "Counts those of the keys that exist\n"
     "keys: RO\n"
     "args: key+\n"
     "cost: O(N), N keys\n"
     "tips: request_policy:multi_shard response_policy:agg_sum"},
    {"type", 2, Type, kReadOnlyFlag | kFastFlag, 1, 1, 1, "generic", "1.0.0",
     "Returns the type of what a key holds\n"
     "keys: RO\n"
     "args: key"},
    {"rename", 3, Rename, kWriteFlag, 1, 2, 1, "generic", "1.0.0",
     "Gives a key another name, replacing what has it\n"
     "keys: 1 RW access delete, 2 OW update\n"
     "args: key newkey:key\n"
     "cost: O(N), N bytes of the value"},
    {"renamenx", 3, RenameNx, kWriteFlag | kFastFlag, 1, 2, 1, "generic", "1.0.0",
     "Gives a key another name unless that is taken\n"
     "keys: 1 RW access delete, 2 OW insert\n"
     "args: key newkey:key\n"
     "cost: O(N), N bytes of the value\n"
     "history: 3.2.0 no error for two names that are equal"},
    {"copy", -3, Copy, kWriteFlag | kDenyOomFlag, 1, 2, 1, "generic", "6.2.0",
     "Copies what a key holds to another key\n"
     "keys: 1 RO access, 2 OW update\n"
     "args: source:key destination:key [DB=destination-db:int] [REPLACE]\n"
     "cost: O(N), N bytes of the value"},
    {"randomkey", 1, RandomKey, kReadOnlyFlag, 0, 0, 0, "generic", "1.0.0",
     "Returns a key at random\n"
     "cost: O(N) up to 1000 keys, O(1) beyond\n"
     "tips: request_policy:all_shards nondeterministic_output"},
    {"object", -2, nullptr, 0, 0, 0, 0, "generic", "2.2.3",
     "What is known about the value in a key\n"
     "acl: none",
     kObject},
    {"dbsize", 1, DbSize, kReadOnlyFlag | kFastFlag, 0, 0, 0, "server", "1.0.0",
     "Returns the number of keys in the database\n"
     "acl: keyspace\n"
     "tips: request_policy:all_shards response_policy:agg_sum"},
    {"flushdb", -1, FlushDb, kWriteFlag, 0, 0, 0, "server", "1.0.0",
     "Deletes all keys of the database\n"
     "acl: keyspace dangerous\n"
     "args: [async(ASYNC@4.0.0|SYNC@6.2.0)]\n"
     "tips: request_policy:all_shards response_policy:all_succeeded\n"
     "history: 4.0.0 ASYNC; 6.2.0 SYNC"},
    {"flushall", -1, FlushAll, kWriteFlag, 0, 0, 0, "server", "1.0.0",
     "Deletes all keys of all databases\n"
     "acl: keyspace dangerous\n"
     "args: [async(ASYNC@4.0.0|SYNC@6.2.0)]\n"
     "tips: request_policy:all_shards response_policy:all_succeeded\n"
     "history: 4.0.0 ASYNC; 6.2.0 SYNC"},
};

}  // namespace

std::span<const CommandSpec> KeyCommands() {
  return kCommands;
}

}  // namespace nokv::redis
