// MULTI, EXEC, DISCARD, WATCH, UNWATCH: several commands as one transaction.
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
  if (!multi.open()) return Fail(context, "ERR EXEC without MULTI");
  if (multi.spoiled()) {
    multi.Close();
    return Fail(context, "EXECABORT Transaction discarded because of previous errors.");
  }
  context.txn.Retain(multi.queue());
  const Status status = RunQueued(context, *multi.queue());
  multi.Close();
  return status;
}

Status Discard(Context& context) {
  if (!context.client.multi.open()) return Fail(context, "ERR DISCARD without MULTI");
  context.client.multi.Close();
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
};

}  // namespace

std::span<const CommandSpec> TransactionCommands() {
  return kCommands;
}

}  // namespace nokv::redis
