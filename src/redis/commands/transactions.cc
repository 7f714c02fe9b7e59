// MULTI, EXEC, DISCARD, WATCH, UNWATCH: several commands as one transaction.
#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/commands/common.h"
#include "redis/executor.h"

namespace nokv::redis {

namespace {

Status Multi(Context& context) {
  if (context.client.multi.open()) return Fail(context, "ERR MULTI calls can not be nested");
  context.client.multi.Open();
  context.reply.Ok();
  return Status::Ok();
}

// All of the replies in one array. A command that fails takes back what it did itself; the others
// stand.
Status RunQueued(Context& context, const MultiState::Queue& queue) {
  const uint64_t limit = context.services.config().reply_limit_bytes;
  context.reply.Array(queue.size());
  std::vector<std::string_view> args;
  for (const QueuedCommand& command : queue) {
    args.assign(command.words.begin(), command.words.end());
    Reply reply = context.reply.Element(context.client.protocol);
    // The rules may have changed since it was queued.
    const acl::Denial denial =
        context.services.access().Check(context.client, *command.spec, args, acl::Where::kMulti);
    if (denial != acl::Denial::kNone) {
      reply.Error(acl::NoLongerPermitted(denial));
      continue;
    }
    context.services.executor().Run(*command.spec, context.client, args, context.txn, reply);
    if (context.reply.bytes() > limit) {
      return Fail(context, "EXECABORT Transaction discarded because its replies exceed " +
                               std::to_string(limit) + " bytes.");
    }
  }
  return Status::Ok();
}

Status Exec(Context& context) {
  MultiState& multi = context.client.multi;
  Watches& watches = context.services.executor().watches();
  if (!multi.open()) return Fail(context, "ERR EXEC without MULTI");
  if (multi.spoiled()) {
    multi.Close();
    watches.Forget(context.client.id);
    return Fail(context, "EXECABORT Transaction discarded because of previous errors.");
  }
  auto dependency = watches.Take(context.client.id, context.txn.now_ms());
  if (!dependency.ok()) {
    multi.Close();
    Executor::ReplyFailed(dependency.status(), context.reply);
    return Status::Ok();
  }
  context.txn.DependOn(*std::move(dependency));
  context.txn.Retain(multi.queue());
  const Status status = RunQueued(context, *multi.queue());
  multi.Close();
  return status;
}

Status Discard(Context& context) {
  if (!context.client.multi.open()) return Fail(context, "ERR DISCARD without MULTI");
  context.client.multi.Close();
  context.services.executor().watches().Forget(context.client.id);
  context.reply.Ok();
  return Status::Ok();
}

Status Watch(Context& context) {
  if (context.client.multi.open()) return Fail(context, "ERR WATCH inside MULTI is not allowed");
  for (const std::string_view key : context.args.subspan(1)) {
    RETURN_IF_ERROR(context.services.executor().watches().Add(
        context.client.id, DataKey(context.db(), key), context.txn.now_ms(),
        context.services.config().query_buffer_limit_bytes));
  }
  context.reply.Ok();
  return Status::Ok();
}

Status Unwatch(Context& context) {
  context.services.executor().watches().Forget(context.client.id);
  context.reply.Ok();
  return Status::Ok();
}

constexpr uint32_t kFlags = kNoScriptFlag | kLoadingFlag | kStaleFlag;
constexpr uint32_t kAtOnce = kFlags | kFastFlag | kAllowBusyFlag | kNotQueuedFlag;

constexpr CommandSpec kCommands[] = {
    {"multi", 1, Multi, kAtOnce, 0, 0, 0, "transactions", "1.2.0",
     "Begins a transaction: commands are queued"},
    {"exec", 1, Exec, kFlags | kSkipSlowLogFlag | kNotQueuedFlag, 0, 0, 0, "transactions", "1.2.0",
     "Runs the commands queued since MULTI as one\n"
     "cost: of the commands"},
    {"discard", 1, Discard, kAtOnce, 0, 0, 0, "transactions", "2.0.0",
     "Forgets the commands queued since MULTI\n"
     "cost: O(N), N commands"},
    {"watch", -2, Watch, kAtOnce, 1, -1, 1, "transactions", "2.2.0",
     "Makes the next EXEC depend on keys: it runs nothing if one changes\n"
     "keys: RO\n"
     "args: key+\n"
     "cost: O(N), N keys"},
    {"unwatch", 1, Unwatch, kFlags | kFastFlag | kAllowBusyFlag, 0, 0, 0, "transactions", "2.2.0",
     "Forgets the keys that are watched"},
};

}  // namespace

std::span<const CommandSpec> TransactionCommands() {
  return kCommands;
}

}  // namespace nokv::redis
