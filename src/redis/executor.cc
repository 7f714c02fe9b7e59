#include "redis/executor.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "redis/books.h"
#include "redis/commands/common.h"

namespace nokv::redis {

namespace {

// Text of a client that an error may quote; up to the first NUL, as in Redis.
std::string_view Quotable(std::string_view text, size_t limit) {
  text = text.substr(0, limit);
  return text.substr(0, text.find('\0'));
}

std::string UnknownCommand(std::span<const std::string_view> args) {
  constexpr size_t kQuotedBytes = 128;
  std::string quoted;
  for (size_t i = 1; i < args.size() && quoted.size() < kQuotedBytes; ++i) {
    quoted += "'" + std::string(Quotable(args[i], kQuotedBytes - quoted.size())) + "' ";
  }
  return "ERR unknown command '" + std::string(Quotable(args[0], kQuotedBytes)) +
         "', with args beginning with: " + quoted;
}

std::string UnknownSubcommand(std::string_view container, std::string_view name) {
  std::string upper(container);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return "ERR unknown subcommand '" + std::string(Quotable(name, 128)) + "'. Try " + upper +
         " HELP.";
}

}  // namespace

Executor::Executor(Services& services, Backend& backend, rpc::stream::Loop& loop,
                   std::function<void()> on_progress)
    : services_(services),
      backend_(backend),
      on_progress_(std::move(on_progress)),
      commits_(backend, loop, [this] { OnProgress(); }) {}

uint64_t Executor::NowMs() {
  now_ms_ = std::max(now_ms_, services_.clock().WallMillis());
  return now_ms_;
}

std::string Executor::WriteFailed(const Status& status) {
  return "MISCONF Errors writing to the store: " + status.ToString();
}

const CommandSpec* Executor::Resolve(std::span<const std::string_view> args, Reply& reply) {
  const CommandSpec* spec = services_.commands().Find(args[0]);
  if (spec == nullptr) {
    reply.Error(UnknownCommand(args));
    return nullptr;
  }
  if (!spec->subcommands.empty() && args.size() > 1) {
    const CommandSpec* sub = FindSubcommand(*spec, args[1]);
    if (sub == nullptr) {
      reply.Error(UnknownSubcommand(spec->name, args[1]));
      return nullptr;
    }
    spec = sub;
  }
  if (!spec->AcceptsArity(args.size())) {
    reply.Error(WrongArity(spec->name));
    return nullptr;
  }
  if (loading_ && (spec->flags & kLoadingFlag) == 0) {
    reply.Error("LOADING Redis is loading the dataset in memory");
    return nullptr;
  }
  return spec;
}

Executed Executor::Execute(ClientState& client, std::span<const std::string_view> args,
                           std::string* out) {
  Reply reply(out, client.protocol);
  const CommandSpec* spec = Resolve(args, reply);
  if (spec == nullptr) return {};
  client.last_command = spec->name;
  Transaction txn(backend_, counts_, NowMs());
  Context context{services_, client, txn, args, reply};
  if (const Status status = spec->function(context); !status.ok()) {
    reply.Rewind();
    if (status.code() == StatusCode::kInvalidArgument) {
      reply.Error("ERR " + std::string(status.message()));
    } else {
      reply.Error("ERR reading the store failed: " + status.ToString());
    }
    return {};
  }
  if (reply.failed()) return {};
  return Commit(txn, reply);
}

Executed Executor::Commit(Transaction& txn, Reply& reply) {
  const std::vector<Write>& writes = txn.Finish();
  if (writes.empty()) {
    // It may have seen writes that are still on their way.
    return commits_.acknowledged() == commits_.last() ? Executed{} : Executed{commits_.last()};
  }
  const bool always = services_.config().sync == SyncPolicy::kAlways;
  const Survives survives =
      always && txn.changes_data() ? Survives::kPowerLoss : Survives::kProcessDeath;
  const auto [number, applied] = commits_.Start(writes, survives);
  const std::optional<Status> outcome = commits_.Outcome(number);
  if (applied || (outcome.has_value() && outcome->ok())) counts_ = txn.counts();
  if (!outcome.has_value()) {
    if (!applied) paused_on_ = Pause{number, txn.counts()};
    return {number};
  }
  if (!outcome->ok()) {
    reply.Rewind();
    reply.Error(WriteFailed(*outcome));
    return {};
  }
  // Acknowledged already; what it saw may still be on its way.
  return commits_.acknowledged() >= number ? Executed{} : Executed{number};
}

Result<size_t> Executor::Reap(size_t limit) {
  Transaction txn(backend_, counts_, NowMs());
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
