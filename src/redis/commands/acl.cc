// ACL: the users and what they may do.
#include <algorithm>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/acl/password.h"
#include "redis/commands/categories.h"
#include "redis/commands/common.h"
#include "redis/executor.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

using acl::AccessControl;
using acl::AccessLog;
using acl::Permissions;
using acl::User;

constexpr std::string_view kNoFile =
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
    "via the ACL SETUSER command, and start the gateway with --aclfile to keep them.";

std::string WrongUse(std::string_view subcommand) {
  return "ERR unknown subcommand or wrong number of arguments for '" + std::string(subcommand) +
         "'. Try ACL HELP.";
}

// True if `client` listens to what its user may not, or may not any more.
bool ListensToForbidden(const ClientState& client) {
  for (const SubscriptionKind kind :
       {SubscriptionKind::kChannel, SubscriptionKind::kPattern, SubscriptionKind::kShardChannel}) {
    for (const std::string& name : client.subscriptions.of(kind)) {
      if (!client.identity.user->AllowsChannel(name, kind == SubscriptionKind::kPattern)) {
        return true;
      }
    }
  }
  return false;
}

// Disconnects the clients whose users have changed so that they may not be what they are.
void DropUnwelcome(Context& context) {
  const AccessControl& access = context.services.access();
  std::vector<uint64_t> unwelcome;
  context.services.ForEachClient([&](const ClientState& client) {
    if (access.IsGone(*client.identity.user) || ListensToForbidden(client)) {
      unwelcome.push_back(client.id);
    }
  });
  for (const uint64_t id : unwelcome) {
    if (id == context.client.id) {
      context.client.close_after_reply = true;
    } else {
      context.services.KillClient(id);
    }
  }
}

Status AclCat(Context& context) {
  const auto& args = context.args;
  if (args.size() > 3) return Fail(context, WrongUse(args[1]));
  const auto all = AllCategories();
  if (args.size() == 2) {
    context.reply.Array(all.size());
    for (const std::string_view name : all) context.reply.Bulk(name);
    return Status::Ok();
  }
  const std::string wanted = LowerCase(args[2]);
  if (std::find(all.begin(), all.end(), wanted) == all.end()) {
    return Fail(context, "ERR Unknown category '" + std::string(args[2]) + "'");
  }
  std::vector<std::string_view> names;
  const auto add = [&](const CommandSpec& spec) {
    const auto categories = CategoriesOf(spec);
    if (std::find(categories.begin(), categories.end(), wanted) != categories.end()) {
      names.push_back(spec.name);
    }
  };
  for (const CommandSpec* spec : context.services.commands().all()) {
    if (spec->function != nullptr) add(*spec);
    for (const CommandSpec& sub : spec->subcommands) add(sub);
  }
  context.reply.Array(names.size());
  for (const std::string_view name : names) context.reply.Bulk(name);
  return Status::Ok();
}

Status AclSetUser(Context& context) {
  std::vector<std::string> rules;
  std::string_view unmatched;
  if (!acl::MergeSelectors(context.args.subspan(3), &rules, &unmatched)) {
    return Fail(context, "ERR Unmatched parenthesis in acl selector starting at '" +
                             std::string(unmatched) + "'.");
  }
  const auto error = context.services.access().SetUser(context.args[2], rules);
  if (error.has_value()) return Fail(context, *error);
  DropUnwelcome(context);
  context.reply.Ok();
  return Status::Ok();
}

Status AclDelUser(Context& context) {
  const auto names = context.args.subspan(2);
  if (std::find(names.begin(), names.end(), AccessControl::kDefaultUser) != names.end()) {
    return Fail(context, "ERR The 'default' user cannot be removed");
  }
  int64_t deleted = 0;
  for (const std::string_view name : names) {
    deleted += context.services.access().DeleteUser(name) ? 1 : 0;
  }
  if (deleted > 0) DropUnwelcome(context);
  context.reply.Integer(deleted);
  return Status::Ok();
}

void ReplyPermissions(Reply& reply, const Permissions& permissions) {
  reply.Bulk("commands");
  reply.Bulk(permissions.DescribeCommands());
  reply.Bulk("keys");
  reply.Bulk(permissions.DescribeKeys());
  reply.Bulk("channels");
  reply.Bulk(permissions.DescribeChannels());
}

Status AclGetUser(Context& context) {
  const auto user = context.services.access().Find(context.args[2]);
  Reply& reply = context.reply;
  if (user == nullptr) {
    reply.Raw(reply.protocol() >= 3 ? "_\r\n" : "*-1\r\n");
    return Status::Ok();
  }
  reply.Map(6);
  reply.Bulk("flags");
  reply.Set(user->Flags().size());
  for (const std::string_view flag : user->Flags()) reply.Bulk(flag);
  reply.Bulk("passwords");
  reply.Array(user->password_hashes().size());
  for (const std::string& hash : user->password_hashes()) reply.Bulk(hash);
  ReplyPermissions(reply, user->root());
  reply.Bulk("selectors");
  reply.Array(user->selectors().size());
  for (const Permissions& selector : user->selectors()) {
    reply.Map(3);
    ReplyPermissions(reply, selector);
  }
  return Status::Ok();
}

Status AclList(Context& context) {
  const auto& users = context.services.access().users();
  context.reply.Array(users.size());
  for (const auto& [name, user] : users) context.reply.Bulk(user->Describe());
  return Status::Ok();
}

Status AclUsers(Context& context) {
  const auto& users = context.services.access().users();
  context.reply.Array(users.size());
  for (const auto& [name, user] : users) context.reply.Bulk(name);
  return Status::Ok();
}

Status AclWhoAmI(Context& context) {
  context.reply.Bulk(context.client.identity.user->name());
  return Status::Ok();
}

Status AclGenPass(Context& context) {
  constexpr int64_t kDefaultBits = 256;
  constexpr int64_t kMostBits = 4096;
  if (context.args.size() > 3) return Fail(context, WrongUse(context.args[1]));
  int64_t bits = kDefaultBits;
  if (context.args.size() == 3) {
    const auto given = IntegerArgument(context, context.args[2]);
    if (!given.has_value()) return Status::Ok();
    bits = *given;
  }
  if (bits <= 0 || bits > kMostBits) {
    return Fail(context,
                "ERR ACL GENPASS argument must be the number of bits for the output password, a "
                "positive number up to 4096");
  }
  context.reply.Bulk(acl::NewPassword(static_cast<size_t>(bits)));
  return Status::Ok();
}

std::string_view WhereName(acl::Where where) {
  switch (where) {
    case acl::Where::kToplevel:
      break;
    case acl::Where::kMulti:
      return "multi";
    case acl::Where::kScript:
      return "lua";
  }
  return "toplevel";
}

void ReplyLogEntry(Reply& reply, const AccessLog::Entry& entry, uint64_t now_ms) {
  reply.Map(7);
  reply.Bulk("count");
  reply.Integer(static_cast<int64_t>(entry.count));
  reply.Bulk("reason");
  reply.Bulk(entry.reason);
  reply.Bulk("context");
  reply.Bulk(WhereName(entry.where));
  reply.Bulk("object");
  reply.Bulk(entry.object);
  reply.Bulk("username");
  reply.Bulk(entry.user);
  reply.Bulk("age-seconds");
  const long double age = static_cast<long double>(now_ms - entry.updated_ms) / 1000;
  const std::string text = FormatLongDouble(age);
  if (reply.protocol() >= 3) {
    reply.Raw("," + text + "\r\n");
  } else {
    reply.Bulk(text);
  }
  reply.Bulk("client-info");
  reply.Bulk(entry.client);
}

Status AclLog(Context& context) {
  constexpr size_t kDefaultCount = 10;
  AccessLog& log = context.services.access().log();
  if (context.args.size() > 3) return Fail(context, WrongUse(context.args[1]));
  size_t count = kDefaultCount;
  if (context.args.size() == 3) {
    if (EqualsIgnoreCase(context.args[2], "reset")) {
      log.Clear();
      context.reply.Ok();
      return Status::Ok();
    }
    const auto given = IntegerArgument(context, context.args[2]);
    if (!given.has_value()) return Status::Ok();
    count = static_cast<size_t>(std::max<int64_t>(*given, 0));
  }
  count = std::min(count, log.entries().size());
  const uint64_t now_ms = context.services.clock().WallMillis();
  context.reply.Array(count);
  for (size_t i = 0; i < count; ++i) ReplyLogEntry(context.reply, log.entries()[i], now_ms);
  return Status::Ok();
}

Status AclDryRun(Context& context) {
  const auto user = context.services.access().Find(context.args[2]);
  if (user == nullptr) {
    return Fail(context, "ERR User '" + std::string(context.args[2]) + "' not found");
  }
  const auto request = context.args.subspan(3);
  const CommandTable& table = context.services.commands();
  const CommandSpec* spec = table.Find(request[0]);
  if (spec != nullptr && !spec->subcommands.empty() && request.size() > 1) {
    spec = FindSubcommand(*spec, request[1]);
  }
  if (spec == nullptr) {
    return Fail(context, "ERR Command '" + std::string(request[0]) + "' not found");
  }
  if (!spec->AcceptsArity(request.size())) return Fail(context, WrongArity(spec->name));
  const acl::Verdict verdict = user->Check(*spec, request);
  if (verdict.allowed()) {
    context.reply.Ok();
  } else {
    context.reply.Bulk(acl::DryRunRefusal(verdict.denial, *spec, request[verdict.position]));
  }
  return Status::Ok();
}

Status AclLoad(Context& context) {
  if (context.services.config().acl_file.empty()) return Fail(context, kNoFile);
  if (const Status status = context.services.LoadUsers(); !status.ok()) {
    const std::string hint = status.hint().empty() ? "" : "; " + std::string(status.hint());
    return Fail(context, "ERR " + std::string(status.message()) + hint);
  }
  DropUnwelcome(context);
  context.reply.Ok();
  return Status::Ok();
}

Status AclSave(Context& context) {
  if (context.services.config().acl_file.empty()) return Fail(context, kNoFile);
  if (const Status status = context.services.SaveUsers(); !status.ok()) {
    return Fail(context, "ERR There was an error trying to save the ACLs: " + status.ToString());
  }
  context.reply.Ok();
  return Status::Ok();
}

Status AclHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "CAT [<category>]",
      "    List all commands that belong to <category>, or all command categories",
      "    when no category is specified.",
      "DELUSER <username> [<username> ...]",
      "    Delete users and disconnect their clients.",
      "DRYRUN <username> <command> [<arg> ...]",
      "    Tell whether the user may execute the command, without executing it.",
      "GETUSER <username>",
      "    Get the user's details.",
      "GENPASS [<bits>]",
      "    Generate a password of 256 bits, or of <bits>.",
      "LIST",
      "    Show users as the ACL file holds them.",
      "LOAD",
      "    Reload users from the ACL file.",
      "LOG [<count> | RESET]",
      "    Show what was refused lately.",
      "SAVE",
      "    Save the users to the ACL file.",
      "SETUSER <username> <attribute> [<attribute> ...]",
      "    Create or change a user.",
      "USERS",
      "    List the names of all users.",
      "WHOAMI",
      "    Return the user of this connection."};
  ReplyHelp(context, "ACL", kLines);
  return Status::Ok();
}

constexpr uint32_t kFlags = kNoScriptFlag | kLoadingFlag | kStaleFlag;
constexpr uint32_t kAdmin = kFlags | kAdminFlag;
constexpr std::string_view kGroup = "server";

constexpr CommandSpec kSubcommands[] = {
    {"acl|cat", -2, AclCat, kFlags, 0, 0, 0, kGroup, "6.0.0",
     "Returns the categories, or the commands of one\n"
     "args: [categoryname]"},
    {"acl|deluser", -3, AclDelUser, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Removes users and disconnects their clients\n"
     "args: username+"},
    {"acl|dryrun", -4, AclDryRun, kAdmin, 0, 0, 0, kGroup, "7.0.0",
     "Tells whether a user may run a command, without running it\n"
     "args: username command [arg+]"},
    {"acl|genpass", -2, AclGenPass, kFlags, 0, 0, 0, kGroup, "6.0.0",
     "Makes up a password\n"
     "args: [bits:int]"},
    {"acl|getuser", 3, AclGetUser, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Returns what a user may do\n"
     "args: username\n"
     "cost: O(N), N rules of the user\n"
     "history: 6.2.0 patterns of channels; 7.0.0 selectors, and patterns as text"},
    {"acl|help", 2, AclHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, kGroup, "6.0.0",
     "Describes the subcommands"},
    {"acl|list", 2, AclList, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Returns the users as the file of users holds them\n"
     "cost: O(N), N users"},
    {"acl|load", 2, AclLoad, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Reads the file of users again\n"
     "cost: O(N), N users"},
    {"acl|log", -2, AclLog, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Returns what was refused lately\n"
     "args: [operation(count:int|RESET)]\n"
     "cost: O(N), N entries"},
    {"acl|save", 2, AclSave, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Writes the file of users\n"
     "cost: O(N), N users"},
    {"acl|setuser", -3, AclSetUser, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Creates or changes a user\n"
     "args: username [rule+]\n"
     "cost: O(N), N rules\n"
     "history: 6.2.0 patterns of channels; 7.0.0 selectors and patterns for reading or writing"},
    {"acl|users", 2, AclUsers, kAdmin, 0, 0, 0, kGroup, "6.0.0",
     "Returns the names of the users\n"
     "cost: O(N), N users"},
    {"acl|whoami", 2, AclWhoAmI, kFlags, 0, 0, 0, kGroup, "6.0.0",
     "Returns the user of the connection"},
};

constexpr CommandSpec kCommands[] = {
    {"acl", -2, nullptr, 0, 0, 0, 0, kGroup, "6.0.0", "Users and what they may do", kSubcommands},
};

}  // namespace

std::span<const CommandSpec> AclCommands() {
  return kCommands;
}

}  // namespace nokv::redis
