// CLIENT: what a connection says about itself, and who is connected.
#include "base/macros.h"
#include "redis/commands/client_admin.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"

namespace nokv::redis {

namespace {

bool IsPlainWord(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

Status ClientId(Context& context) {
  context.reply.Integer(static_cast<int64_t>(context.client.id));
  return Status::Ok();
}

Status ClientSetName(Context& context) {
  if (!IsPlainWord(context.args[2])) {
    return Fail(context, "ERR Client names cannot contain spaces, newlines or special characters.");
  }
  context.client.name = context.args[2];
  context.reply.Ok();
  return Status::Ok();
}

Status ClientGetName(Context& context) {
  if (context.client.name.empty()) {
    context.reply.Null();
  } else {
    context.reply.Bulk(context.client.name);
  }
  return Status::Ok();
}

Status ClientSetInfo(Context& context) {
  const std::string option = LowerCase(context.args[2]);
  std::string* target = nullptr;
  if (option == "lib-name") target = &context.client.library_name;
  if (option == "lib-ver") target = &context.client.library_version;
  if (target == nullptr) {
    return Fail(context, "ERR Unrecognized option '" + std::string(context.args[2]) + "'");
  }
  if (!IsPlainWord(context.args[3])) {
    return Fail(context,
                "ERR " + option + " cannot contain spaces, newlines or special characters.");
  }
  *target = context.args[3];
  context.reply.Ok();
  return Status::Ok();
}

Status ClientReply(Context& context) {
  ClientState& client = context.client;
  if (EqualsIgnoreCase(context.args[2], "on")) {
    client.reply_mode = ReplyMode::kOn;
    context.reply.Ok();
  } else if (EqualsIgnoreCase(context.args[2], "off")) {
    client.reply_mode = ReplyMode::kOff;
  } else if (EqualsIgnoreCase(context.args[2], "skip")) {
    if (client.reply_mode == ReplyMode::kOn) client.reply_mode = ReplyMode::kSkipNext;
  } else {
    return Fail(context, kSyntaxError);
  }
  return Status::Ok();
}

Status SetSwitch(Context& context, bool* value) {
  const bool on = EqualsIgnoreCase(context.args[2], "on");
  if (!on && !EqualsIgnoreCase(context.args[2], "off")) return Fail(context, kSyntaxError);
  *value = on;
  context.reply.Ok();
  return Status::Ok();
}

Status ClientNoEvict(Context& context) {
  return SetSwitch(context, &context.client.no_evict);
}

Status ClientNoTouch(Context& context) {
  return SetSwitch(context, &context.client.no_touch);
}

// Nothing tracks keys, so it is off already; turning it on is refused.
Status ClientTracking(Context& context) {
  if (EqualsIgnoreCase(context.args[2], "on")) {
    return Fail(context, "ERR client-side caching is not supported");
  }
  if (!EqualsIgnoreCase(context.args[2], "off")) return Fail(context, kSyntaxError);
  context.reply.Ok();
  return Status::Ok();
}

Status ClientTrackingInfo(Context& context) {
  context.reply.Map(3);
  context.reply.Bulk("flags");
  context.reply.Set(1);
  context.reply.Bulk("off");
  context.reply.Bulk("redirect");
  context.reply.Integer(-1);
  context.reply.Bulk("prefixes");
  context.reply.Array(0);
  return Status::Ok();
}

Status ClientGetRedir(Context& context) {
  context.reply.Integer(-1);
  return Status::Ok();
}

Status ClientCaching(Context& context) {
  return Fail(context,
              "ERR CLIENT CACHING can be called only when the client is in tracking mode with "
              "OPTIN or OPTOUT mode enabled");
}

Status ClientHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "CACHING (YES|NO)",
      "    An error: the gateway tracks no keys.",
      "GETNAME",
      "    Return the name of the current connection.",
      "GETREDIR",
      "    Return -1: the gateway tracks no keys.",
      "ID",
      "    Return the ID of the current connection.",
      "INFO",
      "    Return information about the current client connection.",
      "KILL <ip:port>",
      "    Kill the connection from this address.",
      "KILL <option> <value> [<option> <value> ...]",
      "    Kill the connections that all options fit: ID <client-id>, ADDR <ip:port>,",
      "    LADDR <ip:port>, TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <username>; and",
      "    SKIPME (YES|NO): spare this connection (default: yes).",
      "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)|ID <client-id> ...]",
      "    Return information about client connections.",
      "NO-EVICT (ON|OFF)",
      "    Accepted; the gateway evicts no clients.",
      "NO-TOUCH (ON|OFF)",
      "    Accepted; the gateway keeps no access times.",
      "PAUSE <timeout> [WRITE|ALL]",
      "    Let no commands run, or none that write, for <timeout> milliseconds.",
      "REPLY (ON|OFF|SKIP)",
      "    Control the replies sent to the current connection.",
      "SETINFO (LIB-NAME|LIB-VER) <value>",
      "    Tell the server about the client library.",
      "SETNAME <name>",
      "    Assign the name <name> to the current connection.",
      "TRACKING OFF",
      "    Accepted; the gateway tracks no keys.",
      "TRACKINGINFO",
      "    Say that tracking is off.",
      "UNBLOCK <clientid> [TIMEOUT|ERROR]",
      "    Return 0: no command of the gateway blocks.",
      "UNPAUSE",
      "    End the pause."};
  ReplyHelp(context, "CLIENT", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"client|caching", 3, ClientCaching, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "6.0.0",
     "An error, because no keys are tracked\n"
     "args: mode(YES|NO)"},
    {"client|getname", 2, ClientGetName, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "2.6.9", "Returns the name of the connection"},
    {"client|getredir", 2, ClientGetRedir, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "6.0.0", "Returns -1, because no keys are tracked"},
    {"client|help", 2, ClientHelp, kLoadingFlag | kStaleFlag, 0, 0, 0, "connection", "5.0.0",
     "Describes the subcommands"},
    {"client|id", 2, ClientId, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0, "connection",
     "5.0.0", "Returns the number of the connection"},
    {"client|info", 2, ClientInfo, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0, "connection",
     "6.2.0",
     "Returns the line of CLIENT LIST for this connection\n"
     "tips: nondeterministic_output"},
    {"client|kill", -3, ClientKill, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "2.4.0",
     "Disconnects clients\n"
     "args: filter(ip:port~2.8.12|new-format([ID=client-id:int@2.8.12]|"
     "[TYPE=normal_master_slave_pubsub@2.8.12(NORMAL|MASTER@3.2.0|"
     "SLAVE|REPLICA@5.0.0|PUBSUB)]|[USER=username]|"
     "[ADDR=ip:port]|[LADDR=ip:port@6.2.0]|[SKIPME=yes/no])+)\n"
     "cost: O(N), N clients\n"
     "history: 2.8.12 filters; 2.8.12 ID; 3.2.0 TYPE master; 5.0.0 TYPE replica, as slave is "
     "called now; 6.2.0 LADDR"},
    {"client|list", -2, ClientList, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "2.4.0",
     "Returns one line about each connection\n"
     "args: [TYPE=normal_master_replica_pubsub@5.0.0(NORMAL|MASTER|"
     "REPLICA|PUBSUB)] [ID=id@6.2.0(client-id:int+)]\n"
     "cost: O(N), N clients\n"
     "tips: nondeterministic_output\n"
     "history: 2.8.12 field id; 5.0.0 TYPE; 6.0.0 field user; 6.2.0 ID and the fields "
     "argv-mem, tot-mem, laddr and redir; 7.0.0 fields resp, multi-mem, rbs and rbp; 7.0.3 "
     "field ssub"},
    {"client|no-evict", 3, ClientNoEvict, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0,
     0, 0, "connection", "7.0.0",
     "Accepted; no client is ever evicted\n"
     "args: enabled(ON|OFF)"},
    {"client|no-touch", 3, ClientNoTouch, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "7.2.0",
     "Accepted; no access times are kept\n"
     "args: enabled(ON|OFF)"},
    {"client|pause", -3, ClientPauseAll, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0,
     0, 0, "connection", "2.9.50",
     "Lets commands wait, or only those that write\n"
     "args: timeout:int [mode@6.2.0(WRITE|ALL)]\n"
     "history: 6.2.0 WRITE"},
    {"client|reply", 3, ClientReply, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "3.2.0",
     "Turns replies to this connection on or off\n"
     "args: on_off_skip(ON|OFF|SKIP)"},
    {"client|setinfo", 4, ClientSetInfo, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "7.2.0",
     "Names the library that the client uses\n"
     "args: attr(LIB-NAME=libname|LIB-VER=libver)"},
    {"client|setname", 3, ClientSetName, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "2.6.9",
     "Names the connection\n"
     "args: connection-name"},
    {"client|tracking", -3, ClientTracking, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "6.0.0",
     "Turns client-side caching off; it cannot be turned on\n"
     "args: status(ON|OFF) [REDIRECT=client-id:int] [PREFIX=prefix++] [BCAST] "
     "[OPTIN] [OPTOUT] [NOLOOP]"},
    {"client|trackinginfo", 2, ClientTrackingInfo, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0,
     0, "connection", "6.2.0", "Says that no keys are tracked"},
    {"client|unblock", -3, ClientUnblock, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0,
     0, 0, "connection", "5.0.0",
     "Returns 0, because nobody blocks\n"
     "args: client-id:int [timeout_error(TIMEOUT|ERROR)]\n"
     "cost: O(1)"},
    {"client|unpause", 2, ClientUnpause, kAdminFlag | kNoScriptFlag | kLoadingFlag | kStaleFlag, 0,
     0, 0, "connection", "6.2.0", "Ends a pause"},
};

constexpr CommandSpec kCommands[] = {
    {"client", -2, nullptr, 0, 0, 0, 0, "connection", "2.4.0",
     "What is known about connections, and what can be done to them\n"
     "acl: none",
     kSubcommands},
};

}  // namespace

std::span<const CommandSpec> ClientCommands() {
  return kCommands;
}

}  // namespace nokv::redis
