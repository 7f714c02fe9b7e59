// FUNCTION: there are no functions, and the commands that ask say so.
#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

Status FunctionFlush(Context& context) {
  const auto& args = context.args;
  if (args.size() > 3) {
    return Fail(context, "ERR unknown subcommand or wrong number of arguments for '" +
                             std::string(args[1]) + "'. Try FUNCTION HELP.");
  }
  if (args.size() == 3 && !EqualsIgnoreCase(args[2], "sync") &&
      !EqualsIgnoreCase(args[2], "async")) {
    return Fail(context, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  context.reply.Ok();
  return Status::Ok();
}

Status FunctionList(Context& context) {
  const auto words = context.args.subspan(2);
  bool with_code = false;
  bool with_name = false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (!with_code && EqualsIgnoreCase(words[i], "withcode")) {
      with_code = true;
    } else if (!with_name && EqualsIgnoreCase(words[i], "libraryname")) {
      if (++i == words.size()) return Fail(context, "ERR library name argument was not given");
      with_name = true;
    } else {
      return Fail(context, "ERR Unknown argument " + std::string(words[i]));
    }
  }
  context.reply.Array(0);
  return Status::Ok();
}

Status FunctionStats(Context& context) {
  Reply& reply = context.reply;
  reply.Map(2);
  reply.Bulk("running_script");
  reply.Null();
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(0);
  reply.Bulk("functions_count");
  reply.Integer(0);
  return Status::Ok();
}

Status FunctionHelp(Context& context) {
  static constexpr std::string_view kLines[] = {"LIST [LIBRARYNAME PATTERN] [WITHCODE]",
                                                "    Return the libraries: there are none.",
                                                "STATS",
                                                "    Return what runs and what is loaded: nothing.",
                                                "FLUSH [ASYNC|SYNC]",
                                                "    Delete all the libraries."};
  ReplyHelp(context, "FUNCTION", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"function|flush", -2, FunctionFlush, kWriteFlag | kNoScriptFlag, 0, 0, 0, "scripting", "7.0.0",
     "Deletes all functions\n"
     "args: [async(ASYNC|SYNC)]\n"
     "tips: request_policy:all_shards response_policy:all_succeeded"},
    {"function|help", 2, FunctionHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "scripting", "7.0.0",
     "Describes the subcommands"},
    {"function|list", -2, FunctionList, kNoScriptFlag, 0, 0, 0, "scripting", "7.0.0",
     "Returns the libraries of functions; always none\n"
     "args: [LIBRARYNAME=library-name-pattern] [WITHCODE]\n"
     "tips: nondeterministic_output_order"},
    {"function|stats", 2, FunctionStats, kNoScriptFlag | kAllowBusyFlag, 0, 0, 0, "scripting",
     "7.0.0",
     "Returns the function that runs; always none\n"
     "tips: nondeterministic_output request_policy:all_shards response_policy:special"},
};

constexpr CommandSpec kCommands[] = {
    {"function", -2, nullptr, 0, 0, 0, 0, "scripting", "7.0.0",
     "What is known about functions: there are none\n"
     "acl: none",
     kSubcommands},
};

}  // namespace

std::span<const CommandSpec> FunctionCommands() {
  return kCommands;
}

}  // namespace nokv::redis
