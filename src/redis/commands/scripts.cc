// EVAL, EVALSHA, their read-only forms, and SCRIPT.
#include "redis/script/scripts.h"

#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

// The number of keys, or nullopt after replying with an error.
std::optional<size_t> KeyCount(Context& context) {
  const auto count = IntegerArgument(context, context.args[2]);
  if (!count.has_value()) return std::nullopt;
  if (*count < 0) {
    context.reply.Error("ERR Number of keys can't be negative");
    return std::nullopt;
  }
  if (static_cast<uint64_t>(*count) > context.args.size() - 3) {
    context.reply.Error("ERR Number of keys can't be greater than number of args");
    return std::nullopt;
  }
  return static_cast<size_t>(*count);
}

Status RunScript(Context& context, std::shared_ptr<Script> script, size_t keys, bool read_only) {
  const ScriptHeader& header = script->header();
  if (read_only && header.present && !header.no_writes) {
    return Fail(context, "ERR Can not execute a script with write flag using *_ro command.");
  }
  return context.services.scripts().Run(context,
                                        {std::move(script), read_only || header.no_writes, keys});
}

template <bool read_only>
Status EvalText(Context& context) {
  const auto keys = KeyCount(context);
  if (!keys.has_value()) return Status::Ok();
  auto script =
      context.services.scripts().cache().Add(context.args[1], ScriptCache::Kind::kEvaluated);
  if (!script.ok()) return Fail(context, "ERR " + std::string(script.status().message()));
  return RunScript(context, *std::move(script), *keys, read_only);
}

template <bool read_only>
Status EvalCached(Context& context) {
  const auto keys = KeyCount(context);
  if (!keys.has_value()) return Status::Ok();
  auto script = context.services.scripts().cache().Find(context.args[1]);
  if (script == nullptr) return Fail(context, kNoScript);
  return RunScript(context, std::move(script), *keys, read_only);
}

Status ScriptLoad(Context& context) {
  const auto script =
      context.services.scripts().cache().Add(context.args[2], ScriptCache::Kind::kLoaded);
  if (!script.ok()) return Fail(context, "ERR " + std::string(script.status().message()));
  context.reply.Bulk((*script)->sha());
  return Status::Ok();
}

Status ScriptExists(Context& context) {
  context.reply.Array(context.args.size() - 2);
  for (const std::string_view sha : context.args.subspan(2)) {
    context.reply.Integer(context.services.scripts().cache().Find(sha) != nullptr ? 1 : 0);
  }
  return Status::Ok();
}

Status ScriptFlush(Context& context) {
  const bool known = context.args.size() == 2 || EqualsIgnoreCase(context.args[2], "sync") ||
                     EqualsIgnoreCase(context.args[2], "async");
  if (!known || context.args.size() > 3) {
    return Fail(context, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  context.services.scripts().Flush();
  context.reply.Ok();
  return Status::Ok();
}

Status ScriptKill(Context& context) {
  if (!context.services.scripts().Kill()) {
    return Fail(context, "NOTBUSY No scripts in execution right now.");
  }
  context.reply.Ok();
  return Status::Ok();
}

Status ScriptDebug(Context& context) {
  if (EqualsIgnoreCase(context.args[2], "no")) {
    context.reply.Ok();
    return Status::Ok();
  }
  if (EqualsIgnoreCase(context.args[2], "yes") || EqualsIgnoreCase(context.args[2], "sync")) {
    return Fail(context, "ERR there is no debugger for scripts; use redis.log");
  }
  return Fail(context, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

Status ScriptHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "DEBUG NO",
      "    There is no debugger: it is off.",
      "EXISTS <sha1> [<sha1> ...]",
      "    Say for each script whether it is cached.",
      "FLUSH [ASYNC|SYNC]",
      "    Forget the cached scripts.",
      "KILL",
      "    Stop the scripts that run for longer than a moment; they leave no writes.",
      "LOAD <script>",
      "    Cache a script without running it."};
  ReplyHelp(context, "SCRIPT", kLines);
  return Status::Ok();
}

constexpr uint32_t kRun =
    kNoScriptFlag | kStaleFlag | kSkipMonitorFlag | kNoMandatoryKeysFlag | kMovableKeysFlag;
constexpr uint32_t kRunAny = kRun | kMayReplicateFlag;
constexpr uint32_t kRunReadOnly = kRun | kReadOnlyFlag;

constexpr CommandSpec kScript[] = {
    {"script|debug", 3, ScriptDebug, kNoScriptFlag, 0, 0, 0, "scripting", "3.2.0",
     "Would turn a debugger on; there is none\n"
     "args: mode(YES|SYNC|NO)"},
    {"script|exists", -3, ScriptExists, kNoScriptFlag, 0, 0, 0, "scripting", "2.6.0",
     "Tells which scripts are cached\n"
     "args: sha1+\n"
     "cost: O(N), N scripts asked for\n"
     "tips: request_policy:all_shards response_policy:agg_logical_and"},
    {"script|flush", -2, ScriptFlush, kNoScriptFlag, 0, 0, 0, "scripting", "2.6.0",
     "Forgets the cached scripts\n"
     "args: [async@6.2.0(ASYNC|SYNC)]\n"
     "cost: O(N), N cached scripts\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded\n"
     "history: 6.2.0 ASYNC and SYNC"},
    {"script|help", 2, ScriptHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "scripting", "5.0.0",
     "Explains the subcommands"},
    {"script|kill", 2, ScriptKill, kNoScriptFlag | kAllowBusyFlag, 0, 0, 0, "scripting", "2.6.0",
     "Stops the scripts that run\n"
     "tips: request_policy:all_shards response_policy:one_succeeded"},
    {"script|load", 3, ScriptLoad, kNoScriptFlag | kStaleFlag, 0, 0, 0, "scripting", "2.6.0",
     "Caches a script without running it\n"
     "args: script\n"
     "cost: O(N), N bytes of the script\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded"},
};

constexpr CommandSpec kCommands[] = {
    {"eval", -3, EvalText<false>, kRunAny, 0, 0, 0, "scripting", "2.6.0",
     "Runs a Lua script\n"
     "keys: 2# RW access update\n"
     "args: script numkeys:int [key+] [arg+]\n"
     "cost: of the script"},
    {"eval_ro", -3, EvalText<true>, kRunReadOnly, 0, 0, 0, "scripting", "7.0.0",
     "Runs a Lua script that may not write\n"
     "keys: 2# RO access\n"
     "args: script numkeys:int [key+] [arg+]\n"
     "cost: of the script"},
    {"evalsha", -3, EvalCached<false>, kRunAny, 0, 0, 0, "scripting", "2.6.0",
     "Runs a cached Lua script\n"
     "keys: 2# RW access update\n"
     "args: sha1 numkeys:int [key+] [arg+]\n"
     "cost: of the script"},
    {"evalsha_ro", -3, EvalCached<true>, kRunReadOnly, 0, 0, 0, "scripting", "7.0.0",
     "Runs a cached Lua script that may not write\n"
     "keys: 2# RO access\n"
     "args: sha1 numkeys:int [key+] [arg+]\n"
     "cost: of the script"},
    {"script", -2, nullptr, 0, 0, 0, 0, "scripting", "2.6.0",
     "Scripts and their cache\n"
     "acl: none",
     kScript},
};

}  // namespace

std::span<const CommandSpec> ScriptCommands() {
  return kCommands;
}

}  // namespace nokv::redis
