// CLIENT: what a connection says about itself, and who is connected.
#include "base/macros.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

bool IsPlainWord(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

// One line of CLIENT LIST.
std::string Describe(Services& services, const ClientState& client) {
  const uint64_t now_ms = services.clock().WallMillis();
  const auto seconds_since = [now_ms](uint64_t then_ms) {
    return std::to_string(now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0);
  };
  std::string out = "id=" + std::to_string(client.id);
  out += " addr=" + client.address + " laddr=" + client.local_address + " fd=0";
  out += " name=" + client.name;
  out += " age=" + seconds_since(client.connected_ms);
  out += " idle=" + seconds_since(client.last_command_ms);
  std::string flags;
  if (client.multi.open()) flags += 'x';
  if (services.executor().watches().Changed(client.id)) flags += 'd';
  if (client.no_evict) flags += 'e';
  out += " flags=" + (flags.empty() ? "N" : flags);
  out += " db=" + std::to_string(client.db);
  out += " sub=0 psub=0 ssub=0";
  out += " multi=" + (client.multi.open() ? std::to_string(client.multi.queue()->size()) : "-1");
  out += " multi-mem=" + std::to_string(client.multi.bytes());
  out += " cmd=" + std::string(client.last_command);
  out += " user=default redir=-1 resp=" + std::to_string(client.protocol);
  out += " lib-name=" + client.library_name + " lib-ver=" + client.library_version;
  return out;
}

Status ClientId(Context& context) {
  context.reply.Integer(static_cast<int64_t>(context.client.id));
  return Status::Ok();
}

Status ClientInfo(Context& context) {
  context.reply.Verbatim(Describe(context.services, context.client) + "\n");
  return Status::Ok();
}

Status ClientList(Context& context) {
  const auto& args = context.args;
  std::vector<uint64_t> ids;
  bool none = false;  // a type that no client of ours has
  if (args.size() == 4 && EqualsIgnoreCase(args[2], "type")) {
    const std::string type = LowerCase(args[3]);
    if (type != "normal" && type != "master" && type != "replica" && type != "pubsub") {
      return Fail(context, "ERR Unknown client type '" + std::string(args[3]) + "'");
    }
    none = type != "normal";
  } else if (args.size() > 3 && EqualsIgnoreCase(args[2], "id")) {
    for (const std::string_view word : args.subspan(3)) {
      const auto id = ParseInt64(word);
      if (!id.has_value() || *id < 0) return Fail(context, "ERR Invalid client ID");
      ids.push_back(static_cast<uint64_t>(*id));
    }
  } else if (args.size() > 2) {
    return Fail(context, kSyntaxError);
  }
  std::string out;
  context.services.ForEachClient([&](const ClientState& client) {
    bool listed = ids.empty();
    for (const uint64_t id : ids) listed |= id == client.id;
    if (listed && !none) out += Describe(context.services, client) + "\n";
  });
  context.reply.Verbatim(out);
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

// CLIENT KILL address, CLIENT KILL ID id, CLIENT KILL ADDR address.
Status ClientKill(Context& context) {
  const auto& args = context.args;
  const bool old_form = args.size() == 3;
  if (!old_form && args.size() != 4) return Fail(context, kSyntaxError);
  std::vector<uint64_t> victims;
  if (!old_form && EqualsIgnoreCase(args[2], "id")) {
    const auto id = ParseInt64(args[3]);
    if (!id.has_value() || *id < 1) {
      return Fail(context, "ERR client-id should be greater than 0");
    }
    victims.push_back(static_cast<uint64_t>(*id));
  } else if (old_form || EqualsIgnoreCase(args[2], "addr")) {
    context.services.ForEachClient([&](const ClientState& client) {
      if (client.address == args.back()) victims.push_back(client.id);
    });
  } else {
    return Fail(context, kSyntaxError);
  }
  int64_t killed = 0;
  for (const uint64_t id : victims) killed += context.services.KillClient(id) ? 1 : 0;
  if (!old_form) {
    context.reply.Integer(killed);
  } else if (killed == 0) {
    context.reply.Error("ERR No such client");
  } else {
    context.reply.Ok();
  }
  return Status::Ok();
}

// Nothing tracks keys, so it is off already; turning it on is refused.
Status ClientTracking(Context& context) {
  if (!EqualsIgnoreCase(context.args[2], "off")) {
    return Fail(context, "ERR client-side caching is not supported");
  }
  context.reply.Ok();
  return Status::Ok();
}

Status ClientHelp(Context& context) {
  static constexpr std::string_view kLines[] = {
      "GETNAME",
      "    Return the name of the current connection.",
      "ID",
      "    Return the ID of the current connection.",
      "INFO",
      "    Return information about the current client connection.",
      "KILL <ip:port> | KILL (ID <client-id>|ADDR <ip:port>)",
      "    Kill connections.",
      "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)|ID <client-id> ...]",
      "    Return information about client connections.",
      "NO-EVICT (ON|OFF)",
      "    Accepted; the gateway evicts no clients.",
      "NO-TOUCH (ON|OFF)",
      "    Accepted; the gateway keeps no access times.",
      "REPLY (ON|OFF|SKIP)",
      "    Control the replies sent to the current connection.",
      "SETINFO (LIB-NAME|LIB-VER) <value>",
      "    Tell the server about the client library.",
      "SETNAME <name>",
      "    Assign the name <name> to the current connection."};
  ReplyHelp(context, "CLIENT", kLines);
  return Status::Ok();
}

constexpr CommandSpec kSubcommands[] = {
    {"client|getname", 2, ClientGetName, kNoScriptFlag | kLoadingFlag | kStaleFlag, 0, 0, 0,
     "connection", "2.6.9", "Returns the name of the connection"},
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
