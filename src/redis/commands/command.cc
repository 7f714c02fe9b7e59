// COMMAND: the command table describes itself.
#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/glob.h"

namespace nokv::redis {

namespace {

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

constexpr FlagName kFlagNames[] = {
    {kWriteFlag, "write"},
    {kReadOnlyFlag, "readonly"},
    {kDenyOomFlag, "denyoom"},
    {kAdminFlag, "admin"},
    {kNoScriptFlag, "noscript"},
    {kLoadingFlag, "loading"},
    {kStaleFlag, "stale"},
    {kFastFlag, "fast"},
    {kNoAuthFlag, "no_auth"},
    {kAllowBusyFlag, "allow_busy"},
    {kSkipSlowLogFlag, "skip_slowlog"},
};

std::vector<std::string_view> Flags(const CommandSpec& spec) {
  std::vector<std::string_view> flags;
  for (const FlagName& entry : kFlagNames) {
    if ((spec.flags & entry.flag) != 0) flags.push_back(entry.name);
  }
  return flags;
}

// The ACL categories follow from flags and group, as in Redis.
std::vector<std::string_view> Categories(const CommandSpec& spec) {
  std::vector<std::string_view> categories;
  const bool over_keys = (spec.flags & (kReadOnlyFlag | kWriteFlag)) != 0;
  if (spec.group == "generic" || (spec.group == "server" && over_keys)) {
    categories.emplace_back("@keyspace");
  }
  if ((spec.flags & kReadOnlyFlag) != 0) categories.emplace_back("@read");
  if ((spec.flags & kWriteFlag) != 0) categories.emplace_back("@write");
  if (spec.group == "string") categories.emplace_back("@string");
  categories.emplace_back((spec.flags & kFastFlag) != 0 ? "@fast" : "@slow");
  if ((spec.flags & kAdminFlag) != 0) categories.emplace_back("@admin");
  if ((spec.flags & (kAdminFlag | kDangerousFlag)) != 0) categories.emplace_back("@dangerous");
  if (spec.group == "connection") categories.emplace_back("@connection");
  if (spec.group == "transactions") categories.emplace_back("@transaction");
  return categories;
}

void ReplyWords(Reply& reply, const std::vector<std::string_view>& words) {
  reply.Set(words.size());
  for (const std::string_view word : words) reply.Simple(word);
}

void ReplyKeySpecs(Reply& reply, const CommandSpec& spec) {
  if (spec.first_key == 0) return reply.Array(0);
  reply.Array(1);
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(2);
  const bool writes = (spec.flags & kWriteFlag) != 0;
  reply.Simple(writes ? "RW" : "RO");
  reply.Simple(writes ? "update" : "access");
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("index");
  reply.Bulk("spec");
  reply.Map(1);
  reply.Bulk("index");
  reply.Integer(spec.first_key);
  reply.Bulk("find_keys");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("range");
  reply.Bulk("spec");
  reply.Map(3);
  reply.Bulk("lastkey");
  reply.Integer(spec.last_key < 0 ? spec.last_key : spec.last_key - spec.first_key);
  reply.Bulk("keystep");
  reply.Integer(spec.key_step);
  reply.Bulk("limit");
  reply.Integer(0);
}

void ReplyInfo(Reply& reply, const CommandSpec& spec) {
  reply.Array(10);
  reply.Bulk(spec.name);
  reply.Integer(spec.arity);
  ReplyWords(reply, Flags(spec));
  reply.Integer(spec.first_key);
  reply.Integer(spec.last_key);
  reply.Integer(spec.key_step);
  ReplyWords(reply, Categories(spec));
  reply.Array(0);  // tips
  ReplyKeySpecs(reply, spec);
  reply.Array(spec.subcommands.size());
  for (const CommandSpec& sub : spec.subcommands) ReplyInfo(reply, sub);
}

void ReplyDocs(Reply& reply, const CommandSpec& spec) {
  reply.Bulk(spec.name);
  reply.Map(spec.subcommands.empty() ? 3 : 4);
  reply.Bulk("summary");
  reply.Bulk(spec.summary);
  reply.Bulk("since");
  reply.Bulk(spec.since);
  reply.Bulk("group");
  reply.Bulk(spec.group);
  if (spec.subcommands.empty()) return;
  reply.Bulk("subcommands");
  reply.Map(spec.subcommands.size());
  for (const CommandSpec& sub : spec.subcommands) ReplyDocs(reply, sub);
}

Status CommandAll(Context& context) {
  const auto& all = context.services.commands().all();
  context.reply.Array(all.size());
  for (const CommandSpec* spec : all) ReplyInfo(context.reply, *spec);
  return Status::Ok();
}

Status CommandCount(Context& context) {
  context.reply.Integer(static_cast<int64_t>(context.services.commands().all().size()));
  return Status::Ok();
}

Status CommandInfo(Context& context) {
  if (context.args.size() == 2) return CommandAll(context);
  context.reply.Array(context.args.size() - 2);
  for (const std::string_view name : context.args.subspan(2)) {
    const CommandSpec* spec = context.services.commands().FindFull(name);
    if (spec == nullptr) {
      context.reply.NullArray();
    } else {
      ReplyInfo(context.reply, *spec);
    }
  }
  return Status::Ok();
}

Status CommandDocs(Context& context) {
  std::vector<const CommandSpec*> specs;
  if (context.args.size() == 2) {
    specs = context.services.commands().all();
  } else {
    for (const std::string_view name : context.args.subspan(2)) {
      const CommandSpec* spec = context.services.commands().FindFull(name);
      if (spec != nullptr) specs.push_back(spec);
    }
  }
  context.reply.Map(specs.size());
  for (const CommandSpec* spec : specs) ReplyDocs(context.reply, *spec);
  return Status::Ok();
}

Status CommandList(Context& context) {
  const auto& args = context.args;
  std::string_view pattern = "*";
  std::string category;
  if (args.size() == 5 && EqualsIgnoreCase(args[2], "filterby")) {
    if (EqualsIgnoreCase(args[3], "pattern")) {
      pattern = args[4];
    } else if (EqualsIgnoreCase(args[3], "aclcat")) {
      category = "@" + LowerCase(args[4]);
    } else if (EqualsIgnoreCase(args[3], "module")) {
      category = "@no-module";  // none of the commands comes from one
    } else {
      return Fail(context, kSyntaxError);
    }
  } else if (args.size() > 2) {
    return Fail(context, kSyntaxError);
  }
  std::vector<std::string_view> names;
  for (const CommandSpec* spec : context.services.commands().all()) {
    bool listed = category.empty();
    for (const std::string_view has : Categories(*spec)) listed |= has == category;
    if (listed && GlobMatch(pattern, spec->name, true)) names.push_back(spec->name);
  }
  context.reply.Array(names.size());
  for (const std::string_view name : names) context.reply.Bulk(name);
  return Status::Ok();
}

Status CommandGetKeys(Context& context) {
  const auto request = context.args.subspan(2);
  const CommandSpec* spec = context.services.commands().Find(request[0]);
  if (spec != nullptr && !spec->subcommands.empty() && request.size() > 1) {
    spec = FindSubcommand(*spec, request[1]);
  }
  if (spec == nullptr) return Fail(context, "ERR Invalid command specified");
  if (spec->first_key == 0) return Fail(context, "ERR The command has no key arguments");
  if (!spec->AcceptsArity(request.size())) {
    return Fail(context, "ERR Invalid number of arguments specified for command");
  }
  const auto size = static_cast<int>(request.size());
  const int last = spec->last_key < 0 ? size + spec->last_key : spec->last_key;
  context.reply.Array(static_cast<size_t>((last - spec->first_key) / spec->key_step + 1));
  for (int i = spec->first_key; i <= last; i += spec->key_step) {
    context.reply.Bulk(request[static_cast<size_t>(i)]);
  }
  return Status::Ok();
}

Status CommandHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "(no subcommand)",
      "    Return details about all Redis commands.",
      "COUNT",
      "    Return the total number of commands in this Redis server.",
      "LIST",
      "    Return a list of all commands in this Redis server.",
      "INFO [<command-name> ...]",
      "    Return details about multiple Redis commands.",
      "    If no command names are given, documentation details for all",
      "    commands are returned.",
      "DOCS [<command-name> ...]",
      "    Return documentation details about multiple Redis commands.",
      "    If no command names are given, documentation details for all",
      "    commands are returned.",
      "GETKEYS <full-command>",
      "    Return the keys from a full Redis command."};
  ReplyHelp(context, "COMMAND", kLines);
  return Status::Ok();
}

constexpr uint32_t kFlags = kLoadingFlag | kStaleFlag;
constexpr std::string_view kGroup = "server";

constexpr CommandSpec kSubcommands[] = {
    {"command|count", 2, CommandCount, kFlags, 0, 0, 0, kGroup, "2.8.13",
     "Get total number of Redis commands"},
    {"command|docs", -2, CommandDocs, kFlags, 0, 0, 0, kGroup, "7.0.0",
     "Get array of specific Redis command documentation"},
    {"command|getkeys", -4, CommandGetKeys, kFlags, 0, 0, 0, kGroup, "2.8.13",
     "Extract keys given a full Redis command"},
    {"command|help", 2, CommandHelp, kFlags, 0, 0, 0, kGroup, "5.0.0",
     "Show helpful text about the different subcommands"},
    {"command|info", -2, CommandInfo, kFlags, 0, 0, 0, kGroup, "2.8.13",
     "Get array of specific Redis command details, or all when no argument is given."},
    {"command|list", -2, CommandList, kFlags, 0, 0, 0, kGroup, "7.0.0",
     "Get an array of Redis command names"},
};

constexpr CommandSpec kCommands[] = {
    {"command", -1, CommandAll, kFlags, 0, 0, 0, kGroup, "2.8.13",
     "Get array of Redis command details", kSubcommands},
};

}  // namespace

std::span<const CommandSpec> CommandCommands() {
  return kCommands;
}

}  // namespace nokv::redis
