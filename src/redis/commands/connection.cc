// Commands about the connection: PING, ECHO, QUIT, HELLO, AUTH, SELECT, RESET.
#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/monitors.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

constexpr std::string_view kNoPassword =
    "ERR AUTH <password> called without any password configured for the default user. Are you "
    "sure your configuration is correct?";
constexpr std::string_view kHelloMustAuthenticate =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
    "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time";
constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";

Status Ping(Context& context) {
  if (context.args.size() > 2) return Fail(context, WrongArity("ping"));
  if (context.client.protocol < 3 && context.client.subscriptions.total() > 0) {
    // In the form of a message, so that the client can tell what it is.
    context.reply.Array(2);
    context.reply.Bulk("pong");
    context.reply.Bulk(context.args.size() == 2 ? context.args[1] : "");
    return Status::Ok();
  }
  if (context.args.size() == 2) {
    context.reply.Bulk(context.args[1]);
  } else {
    context.reply.Simple("PONG");
  }
  return Status::Ok();
}

Status Echo(Context& context) {
  context.reply.Bulk(context.args[1]);
  return Status::Ok();
}

Status Quit(Context& context) {
  context.client.close_after_reply = true;
  context.reply.Ok();
  return Status::Ok();
}

Status Auth(Context& context) {
  const auto& args = context.args;
  acl::AccessControl& access = context.services.access();
  if (args.size() > 3) return Fail(context, kSyntaxError);
  if (args.size() == 2 && access.default_user().needs_no_password()) {
    return Fail(context, kNoPassword);
  }
  const std::string_view user = args.size() == 2 ? acl::AccessControl::kDefaultUser : args[1];
  if (!access.Authenticate(context.client, user, args.back(), args[0])) {
    return Fail(context, kWrongPass);
  }
  context.reply.Ok();
  return Status::Ok();
}

bool IsValidClientName(std::string_view name) {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

void ReplyHello(Context& context) {
  Reply& reply = context.reply;
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(context.services.config().version);
  reply.Bulk("proto");
  reply.Integer(context.client.protocol);
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(context.client.id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

Status Hello(Context& context) {
  const auto& args = context.args;
  int protocol = context.client.protocol;
  if (args.size() > 1) {
    const auto version = ParseInt64(args[1]);
    if (!version.has_value()) {
      return Fail(context, "ERR Protocol version is not an integer or out of range");
    }
    if (*version < 2 || *version > 3) {
      return Fail(context, "NOPROTO unsupported protocol version");
    }
    protocol = static_cast<int>(*version);
  }
  std::optional<std::string_view> name;
  std::span<const std::string_view> credentials;
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t more = args.size() - 1 - i;
    if (EqualsIgnoreCase(args[i], "auth") && more >= 2) {
      credentials = args.subspan(i + 1, 2);
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "setname") && more >= 1) {
      name = args[++i];
      if (!IsValidClientName(*name)) {
        return Fail(context,
                    "ERR Client names cannot contain spaces, newlines or special characters.");
      }
    } else {
      return Fail(context, "ERR Syntax error in HELLO option '" + std::string(args[i]) + "'");
    }
  }
  acl::AccessControl& access = context.services.access();
  if (!credentials.empty() &&
      !access.Authenticate(context.client, credentials[0], credentials[1], args[0])) {
    return Fail(context, kWrongPass);
  }
  if (access.MustAuthenticate(context.client.identity)) {
    return Fail(context, kHelloMustAuthenticate);
  }
  if (name.has_value()) context.client.name = *name;
  context.client.protocol = protocol;
  context.reply.set_protocol(protocol);
  ReplyHello(context);
  return Status::Ok();
}

Status Select(Context& context) {
  const auto db = IntegerArgument(context, context.args[1]);
  if (!db.has_value()) return Status::Ok();
  if (*db < 0 || *db >= kDatabases) return Fail(context, "ERR DB index is out of range");
  context.client.db = static_cast<int>(*db);
  context.reply.Ok();
  return Status::Ok();
}

Status Reset(Context& context) {
  ClientState& client = context.client;
  client.db = 0;
  client.protocol = 2;
  client.reply_mode = ReplyMode::kOn;
  client.no_evict = false;
  client.no_touch = false;
  client.name.clear();
  client.multi.Close();
  context.services.pubsub().UnsubscribeAll(*client.receiver, &client.subscriptions);
  context.services.executor().watches().Forget(client.id);
  context.services.monitors().Remove(*client.receiver);
  client.monitors = false;
  context.services.access().BecomeDefault(&client.identity);
  context.reply.Simple("RESET");
  return Status::Ok();
}

constexpr uint32_t kHandshake =
    kNoScriptFlag | kLoadingFlag | kStaleFlag | kFastFlag | kNoAuthFlag | kAllowBusyFlag;

constexpr CommandSpec kCommands[] = {
    {"ping", -1, Ping, kFastFlag | kWhileSubscribedFlag, 0, 0, 0, "connection", "1.0.0",
     "Answers PONG\n"
     "args: [message]\n"
     "tips: request_policy:all_shards response_policy:all_succeeded"},
    {"echo", 2, Echo, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "connection", "1.0.0",
     "Returns its argument\n"
     "args: message"},
    {"quit", -1, Quit, kHandshake | kNotQueuedFlag | kWhileSubscribedFlag, 0, 0, 0, "connection",
     "1.0.0", "Ends the connection"},
    {"auth", -2, Auth, kHandshake, 0, 0, 0, "connection", "1.0.0",
     "Authenticates the connection\n"
     "args: [username@6.0.0] password\n"
     "cost: O(N), N passwords of the user\n"
     "history: 6.0.0 user names"},
    {"hello", -1, Hello, kHandshake, 0, 0, 0, "connection", "6.0.0",
     "Chooses the protocol, and authenticates and names the connection\n"
     "args: [arguments(protover:int [AUTH=username_password(username password)] "
     "[SETNAME=clientname])]\n"
     "history: 6.2.0 no protocol version: tells about the connection"},
    {"select", 2, Select, kLoadingFlag | kStaleFlag | kFastFlag, 0, 0, 0, "connection", "1.0.0",
     "Chooses the database of the connection\n"
     "args: index:int"},
    {"reset", 1, Reset, kHandshake | kNotQueuedFlag | kWhileSubscribedFlag, 0, 0, 0, "connection",
     "6.2.0", "Makes the connection as if it were new"},
};

}  // namespace

std::span<const CommandSpec> ConnectionCommands() {
  return kCommands;
}

}  // namespace nokv::redis
