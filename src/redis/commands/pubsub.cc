// Publish and subscribe.
//
// A message goes out when what its command did is committed, after everything that was committed
// before it (Transaction::Tell).
#include <optional>
#include <vector>

#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/pubsub.h"

namespace nokv::redis {

namespace {

using Kind = SubscriptionKind;

// Before the name of a command: whom it is for.
constexpr std::string_view Prefix(Kind kind) {
  if (kind == Kind::kChannel) return "";
  return kind == Kind::kPattern ? "p" : "s";
}

// Confirms that a client listens, or does not listen any more, to `name`. No name: it never did.
void Confirm(Context& context, std::string_view what, const std::string_view* name, Kind kind) {
  context.reply.Push(3);
  context.reply.Bulk(std::string(Prefix(kind)).append(what));
  if (name == nullptr) {
    context.reply.Null();
  } else {
    context.reply.Bulk(*name);
  }
  context.reply.Integer(static_cast<int64_t>(context.client.subscriptions.CountFor(kind)));
}

template <Kind kind>
Status Subscribe(Context& context) {
  const auto names = context.args.subspan(1);
  size_t bytes = 0;
  for (const std::string_view name : names) bytes += name.size();
  PubSub& pubsub = context.services.pubsub();
  Subscriptions& mine = context.client.subscriptions;
  if (!pubsub.HasRoom(mine, names.size(), bytes)) {
    return Fail(context, "ERR too many subscriptions, or names of them too long");
  }
  for (const std::string_view name : names) {
    pubsub.Subscribe(*context.client.receiver, &mine, kind, name);
    Confirm(context, "subscribe", &name, kind);
  }
  return Status::Ok();
}

template <Kind kind>
Status Unsubscribe(Context& context) {
  PubSub& pubsub = context.services.pubsub();
  Subscriptions& mine = context.client.subscriptions;
  std::vector<std::string> all;
  std::vector<std::string_view> names(context.args.begin() + 1, context.args.end());
  if (names.empty()) {
    all.assign(mine.of(kind).begin(), mine.of(kind).end());
    names.assign(all.begin(), all.end());
  }
  for (const std::string_view name : names) {
    pubsub.Unsubscribe(*context.client.receiver, &mine, kind, name);
    Confirm(context, "unsubscribe", &name, kind);
  }
  if (names.empty()) Confirm(context, "unsubscribe", nullptr, kind);
  return Status::Ok();
}

template <Kind kind, Notice::Kind notice_kind>
Status Publish(Context& context) {
  const size_t receivers = context.services.pubsub().CountReceivers(kind, context.args[1]);
  if (receivers > 0) {
    Notice notice;
    notice.kind = notice_kind;
    notice.target = context.args[1];
    notice.message = context.args[2];
    if (!context.txn.Tell(std::move(notice))) {
      return Fail(context, "ERR too much is published within one transaction");
    }
  }
  context.reply.Integer(static_cast<int64_t>(receivers));
  return Status::Ok();
}

template <Kind kind>
Status ListNames(Context& context) {
  if (context.args.size() > 3) {
    return Fail(context, WrongSubcommandUse("PUBSUB", context.args[1]));
  }
  std::optional<std::string_view> pattern;
  if (context.args.size() == 3) pattern = context.args[2];
  const PubSub& pubsub = context.services.pubsub();
  size_t count = 0;
  pubsub.ForEachName(kind, pattern, [&count](std::string_view) { ++count; });
  context.reply.Array(count);
  pubsub.ForEachName(kind, pattern,
                     [&context](std::string_view name) { context.reply.Bulk(name); });
  return Status::Ok();
}

template <Kind kind>
Status CountListeners(Context& context) {
  const auto names = context.args.subspan(2);
  context.reply.Array(2 * names.size());
  for (const std::string_view name : names) {
    context.reply.Bulk(name);
    context.reply.Integer(
        static_cast<int64_t>(context.services.pubsub().CountListeners(kind, name)));
  }
  return Status::Ok();
}

Status NumPat(Context& context) {
  context.reply.Integer(static_cast<int64_t>(context.services.pubsub().CountNames(Kind::kPattern)));
  return Status::Ok();
}

Status Help(Context& context) {
  static constexpr std::string_view kLines[] = {
      "CHANNELS [<pattern>]",
      "    Return the currently active channels matching a <pattern> (default: '*').",
      "NUMPAT",
      "    Return number of subscriptions to patterns.",
      "NUMSUB [<channel> ...]",
      "    Return the number of subscribers for the specified channels, excluding",
      "    pattern subscriptions(default: no channels).",
      "SHARDCHANNELS [<pattern>]",
      "    Return the currently active shard level channels matching a <pattern> (default: '*').",
      "SHARDNUMSUB [<shardchannel> ...]",
      "    Return the number of subscribers for the specified shard level channel(s)"};
  ReplyHelp(context, "PUBSUB", kLines);
  return Status::Ok();
}

constexpr uint32_t kFlags = kPubSubFlag | kLoadingFlag | kStaleFlag;
constexpr uint32_t kListen = kFlags | kNoScriptFlag | kWhileSubscribedFlag;

constexpr CommandSpec kPubSub[] = {
    {"pubsub|channels", -2, ListNames<Kind::kChannel>, kFlags, 0, 0, 0, "pubsub", "2.8.0",
     "Lists channels that somebody listens to\n"
     "args: [pattern:pattern]\n"
     "cost: O(N), N channels"},
    {"pubsub|help", 2, Help, kLoadingFlag | kStaleFlag, 0, 0, 0, "pubsub", "6.2.0",
     "Describes the subcommands\n"
     "acl: none"},
    {"pubsub|numpat", 2, NumPat, kFlags, 0, 0, 0, "pubsub", "2.8.0",
     "Counts the different patterns that somebody listens to"},
    {"pubsub|numsub", -2, CountListeners<Kind::kChannel>, kFlags, 0, 0, 0, "pubsub", "2.8.0",
     "Counts who listens to channels\n"
     "args: [channel+]\n"
     "cost: O(N), N channels that are asked for"},
    {"pubsub|shardchannels", -2, ListNames<Kind::kShardChannel>, kFlags, 0, 0, 0, "pubsub", "7.0.0",
     "Lists shard channels that somebody listens to\n"
     "args: [pattern:pattern]\n"
     "cost: O(N), N shard channels"},
    {"pubsub|shardnumsub", -2, CountListeners<Kind::kShardChannel>, kFlags, 0, 0, 0, "pubsub",
     "7.0.0",
     "Counts who listens to shard channels\n"
     "args: [shardchannel+]\n"
     "cost: O(N), N shard channels that are asked for"},
};

constexpr CommandSpec kCommands[] = {
    {"subscribe", -2, Subscribe<Kind::kChannel>, kListen, 0, 0, 0, "pubsub", "2.0.0",
     "Listens to channels\n"
     "args: channel+\n"
     "cost: O(N), N channels"},
    {"unsubscribe", -1, Unsubscribe<Kind::kChannel>, kListen, 0, 0, 0, "pubsub", "2.0.0",
     "Listens no more to channels, or to any\n"
     "args: [channel+]\n"
     "cost: O(N), N channels"},
    {"psubscribe", -2, Subscribe<Kind::kPattern>, kListen, 0, 0, 0, "pubsub", "2.0.0",
     "Listens to all channels whose names match patterns\n"
     "args: pattern(pattern:pattern)+\n"
     "cost: O(N), N patterns"},
    {"punsubscribe", -1, Unsubscribe<Kind::kPattern>, kListen, 0, 0, 0, "pubsub", "2.0.0",
     "Listens no more to channels that match patterns, or any\n"
     "args: [pattern:pattern+]\n"
     "cost: O(N), N patterns"},
    {"ssubscribe", -2, Subscribe<Kind::kShardChannel>, kListen, 1, -1, 1, "pubsub", "7.0.0",
     "Listens to shard channels\n"
     "keys: not_key\n"
     "args: shardchannel+\n"
     "cost: O(N), N shard channels"},
    {"sunsubscribe", -1, Unsubscribe<Kind::kShardChannel>, kListen, 1, -1, 1, "pubsub", "7.0.0",
     "Listens no more to shard channels, or to any\n"
     "keys: not_key\n"
     "args: [shardchannel+]\n"
     "cost: O(N), N shard channels"},
    {"publish", 3, Publish<Kind::kChannel, Notice::Kind::kMessage>,
     kFlags | kFastFlag | kMayReplicateFlag, 0, 0, 0, "pubsub", "2.0.0",
     "Sends a message to who listens to a channel\n"
     "args: channel message\n"
     "cost: O(N+M), N who get it, M patterns"},
    {"spublish", 3, Publish<Kind::kShardChannel, Notice::Kind::kShardMessage>,
     kFlags | kFastFlag | kMayReplicateFlag, 1, 1, 1, "pubsub", "7.0.0",
     "Sends a message to who listens to a shard channel\n"
     "keys: not_key\n"
     "args: shardchannel message\n"
     "cost: O(N), N who get it"},
    {"pubsub", -2, nullptr, 0, 0, 0, 0, "pubsub", "2.8.0",
     "What is listened to, and by how many\n"
     "acl: none",
     kPubSub},
};

}  // namespace

std::span<const CommandSpec> PubSubCommands() {
  return kCommands;
}

}  // namespace nokv::redis
