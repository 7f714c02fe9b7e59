#include "redis/commands/absent.h"

#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

constexpr AbsentFamily kAbsent[] = {
    {"lists",
     "blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos "
     "lpush lpushx lrange lrem lset ltrim rpop rpoplpush rpush rpushx"},
    {"hashes",
     "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield "
     "hscan hset hsetnx hstrlen hvals"},
    {"sets",
     "sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers "
     "smismember smove spop srandmember srem sscan sunion sunionstore"},
    {"sorted sets",
     "bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter "
     "zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember "
     "zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex "
     "zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore "
     "zrevrank zscan zscore zunion zunionstore"},
    {"streams",
     "xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread "
     "xreadgroup xrevrange xsetid xtrim"},
    {"bitmaps", "bitcount bitfield bitfield_ro bitop bitpos getbit setbit"},
    {"HyperLogLog", "pfadd pfcount pfdebug pfmerge pfselftest"},
    {"geography",
     "geoadd geodist geohash geopos georadius georadius_ro georadiusbymember "
     "georadiusbymember_ro geosearch geosearchstore"},
    {"server", "lolwut"},
    {"keys", "sort sort_ro"},
};

constexpr RefusedCommands kRefused[] = {
    {"move", "copy the key with COPY key key DB number, then delete it"},
    {"swapdb", "databases cannot be exchanged; name the one that you mean with SELECT"},
    {"replicaof slaveof psync sync replconf failover",
     "there is no replication; a copy of the directory is a copy of the data"},
    {"shutdown",
     "end the process with SIGTERM, which answers what was received and closes in order"},
    {"module", "there are no modules"},
    {"save bgsave lastsave bgrewriteaof",
     "there are no snapshot files to write; every write is in the log (CONFIG GET appendfsync)"},
    {"debug", "it is for tests of Redis itself; INFO, MEMORY and OBJECT look inside"},
    {"dump restore restore-asking migrate",
     "serialized values are not read or written; copy keys with GET, PTTL and SET"},
    {"function|load function|delete function|dump function|restore function|kill fcall fcall_ro",
     "there are no functions"},
};

// Text of a client that an error may quote; up to the first NUL, as in Redis.
std::string_view Quotable(std::string_view text, size_t limit) {
  text = text.substr(0, limit);
  return text.substr(0, text.find('\0'));
}

std::string UpperCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '|') c = ' ';
  }
  return out;
}

// Why `name` is refused; empty if it is just unknown.
std::string Refusal(std::string_view name) {
  for (const RefusedCommands& refused : kRefused) {
    std::string_view names = refused.commands;
    while (!names.empty()) {
      if (!EqualsIgnoreCase(name, TakeUntil(&names, ' '))) continue;
      return "ERR " + UpperCase(name) + " is not supported: " + std::string(refused.reason) +
             ". See docs/redis-compatibility.md";
    }
  }
  return "";
}

}  // namespace

std::span<const AbsentFamily> AbsentFamilies() {
  return kAbsent;
}

std::span<const RefusedCommands> AllRefusedCommands() {
  return kRefused;
}

std::string NoSuchCommand(const CommandTable& table, std::span<const std::string_view> args) {
  constexpr size_t kQuotedBytes = 128;
  const CommandSpec* container = table.Find(args[0]);
  if (container != nullptr) {
    const std::string name =
        std::string(container->name) + "|" + std::string(Quotable(args[1], kQuotedBytes));
    std::string refusal = Refusal(name);
    if (!refusal.empty()) return refusal;
    return "ERR unknown subcommand '" + std::string(Quotable(args[1], kQuotedBytes)) + "'. Try " +
           UpperCase(container->name) + " HELP.";
  }
  std::string refusal = Refusal(args[0]);
  if (!refusal.empty()) return refusal;
  std::string quoted;
  for (size_t i = 1; i < args.size() && quoted.size() < kQuotedBytes; ++i) {
    quoted += "'" + std::string(Quotable(args[i], kQuotedBytes - quoted.size())) + "' ";
  }
  return "ERR unknown command '" + std::string(Quotable(args[0], kQuotedBytes)) +
         "', with args beginning with: " + quoted;
}

}  // namespace nokv::redis
