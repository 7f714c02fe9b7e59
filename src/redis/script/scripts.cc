#include "redis/script/scripts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/macros.h"
#include "redis/acl/access_control.h"
#include "redis/commands/common.h"

namespace nokv::redis {

namespace {

// After so many conflicts a script runs without a break.
constexpr int kMaxConflicts = 3;
// A script that has read more can no longer be validated, and runs without a break.
constexpr size_t kMaxReads = 500'000;
// What the writes of one script take, about: their words and so much for each.
constexpr size_t kMaxWriteBytes = size_t{512} << 20;
constexpr size_t kBytesPerWrite = 128;
constexpr ScriptCache::Room kEvaluatedRoom = {1000, size_t{4} << 20};
constexpr ScriptCache::Room kLoadedRoom = {10'000, size_t{12} << 20};
// Of the words of an EVAL: where its keys begin.
constexpr size_t kFirstKey = 3;

base::LogLevel Level(ScriptLogLevel level) {
  switch (level) {
    case ScriptLogLevel::kDebug:
    case ScriptLogLevel::kVerbose:
      return base::LogLevel::kDebug;
    case ScriptLogLevel::kNotice:
      return base::LogLevel::kInfo;
    case ScriptLogLevel::kWarning:
      return base::LogLevel::kWarning;
  }
  return base::LogLevel::kInfo;
}

// Of a reply that is an error: without its dash and line break.
std::string_view ErrorText(std::string_view reply) {
  return reply.substr(1, reply.size() - 3);
}

}  // namespace

// The commands of one script: over its transaction, in the name of its client.
class Scripts::Host final : public ScriptHost {
 public:
  // All are borrowed.
  Host(Scripts& scripts, ClientState& client, Transaction& txn, bool read_only)
      : scripts_(scripts), client_(client), txn_(txn), read_only_(read_only), db_(client.db) {
    txn.CopyValues();
  }

  void set_run(ScriptRun* run) { run_ = run; }

  void Call(std::span<const std::string_view> args, int protocol, std::string* reply) override {
    Reply out(reply, protocol);
    const CommandSpec* spec = nullptr;
    if (const auto refusal = Refusal(args, &spec); !refusal.empty()) return out.Error(refusal);
    // SELECT in a script is for the script.
    std::swap(client_.db, db_);
    scripts_.services_.executor().Run(*spec, client_, args, txn_, out);
    std::swap(client_.db, db_);
  }

  std::optional<bool> MayCall(std::span<const std::string_view> args) override {
    const CommandSpec* spec = Find(args);
    if (spec == nullptr) return std::nullopt;
    return client_.identity.user->Check(*spec, args).allowed();
  }

  void Log(ScriptLogLevel level, std::string_view text) override {
    scripts_.logger_.Log(Level(level), "script: " + std::string(text));
  }

 private:
  const CommandSpec* Find(std::span<const std::string_view> args) const {
    const CommandSpec* spec = scripts_.services_.commands().Find(args[0]);
    if (spec == nullptr || spec->subcommands.empty() || args.size() < 2) return spec;
    return FindSubcommand(*spec, args[1]);
  }

  // Why the command may not run here; empty, and it, if it may.
  std::string Refusal(std::span<const std::string_view> args, const CommandSpec** spec) {
    *spec = Find(args);
    if (*spec == nullptr) return "ERR Unknown Redis command called from script";
    if (!(*spec)->AcceptsArity(args.size())) {
      return "ERR Wrong number of args calling Redis command from script";
    }
    if (((*spec)->flags & kNoScriptFlag) != 0) {
      return "ERR This Redis command is not allowed from script";
    }
    const acl::Denial denial =
        scripts_.services_.access().Check(client_, **spec, args, acl::Where::kScript);
    if (denial != acl::Denial::kNone) return "ERR " + std::string(acl::ScriptMayNot(denial));
    if (read_only_ && ((*spec)->flags & (kWriteFlag | kMayReplicateFlag)) != 0) {
      return "ERR Write commands are not allowed from read-only scripts.";
    }
    if (((*spec)->flags & kWriteFlag) != 0) CountWrite(args);
    return "";
  }

  void CountWrite(std::span<const std::string_view> args) {
    written_bytes_ += kBytesPerWrite;
    for (const std::string_view word : args) written_bytes_ += word.size();
    if (written_bytes_ <= kMaxWriteBytes) return;
    run_->Stop("ERR Script stopped: it wrote more than " + std::to_string(kMaxWriteBytes) +
               " bytes, nothing of it was applied");
  }

  Scripts& scripts_;
  ClientState& client_;
  Transaction& txn_;
  ScriptRun* run_ = nullptr;
  const bool read_only_;
  int db_;
  size_t written_bytes_ = 0;
};

// A run and the script that is busy with it.
struct Scripts::Attempt {
  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { Reset(); }
  void Reset() {
    run.reset();
    if (script != nullptr) script->set_busy(false);
    script.reset();
  }

  std::shared_ptr<Script> script;
  std::unique_ptr<ScriptRun> run;
};

// A script that did not end within its command.
struct Scripts::Suspended {
  Suspended(const Context& context, const CommandSpec& command, Request asked)
      : client(context.client),
        spec(command),
        words(context.args.begin(), context.args.end()),
        request(std::move(asked)),
        protocol(context.client.protocol) {}

  ClientState& client;
  const CommandSpec& spec;
  const std::vector<std::string> words;  // of the command
  const Request request;
  const int protocol;
  bool killed = false;
  int conflicts = 0;
  uint64_t ran_us = 0;

  // The attempt that has begun, if one has; from the first to the last as they depend on another.
  AllCounts counts = {};  // when it began
  std::unique_ptr<Position> position;
  ReadSet reads;
  std::unique_ptr<Transaction> txn;
  std::unique_ptr<Host> host;
  Attempt attempt;

  bool has_begun() const { return attempt.run != nullptr; }
  // Whether it lets others run in between.
  bool takes_turns() const { return conflicts < kMaxConflicts; }
  std::vector<std::string_view> WordViews() const { return {words.begin(), words.end()}; }
  void Abandon() {
    attempt.Reset();
    host.reset();
    txn.reset();
    reads = {};
    position.reset();
  }
};

Scripts::Scripts(Services& services, base::Logger& logger, rpc::stream::Loop& loop)
    : services_(services),
      logger_(logger),
      loop_(loop),
      engine_(services.clock(), services.config().script_memory_limit_bytes,
              services.config().version),
      cache_(engine_, kEvaluatedRoom, kLoadedRoom) {}

Scripts::~Scripts() = default;

ScriptLimits Scripts::Limits() const {
  const Config& config = services_.config();
  return {config.script_time_limit_ms, config.script_step_limit, config.reply_limit_bytes};
}

Status Scripts::Prepare(const Request& request, std::span<const std::string_view> words,
                        int protocol, Attempt* attempt) {
  std::shared_ptr<Script> script = request.script;
  if (script->busy()) {
    ASSIGN_OR_RETURN(script, cache_.Compile(script->text()));
  }
  ScriptCall call;
  call.sha = script->sha();
  call.protocol = protocol;
  call.keys = words.subspan(kFirstKey, request.keys);
  call.arguments = words.subspan(kFirstKey + request.keys);
  call.seed = services_.random().Next() >> 16;
  ASSIGN_OR_RETURN(attempt->run, engine_.Start(script->function(), Limits(), std::move(call)));
  script->set_busy(true);
  attempt->script = std::move(script);
  return Status::Ok();
}

Status Scripts::Run(Context& context, const Request& request) {
  Attempt attempt;
  if (const Status status = Prepare(request, context.args, context.client.protocol, &attempt);
      !status.ok()) {
    return Fail(context, "ERR " + std::string(status.message()));
  }
  Host host(*this, context.client, context.txn, request.read_only);
  host.set_run(attempt.run.get());
  // EXEC waits for all of its commands.
  const bool may_yield = !context.client.multi.open();
  const auto outcome = attempt.run->Resume(host, may_yield, services_.config().script_slice_us);
  std::string reply = std::move(attempt.run->reply());
  attempt.Reset();
  engine_.CleanUp();
  if (outcome == ScriptRun::Outcome::kYielded) {
    Suspend(context, request);
  } else if (outcome == ScriptRun::Outcome::kStopped) {
    context.reply.Error(ErrorText(reply));
  } else {
    // Also if it is an error: what the script wrote before stays.
    context.reply.Raw(reply);
    if (reply[0] == '-') services_.CountError(ErrorText(reply));
  }
  return Status::Ok();
}

void Scripts::Suspend(Context& context, const Request& request) {
  std::string ignored;
  const CommandSpec* spec = services_.executor().Resolve(context.args, &ignored);
  context.client.waits_for_reply = true;
  suspended_.push_back(std::make_unique<Suspended>(context, *spec, request));
  PostTurn();
}

void Scripts::PostTurn() {
  if (posted_ || suspended_.empty()) return;
  posted_ = true;
  loop_.Post([this] { Turn(); });
}

void Scripts::Continue() {
  PostTurn();
}

void Scripts::Turn() {
  posted_ = false;
  // Otherwise Continue comes.
  if (suspended_.empty() || services_.executor().paused()) return;
  std::unique_ptr<Suspended> script = std::move(suspended_.front());
  suspended_.pop_front();
  if (!RunSlice(*script)) suspended_.push_back(std::move(script));
  PostTurn();
}

bool Scripts::RunSlice(Suspended& script) {
  if (!script.has_begun()) {
    script.counts = services_.executor().counts();
    script.txn =
        std::make_unique<Transaction>(services_.backend(), script.counts,
                                      services_.executor().NowMs(), services_.config().key_events);
    if (script.takes_turns()) {
      script.position = services_.backend().CurrentPosition();
      script.reads.since = script.position.get();
      script.txn->RecordReads(&script.reads);
    }
    script.host =
        std::make_unique<Host>(*this, script.client, *script.txn, script.request.read_only);
    if (const Status status =
            Prepare(script.request, script.WordViews(), script.protocol, &script.attempt);
        !status.ok()) {
      Answer(script, {}, "-ERR " + std::string(status.message()) + "\r\n");
      return true;
    }
    script.host->set_run(script.attempt.run.get());
  }
  if (script.killed) script.attempt.run->Stop("ERR Script killed by user with SCRIPT KILL...");
  const uint64_t began_us = services_.clock().MonotonicMicros();
  const auto outcome = script.attempt.run->Resume(*script.host, script.takes_turns(),
                                                  services_.config().script_slice_us);
  script.ran_us += services_.clock().MonotonicMicros() - began_us;
  if (outcome == ScriptRun::Outcome::kYielded) {
    if (script.reads.keys.size() + script.reads.ranges.size() > kMaxReads) {
      script.conflicts = kMaxConflicts;
      script.Abandon();
    }
    return false;
  }
  if (outcome == ScriptRun::Outcome::kStopped) {
    Answer(script, {}, script.attempt.run->reply());
    return true;
  }
  return Finish(script);
}

bool Scripts::Finish(Suspended& script) {
  std::string bytes;
  Reply reply(&bytes, script.protocol);
  reply.Raw(script.attempt.run->reply());
  std::optional<Executed> executed;
  if (script.takes_turns()) {
    executed = services_.executor().CommitIfUnchanged(*script.txn, script.reads, reply);
  } else {
    executed = services_.executor().Commit(*script.txn, reply);
  }
  if (!executed.has_value()) {
    ++script.conflicts;
    script.Abandon();
    return false;
  }
  Answer(script, *executed, bytes);
  return true;
}

void Scripts::Answer(Suspended& script, const Executed& executed, std::string_view reply) {
  // The reply may be part of the attempt.
  const std::string bytes(reply);
  script.Abandon();
  engine_.CleanUp();
  const std::string_view error = bytes[0] == '-' ? ErrorText(bytes) : std::string_view();
  const std::vector<std::string_view> words = script.WordViews();
  services_.CommandRan({script.spec, script.client, words, script.ran_us, error});
  services_.Answer(script.client.id, executed, bytes);
}

bool Scripts::Kill() {
  for (const auto& script : suspended_) script->killed = true;
  return !suspended_.empty();
}

void Scripts::Cancel(uint64_t client_id) {
  suspended_.remove_if([&](const auto& script) { return script->client.id == client_id; });
}

void Scripts::Flush() {
  cache_.Clear();
}

}  // namespace nokv::redis
