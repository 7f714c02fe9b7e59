// CONFIG: reads and changes the parameters of redis/parameters.h.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/glob.h"
#include "redis/parameters.h"

namespace nokv::redis {

namespace {

struct IgnoringCase {
  bool operator()(const std::string& a, const std::string& b) const {
    return LowerCase(a) < LowerCase(b);
  }
};

Status ConfigGet(Context& context) {
  const Config& config = context.services.config();
  std::map<std::string, std::string, IgnoringCase> found;
  for (const std::string_view pattern : context.args.subspan(2)) {
    if (const Parameter* parameter = FindParameter(pattern); parameter != nullptr) {
      found.emplace(pattern, parameter->get(config));  // as it was asked for
      continue;
    }
    for (const Parameter& parameter : Parameters()) {
      for (const std::string_view name : {parameter.name, parameter.old_name}) {
        if (!name.empty() && GlobMatch(pattern, name, true)) {
          found.emplace(name, parameter.get(config));
        }
      }
    }
  }
  context.reply.Map(found.size());
  for (const auto& [name, value] : found) {
    context.reply.Bulk(name);
    context.reply.Bulk(value);
  }
  return Status::Ok();
}

Status SetFailed(Context& context, std::string_view name, std::string_view why) {
  return Fail(context, "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) +
                           "') - " + std::string(why));
}

// All of the parameters or none.
Status ConfigSet(Context& context) {
  if (context.args.size() % 2 != 0) return Fail(context, kSyntaxError);
  std::vector<std::pair<const Parameter*, std::string_view>> changes;
  std::set<const Parameter*> seen;
  for (size_t i = 2; i < context.args.size(); i += 2) {
    const std::string_view name = context.args[i];
    const Parameter* parameter = FindParameter(name);
    if (parameter == nullptr) {
      return Fail(context, "ERR Unknown option or number of arguments for CONFIG SET - '" +
                               std::string(name) + "'");
    }
    if (parameter->set == nullptr) {
      return SetFailed(context, name, "can't set immutable config");
    }
    if (!seen.insert(parameter).second) return SetFailed(context, name, "duplicate parameter");
    changes.emplace_back(parameter, context.args[i + 1]);
  }
  Config changed = context.services.config();
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [parameter, value] = changes[i];
    std::string text(value);
    const std::string error = parameter->check(&text);
    if (!error.empty()) return SetFailed(context, context.args[2 + 2 * i], error);
    parameter->set(changed, text);
  }
  context.services.config() = std::move(changed);
  if (seen.contains(FindParameter("requirepass"))) {
    context.services.access().SetDefaultPassword(context.services.config().requirepass_hash);
  }
  context.reply.Ok();
  return Status::Ok();
}

Status ConfigResetStat(Context& context) {
  context.services.ResetStats();
  context.reply.Ok();
  return Status::Ok();
}

Status ConfigRewrite(Context& context) {
  return Fail(context, "ERR The server is running without a config file");
}

Status ConfigHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "GET <pattern>",
      "    Return parameters matching the glob-like <pattern> and their values.",
      "SET <directive> <value>",
      "    Set the configuration <directive> to <value>.",
      "RESETSTAT",
      "    Reset statistics reported by the INFO command.",
      "REWRITE",
      "    Rewrite the configuration file."};
  ReplyHelp(context, "CONFIG", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"config|get", -3, ConfigGet, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "server", "2.0.0",
     "Returns settings whose names match\n"
     "args: parameter(parameter)+\n"
     "cost: O(N), N settings\n"
     "history: 7.0.0 several patterns"},
    {"config|help", 2, ConfigHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "server", "5.0.0",
     "Describes the subcommands"},
    {"config|resetstat", 2, ConfigResetStat, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag,
     0, 0, 0, "server", "2.0.0", "Sets the counters of INFO to zero"},
    {"config|rewrite", 2, ConfigRewrite, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0,
     0, 0, "server", "2.8.0", "Would write settings to their file; there is none"},
    {"config|set", -4, ConfigSet, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "server", "2.0.0",
     "Changes settings, all of them or none\n"
     "args: parameter_value(parameter value)+\n"
     "cost: O(N), N settings\n"
     "tips: request_policy:all_nodes response_policy:all_succeeded\n"
     "history: 7.0.0 several settings"},
};

constexpr CommandSpec kCommands[] = {
    {"config", -2, nullptr, 0, 0, 0, 0, "server", "2.0.0", "Reads and changes settings",
     kSubcommands},
};

}  // namespace

std::span<const CommandSpec> ConfigCommands() {
  return kCommands;
}

}  // namespace nokv::redis
