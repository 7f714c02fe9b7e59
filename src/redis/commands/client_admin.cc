#include "redis/commands/client_admin.h"

#include <optional>
#include <string>
#include <vector>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/client_pause.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubSub };

// nullopt after replying with an error.
std::optional<ClientType> TypeArgument(Context& context, std::string_view text) {
  if (EqualsIgnoreCase(text, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(text, "master")) return ClientType::kMaster;
  if (EqualsIgnoreCase(text, "replica") || EqualsIgnoreCase(text, "slave")) {
    return ClientType::kReplica;
  }
  if (EqualsIgnoreCase(text, "pubsub")) return ClientType::kPubSub;
  context.reply.Error("ERR Unknown client type '" + std::string(text) + "'");
  return std::nullopt;
}

// Nobody replicates, so there are no masters and replicas.
ClientType TypeOf(const ClientState& client) {
  return client.subscriptions.total() > 0 ? ClientType::kPubSub : ClientType::kNormal;
}

std::string Flags(Services& services, const ClientState& client) {
  std::string flags;
  if (client.monitors) flags += 'O';
  if (client.subscriptions.total() > 0) flags += 'P';
  if (client.multi.open()) flags += 'x';
  if (services.executor().watches().Changed(client.id)) flags += 'd';
  if (client.no_evict) flags += 'e';
  return flags.empty() ? "N" : flags;
}

size_t SubscriptionsOf(const ClientState& client, SubscriptionKind kind) {
  return client.subscriptions.of(kind).size();
}

// What CLIENT KILL looks for; what is not asked for is empty.
struct Filter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> user;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  bool skip_me = true;

  bool Matches(const ClientState& client) const {
    return (!id.has_value() || *id == client.id) &&
           (!type.has_value() || *type == TypeOf(client)) &&
           (!user.has_value() || *user == client.identity.user->name()) &&
           (!address.has_value() || *address == client.address) &&
           (!local_address.has_value() || *local_address == client.local_address);
  }
};

// False after replying with an error.
bool ParseOption(Context& context, std::string_view name, std::string_view value, Filter* filter) {
  if (EqualsIgnoreCase(name, "id")) {
    const auto id = ParseInt64(value);
    if (!id.has_value() || *id < 1) {
      context.reply.Error("ERR client-id should be greater than 0");
      return false;
    }
    filter->id = static_cast<uint64_t>(*id);
  } else if (EqualsIgnoreCase(name, "type")) {
    filter->type = TypeArgument(context, value);
    return filter->type.has_value();
  } else if (EqualsIgnoreCase(name, "addr")) {
    filter->address = value;
  } else if (EqualsIgnoreCase(name, "laddr")) {
    filter->local_address = value;
  } else if (EqualsIgnoreCase(name, "user")) {
    if (context.services.access().Find(value) == nullptr) {
      context.reply.Error("ERR No such user '" + std::string(value) + "'");
      return false;
    }
    filter->user = value;
  } else if (EqualsIgnoreCase(name, "skipme") &&
             (EqualsIgnoreCase(value, "yes") || EqualsIgnoreCase(value, "no"))) {
    filter->skip_me = EqualsIgnoreCase(value, "yes");
  } else {
    context.reply.Error(kSyntaxError);
    return false;
  }
  return true;
}

int64_t KillMatching(Context& context, const Filter& filter) {
  std::vector<uint64_t> victims;
  context.services.ForEachClient([&](const ClientState& client) {
    if (filter.skip_me && client.id == context.client.id) return;
    if (filter.Matches(client)) victims.push_back(client.id);
  });
  for (const uint64_t id : victims) {
    if (id == context.client.id) {
      context.client.close_after_reply = true;
    } else {
      context.services.KillClient(id);
    }
  }
  return static_cast<int64_t>(victims.size());
}

}  // namespace

std::string DescribeClient(Services& services, const ClientState& client, uint64_t now_ms) {
  std::string out;
  const auto text = [&out](std::string_view name, std::string_view value) {
    out.append(out.empty() ? "" : " ").append(name).append("=").append(value);
  };
  const auto number = [&text](std::string_view name, uint64_t value) {
    text(name, std::to_string(value));
  };
  const auto seconds_since = [now_ms](uint64_t then_ms) {
    return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
  };
  const ConnectionUse use = client.receiver->use();
  number("id", client.id);
  text("addr", client.address);
  text("laddr", client.local_address);
  number("fd", 0);
  text("name", client.name);
  number("age", seconds_since(client.connected_ms));
  number("idle", seconds_since(client.last_command_ms));
  text("flags", Flags(services, client));
  number("db", static_cast<uint64_t>(client.db));
  number("sub", SubscriptionsOf(client, SubscriptionKind::kChannel));
  number("psub", SubscriptionsOf(client, SubscriptionKind::kPattern));
  number("ssub", SubscriptionsOf(client, SubscriptionKind::kShardChannel));
  text("multi", client.multi.open() ? std::to_string(client.multi.queue()->size()) : "-1");
  number("qbuf", use.input_bytes);
  number("qbuf-free", 0);
  number("argv-mem", 0);
  number("multi-mem", client.multi.bytes());
  number("rbs", 0);
  number("rbp", 0);
  number("obl", use.output_bytes);
  number("oll", use.held_replies);
  number("omem", use.held_bytes);
  number("tot-mem", sizeof client + use.input_bytes + use.output_bytes + use.held_bytes +
                        client.multi.bytes());
  text("events", use.output_bytes > 0 ? "rw" : "r");
  text("cmd", client.last_command);
  text("user", client.identity.user->name());
  text("redir", "-1");
  number("resp", static_cast<uint64_t>(client.protocol));
  text("lib-name", client.library_name);
  text("lib-ver", client.library_version);
  return out + "\n";
}

Status ClientInfo(Context& context) {
  context.reply.Verbatim(DescribeClient(context.services, context.client, context.txn.now_ms()));
  return Status::Ok();
}

Status ClientList(Context& context) {
  const auto& args = context.args;
  std::vector<uint64_t> ids;
  std::optional<ClientType> type;
  if (args.size() == 4 && EqualsIgnoreCase(args[2], "type")) {
    type = TypeArgument(context, args[3]);
    if (!type.has_value()) return Status::Ok();
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
    bool listed = ids.empty() && (!type.has_value() || *type == TypeOf(client));
    for (const uint64_t id : ids) listed |= id == client.id;
    if (listed) out += DescribeClient(context.services, client, context.txn.now_ms());
  });
  context.reply.Verbatim(out);
  return Status::Ok();
}

Status ClientKill(Context& context) {
  const auto& args = context.args;
  Filter filter;
  if (args.size() == 3) {
    filter.address = args[2];
    filter.skip_me = false;
    if (KillMatching(context, filter) == 0) return Fail(context, "ERR No such client");
    context.reply.Ok();
    return Status::Ok();
  }
  if (args.size() % 2 != 0) return Fail(context, kSyntaxError);
  for (size_t i = 2; i < args.size(); i += 2) {
    if (!ParseOption(context, args[i], args[i + 1], &filter)) return Status::Ok();
  }
  context.reply.Integer(KillMatching(context, filter));
  return Status::Ok();
}

Status ClientPauseAll(Context& context) {
  const auto& args = context.args;
  if (args.size() > 4) return Fail(context, WrongSubcommandUse("CLIENT", args[1]));
  bool all = true;
  if (args.size() == 4) {
    all = EqualsIgnoreCase(args[3], "all");
    if (!all && !EqualsIgnoreCase(args[3], "write")) {
      return Fail(context, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  const auto timeout_ms =
      IntegerArgument(context, args[2], "ERR timeout is not an integer or out of range");
  if (!timeout_ms.has_value()) return Status::Ok();
  if (*timeout_ms < 0) return Fail(context, "ERR timeout is negative");
  const uint64_t now_ms = context.txn.now_ms();
  context.services.client_pause().Begin(now_ms, now_ms + static_cast<uint64_t>(*timeout_ms), all);
  context.reply.Ok();
  return Status::Ok();
}

Status ClientUnpause(Context& context) {
  context.services.ResumeClients();
  context.reply.Ok();
  return Status::Ok();
}

// Nobody blocks.
Status ClientUnblock(Context& context) {
  const auto& args = context.args;
  if (args.size() > 4) return Fail(context, WrongSubcommandUse("CLIENT", args[1]));
  if (args.size() == 4 && !EqualsIgnoreCase(args[3], "timeout") &&
      !EqualsIgnoreCase(args[3], "error")) {
    return Fail(context, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (!IntegerArgument(context, args[2]).has_value()) return Status::Ok();
  context.reply.Integer(0);
  return Status::Ok();
}

}  // namespace nokv::redis
