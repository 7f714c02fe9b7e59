// COMMAND: the command table describes itself.
#include <vector>

#include "base/macros.h"
#include "redis/commands/command_reply.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/glob.h"

namespace nokv::redis {

namespace {

Status CommandAll(Context& context) {
  const auto& all = context.services.commands().all();
  context.reply.Array(all.size());
  for (const CommandSpec* spec : all) ReplyCommandInfo(context.reply, *spec);
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
      ReplyCommandInfo(context.reply, *spec);
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
  for (const CommandSpec* spec : specs) ReplyCommandDocs(context.reply, *spec);
  return Status::Ok();
}

// Which commands COMMAND LIST shows.
struct ListFilter {
  std::string_view pattern = "*";
  uint32_t categories = ~0U;
};

void ListCommands(std::span<const CommandSpec* const> specs, const ListFilter& filter,
                  std::vector<std::string_view>* names) {
  for (const CommandSpec* spec : specs) {
    if ((spec->categories & filter.categories) != 0 &&
        GlobMatch(filter.pattern, spec->name, true)) {
      names->push_back(spec->name);
    }
    for (const CommandSpec& sub : spec->subcommands) {
      const CommandSpec* one = &sub;
      ListCommands({&one, 1}, filter, names);
    }
  }
}

Status CommandList(Context& context) {
  const auto& args = context.args;
  ListFilter filter;
  if (args.size() == 5 && EqualsIgnoreCase(args[2], "filterby")) {
    if (EqualsIgnoreCase(args[3], "pattern")) {
      filter.pattern = args[4];
    } else if (EqualsIgnoreCase(args[3], "aclcat")) {
      filter.categories = CategoryBit(LowerCase(args[4]));
    } else if (EqualsIgnoreCase(args[3], "module")) {
      filter.categories = 0;  // none of the commands comes from one
    } else {
      return Fail(context, kSyntaxError);
    }
  } else if (args.size() > 2) {
    return Fail(context, kSyntaxError);
  }
  std::vector<std::string_view> names;
  ListCommands(context.services.commands().all(), filter, &names);
  context.reply.Array(names.size());
  for (const std::string_view name : names) context.reply.Bulk(name);
  return Status::Ok();
}

// The keys of the request behind COMMAND GETKEYS; false after replying with an error.
bool FindKeys(Context& context, std::span<const std::string_view> request,
              std::vector<KeyArgument>* keys) {
  const CommandSpec* spec = context.services.commands().Find(request[0]);
  if (spec != nullptr && !spec->subcommands.empty() && request.size() > 1) {
    spec = FindSubcommand(*spec, request[1]);
  }
  std::string_view error;
  if (spec == nullptr) {
    error = "ERR Invalid command specified";
  } else if (spec->keys.size == 0) {
    error = "ERR The command has no key arguments";
  } else if (!spec->AcceptsArity(request.size())) {
    error = "ERR Invalid number of arguments specified for command";
  } else if (!KeysOf(*spec, request, keys) && (spec->flags & kNoMandatoryKeysFlag) == 0) {
    error = "ERR Invalid arguments specified for command";
  }
  if (!error.empty()) context.reply.Error(error);
  return error.empty();
}

Status CommandGetKeys(Context& context) {
  const auto request = context.args.subspan(2);
  std::vector<KeyArgument> keys;
  if (!FindKeys(context, request, &keys)) return Status::Ok();
  context.reply.Array(keys.size());
  for (const KeyArgument& key : keys) context.reply.Bulk(request[key.index]);
  return Status::Ok();
}

Status CommandGetKeysAndFlags(Context& context) {
  const auto request = context.args.subspan(2);
  std::vector<KeyArgument> keys;
  if (!FindKeys(context, request, &keys)) return Status::Ok();
  context.reply.Array(keys.size());
  for (const KeyArgument& key : keys) {
    context.reply.Array(2);
    context.reply.Bulk(request[key.index]);
    ReplyNames(context.reply, kKeyFlagNames, key.flags);
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
      "    Return the keys from a full Redis command.",
      "GETKEYSANDFLAGS <full-command>",
      "    Return the keys and the access flags from a full Redis command."};
  ReplyHelp(context, "COMMAND", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"command|count", 2, CommandCount, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "2.8.13",
     "Returns the number of commands\n"
     "acl: connection"},
    {"command|docs", -2, CommandDocs, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "7.0.0",
     "Returns the documentation of commands\n"
     "acl: connection\n"
     "args: [command-name+]\n"
     "cost: O(N), N commands\n"
     "tips: nondeterministic_output_order"},
    {"command|getkeys", -4, CommandGetKeys, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "2.8.13",
     "Returns the keys among the words of a command\n"
     "acl: connection\n"
     "cost: O(N), N words"},
    {"command|getkeysandflags", -4, CommandGetKeysAndFlags, kLoadingFlag | kStaleFlag, 0, 0, 0,
     "server", "7.0.0",
     "Returns the keys among the words of a command, and what it does to them\n"
     "acl: connection\n"
     "cost: O(N), N words"},
    {"command|help", 2, CommandHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "5.0.0",
     "Describes the subcommands\n"
     "acl: connection"},
    {"command|info", -2, CommandInfo, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "2.8.13",
     "Describes commands\n"
     "acl: connection\n"
     "args: [command-name+]\n"
     "cost: O(N), N commands\n"
     "tips: nondeterministic_output_order\n"
     "history: 7.0.0 no names: all commands"},
    {"command|list", -2, CommandList, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "7.0.0",
     "Returns the names of commands\n"
     "acl: connection\n"
     "args: [FILTERBY=filterby(MODULE=module-name|ACLCAT=category|PATTERN=pattern:pattern)]\n"
     "cost: O(N), N commands\n"
     "tips: nondeterministic_output_order"},
};

constexpr CommandSpec kCommands[] = {
    {"command", -1, CommandAll, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "2.8.13",
     "Describes all commands\n"
     "acl: connection\n"
     "cost: O(N), N commands\n"
     "tips: nondeterministic_output_order",
     kSubcommands},
};

}  // namespace

std::span<const CommandSpec> CommandCommands() {
  return kCommands;
}

}  // namespace nokv::redis
