#include "redis/executor.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/books.h"
#include "redis/commands/absent.h"
#include "redis/commands/common.h"

namespace nokv::redis {

Executor::Executor(Services& services, Backend& backend, rpc::stream::Loop& loop,
                   std::function<void()> on_progress)
    : services_(services),
      backend_(backend),
      on_progress_(std::move(on_progress)),
      commits_(backend, loop, services.clock(), [this] { OnProgress(); }),
      watches_(backend) {}

uint64_t Executor::NowMs() {
  now_ms_ = std::max(now_ms_, services_.clock().WallMillis());
  return now_ms_;
}

void Executor::ReplyFailed(const Status& status, Reply& reply) {
  if (status.code() == StatusCode::kAborted) return reply.NullArray();
  reply.Error("MISCONF Errors writing to the store: " + status.ToString());
}

const CommandSpec* Executor::Resolve(std::span<const std::string_view> args,
                                     std::string* error) const {
  const CommandSpec* spec = services_.commands().Find(args[0]);
  if (spec == nullptr) {
    *error = NoSuchCommand(services_.commands(), args);
    return nullptr;
  }
  if (!spec->subcommands.empty() && args.size() > 1) {
    const CommandSpec* sub = FindSubcommand(*spec, args[1]);
    if (sub == nullptr) {
      *error = NoSuchCommand(services_.commands(), args);
      return nullptr;
    }
    spec = sub;
  }
  if (!spec->AcceptsArity(args.size())) {
    *error = WrongArity(spec->name);
    return nullptr;
  }
  return spec;
}

std::optional<std::string> Executor::Refusal(const CommandSpec& spec, const ClientState& client,
                                             std::span<const std::string_view> args) const {
  acl::AccessControl& access = services_.access();
  if ((spec.flags & kNoAuthFlag) == 0 && access.MustAuthenticate(client.identity)) {
    return std::string(acl::kMustAuthenticate);
  }
  const acl::Denial denial = access.Check(
      client, spec, args, client.multi.open() ? acl::Where::kMulti : acl::Where::kToplevel);
  if (denial != acl::Denial::kNone) return acl::NoPermission(denial, spec);
  if (loading_ && (spec.flags & kLoadingFlag) == 0) {
    return "LOADING Redis is loading the dataset in memory";
  }
  if (client.monitors && (spec.flags & (kReadOnlyFlag | kWriteFlag)) != 0) {
    return "ERR Replica can't interact with the keyspace";  // the words of Redis
  }
  // A client of version 2 could not tell replies from messages.
  if (client.protocol < 3 && client.subscriptions.total() > 0 &&
      (spec.flags & kWhileSubscribedFlag) == 0) {
    return "ERR Can't execute '" + std::string(spec.name) +
           "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
           "context";
  }
  return std::nullopt;
}

Executed Executor::Execute(ClientState& client, std::span<const std::string_view> args,
                           std::string* out) {
  Reply reply(out, client.protocol);
  std::string error;
  const CommandSpec* spec = Resolve(args, &error);
  if (spec != nullptr) {
    if (auto refusal = Refusal(*spec, client, args); refusal.has_value()) {
      error = *std::move(refusal);
      spec = nullptr;
    }
  }
  if (spec == nullptr) {
    Refuse(client, args, error, reply);
    return {};
  }
  client.last_command = spec->name;
  if (client.multi.open() && (spec->flags & kNotQueuedFlag) == 0) {
    Queue(*spec, client, args, reply);
    return {};
  }
  const uint64_t began_us = ended_us_;
  now_ms_ = std::max(now_ms_, round_ms_ + (began_us - round_us_) / 1000);
  Transaction txn(backend_, counts_, now_ms_, services_.config().key_events);
  Call(*spec, client, args, txn, reply);
  if (client.waits_for_reply) return {};
  const Executed executed = reply.failed() ? Executed{BarrierOfReads()} : Commit(txn, reply);
  Report(*spec, client, args, began_us, reply);
  return executed;
}

void Executor::Refuse(ClientState& client, std::span<const std::string_view> args,
                      std::string_view error, Reply& reply) {
  services_.CommandRefused(args, error);
  client.multi.Spoil();
  if (!EqualsIgnoreCase(args[0], "exec")) return reply.Error(error);
  client.multi.Close();
  watches_.Forget(client.id);
  if (error.starts_with("ERR ")) error.remove_prefix(4);
  reply.Error("EXECABORT Transaction discarded because of: " + std::string(error));
}

void Executor::Queue(const CommandSpec& spec, ClientState& client,
                     std::span<const std::string_view> args, Reply& reply) {
  const uint64_t limit = services_.config().query_buffer_limit_bytes;
  if (client.multi.Add(spec, args, limit)) return reply.Simple("QUEUED");
  Refuse(client, args,
         "ERR the queued commands take more memory than client-query-buffer-limit, " +
             std::to_string(limit) + " bytes",
         reply);
}

void Executor::Run(const CommandSpec& spec, ClientState& client,
                   std::span<const std::string_view> args, Transaction& txn, Reply& reply) {
  const uint64_t began_us = services_.clock().MonotonicMicros();
  Call(spec, client, args, txn, reply);
  Report(spec, client, args, began_us, reply);
}

void Executor::Report(const CommandSpec& spec, const ClientState& client,
                      std::span<const std::string_view> args, uint64_t began_us,
                      const Reply& reply) {
  ended_us_ = services_.clock().MonotonicMicros();
  services_.CommandRan({spec, client, args, ended_us_ - began_us, reply.error()});
}

void Executor::Call(const CommandSpec& spec, ClientState& client,
                    std::span<const std::string_view> args, Transaction& txn, Reply& reply) {
  const bool waited = client.waits_for_reply;
  const Transaction::Savepoint savepoint = txn.Save();
  Context context{services_, client, txn, args, reply};
  if (const Status status = spec.function(context); !status.ok()) {
    reply.Rewind();
    if (status.code() == StatusCode::kInvalidArgument) {
      reply.Error("ERR " + std::string(status.message()));
    } else {
      reply.Error("ERR reading the store failed: " + status.ToString());
    }
  }
  // It has left its client waiting: a command of a script, which may wait already, has not.
  if (client.waits_for_reply && !waited) return txn.RollBackTo(savepoint);
  if (reply.failed()) {
    txn.RollBackTo(savepoint);
  } else {
    txn.Release(savepoint);
  }
}

std::optional<Executed> Executor::CommitIfUnchanged(Transaction& txn, const ReadSet& reads,
                                                    Reply& reply) {
  // All commits are made on this loop: none comes between the check and the commit.
  if (backend_.CheckUnchanged(reads).code() == StatusCode::kAborted) return std::nullopt;
  txn.Rebase(counts_);
  return Commit(txn, reply);
}

Executed Executor::Commit(Transaction& txn, Reply& reply) {
  watches_.BeforeCommit(txn);
  const std::vector<Write> writes = txn.TakeWrites();
  Executed executed;
  Status status;
  if (!writes.empty()) {
    status = CommitWrites(txn, writes, &executed);
  } else {
    if (txn.dependency() != nullptr) status = backend_.CheckUnchanged(txn.dependency()->reads);
    executed.barrier = BarrierOfReads();
  }
  if (!status.ok()) {
    reply.Rewind();
    ReplyFailed(status, reply);
    return {};
  }
  const std::vector<Notice> notices = txn.TakeNotices();
  if (!notices.empty()) services_.TellSubscribers(notices, executed.barrier);
  executed.has_pushes = reply.has_pushes();
  return executed;
}

Status Executor::CommitWrites(const Transaction& txn, std::span<const Write> writes,
                              Executed* executed) {
  const bool always = services_.config().sync == SyncPolicy::kAlways;
  const Survives survives =
      always && txn.changes_data() ? Survives::kPowerLoss : Survives::kProcessDeath;
  const auto [number, applied] =
      commits_.Start(writes, survives, txn.dependency() ? &txn.dependency()->reads : nullptr);
  watches_.AfterCommit();
  const std::optional<Status> outcome = commits_.Outcome(number);
  if (applied || (outcome.has_value() && outcome->ok())) {
    counts_ = txn.counts();
  } else if (!outcome.has_value()) {
    paused_on_ = Pause{number, txn.counts(), txn.dependency()};
  }
  if (outcome.has_value() && !outcome->ok()) return *outcome;
  // If it is acknowledged already, what it saw may still be on its way.
  if (commits_.acknowledged() < number) executed->barrier = number;
  return Status::Ok();
}

Result<size_t> Executor::Reap(size_t limit) {
  Transaction txn(backend_, counts_, NowMs(), services_.config().key_events);
  ASSIGN_OR_RETURN(const size_t reaped, txn.Reap(limit));
  if (reaped == 0) return reaped;
  std::string ignored;
  Reply reply(&ignored, 2);
  Commit(txn, reply);
  return reaped;
}

void Executor::OnProgress() {
  if (paused_on_.has_value()) {
    const std::optional<Status> outcome = commits_.Outcome(paused_on_->commit);
    if (outcome.has_value()) {
      if (outcome->ok()) counts_ = paused_on_->counts;
      paused_on_.reset();
    }
  }
  // A commit that was applied and then failed took its keys with it.
  if (commits_.TakeFailure()) {
    const auto counts = ReadCounts(backend_);
    if (counts.ok() && counts->has_value()) counts_ = **counts;
  }
  on_progress_();
}

}  // namespace nokv::redis
