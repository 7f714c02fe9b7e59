#include "redis/gateway.h"

#include <algorithm>
#include <utility>

#include "redis/acl/user_file.h"
#include "redis/commands/client_admin.h"
#include "redis/redact.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

namespace {

constexpr uint64_t kPatienceMs = 1000;
constexpr uint64_t kLateIntervalMs = 50;
constexpr uint64_t kReapIntervalMs = 100;
constexpr size_t kReapBatch = 1000;
constexpr int kReapBatchesPerTick = 5;
constexpr uint64_t kSyncIntervalMs = 1000;
constexpr uint64_t kSlowSyncUs = 2'000'000;
constexpr uint64_t kSweepIntervalMs = 1000;
constexpr uint64_t kDrainIntervalMs = 20;
constexpr uint64_t kDrainDeadlineUs = 5'000'000;

// As Redis says it, up to the ways out, which are ours.
constexpr std::string_view kProtectedMode =
    "DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. If you want to connect from external computers to Redis you may adopt one of the "
    "following solutions: 1) Set a password for the default user: start the gateway with "
    "--requirepass-file or --aclfile, or send 'CONFIG SET requirepass' from the loopback "
    "interface. 2) Send 'CONFIG SET protected-mode no' from the loopback interface, if every "
    "machine that can reach this port is trusted. NOTE: You only need to do one of the above "
    "things in order for the server to start accepting connections from the outside.";

}  // namespace

Gateway::Gateway(const Config& config, const GatewayDoors& doors)
    : config_(config),
      doors_(doors),
      start_ms_(doors.clock.WallMillis()),
      access_(commands_, doors.clock, doors.logger,
              [this](const ClientState& client) {
                return DescribeClient(*this, client, doors_.clock.WallMillis());
              }),
      random_(doors.seed),
      scan_cursors_(doors.backend.Generation()),
      executor_(*this, doors.backend, doors.loop, [this] { OnProgress(); }),
      look_ahead_(doors.backend, commands_),
      scripts_(*this, doors.logger, doors.loop),
      books_(doors.backend, doors.loop, doors.logger) {
  if (!config_.requirepass_hash.empty()) access_.SetDefaultPassword(config_.requirepass_hash);
}

Gateway::~Gateway() = default;

void Gateway::Start(std::function<void(Status)> ready) {
  // Counting takes a moment, or minutes: early clients wait for a moment, then they are told.
  any_stopped_ = true;
  StartClientTimers();
  patience_ = doors_.loop.Every(kPatienceMs, [this] {
    executor_.StopHolding();
    OnProgress();
  });
  books_.Open([this, ready = std::move(ready)](Status status, const AllCounts& counts) {
    if (status.ok()) {
      executor_.set_counts(counts);
      patience_.reset();
      StartStoreTimers();
      OnProgress();
    }
    ready(std::move(status));
  });
}

void Gateway::StartClientTimers() {
  timers_.push_back(doors_.loop.Every(kLateIntervalMs, [this] { SendLate(); }));
  timers_.push_back(doors_.loop.Every(kSweepIntervalMs, [this] { SweepTick(); }));
}

void Gateway::StartStoreTimers() {
  timers_.push_back(doors_.loop.Every(kReapIntervalMs, [this] { ReapTick(); }));
  timers_.push_back(doors_.loop.Every(kSyncIntervalMs, [this] { SyncTick(); }));
}

std::unique_ptr<rpc::stream::Handler> Gateway::Accept(rpc::stream::Connection& connection) {
  if (drained_ != nullptr) return nullptr;
  if (sessions_.size() >= config_.max_clients) {
    Refuse(connection, "ERR max number of clients reached");
    return nullptr;
  }
  if (config_.protected_mode && access_.default_user().needs_no_password() &&
      !connection.peer_is_loopback()) {
    Refuse(connection, kProtectedMode);
    return nullptr;
  }
  Add(accepted_, 1);
  Add(active_, 1);
  const uint64_t id = ++last_id_;
  auto session = std::make_unique<Session>(*this, connection, id, doors_.clock.WallMillis());
  sessions_.emplace(id, session.get());
  return session;
}

void Gateway::Refuse(rpc::stream::Connection& connection, std::string_view error) {
  Add(rejected_, 1);
  Reply(&connection.output(), 2).Error(error);
  connection.CloseAfterFlush();
}

Executed Gateway::Execute(ClientState& client, std::span<const std::string_view> args,
                          std::string* out) {
  const Executed executed = executor_.Execute(client, args, out);
  ++client.commands;
  client.last_command_ms = executor_.LastNowMs();
  any_stopped_ |= executor_.paused();
  return executed;
}

void Gateway::CommandRefused(std::span<const std::string_view> args, std::string_view error) {
  CountError(error);
  const CommandSpec* spec = commands_.Find(args[0]);
  if (spec != nullptr && !spec->subcommands.empty()) {
    spec = args.size() > 1 ? FindSubcommand(*spec, args[1]) : nullptr;
  }
  command_stats_.Refused(spec);
}

void Gateway::CommandRan(const RanCommand& command) {
  const CommandSpec& spec = command.spec;
  command_stats_.Ran(spec, command.duration_us, !command.error.empty());
  if (!command.error.empty()) CountError(command.error);
  if (config_.slow_log_slower_than_us >= 0 && (spec.flags & kSkipSlowLogFlag) == 0 &&
      command.duration_us >= static_cast<uint64_t>(config_.slow_log_slower_than_us)) {
    slow_log_.Add({0,
                   executor_.LastNowMs() / 1000,
                   command.duration_us,
                   {},
                   command.client.address,
                   command.client.name},
                  Redacted(spec, command.args), config_.slow_log_max_entries);
  }
  const uint64_t threshold_ms = config_.latency_monitor_threshold_ms;
  if (threshold_ms != 0 && command.duration_us / 1000 >= threshold_ms) {
    latency_monitor_.Add((spec.flags & kFastFlag) != 0 ? "fast-command" : "command",
                         executor_.LastNowMs() / 1000, command.duration_us / 1000);
  }
  if (!monitors_.empty() && (spec.flags & (kAdminFlag | kSkipMonitorFlag)) == 0) {
    monitors_.Show(doors_.clock.WallMillis() * 1000, command.client.db, command.client.address,
                   Redacted(spec, command.args));
  }
}

void Gateway::OnProgress() {
  std::vector<Session*> holders;
  holders.swap(holders_);
  for (Session* session : holders) {
    session->OnProgress();
    if (session->holds_replies()) holders_.push_back(session);
  }
  executor_.commits().ForgetFailures();
  if (!any_stopped_ || executor_.paused()) return;
  any_stopped_ = false;
  scripts_.Continue();
  for (const auto& [id, session] : sessions_) session->OnDrained();
}

void Gateway::Remove(uint64_t id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  scripts_.Cancel(id);
  CountBuffered(found->second->buffered_bytes(), 0);
  std::erase(holders_, found->second);
  std::erase(to_flush_, found->second);
  executor_.watches().Forget(id);
  sessions_.erase(found);
  Add(active_, static_cast<uint64_t>(-1));
}

void Gateway::TellSubscribers(std::span<const Notice> notices, uint64_t barrier) {
  for (const Notice& notice : notices) {
    switch (notice.kind) {
      case Notice::Kind::kKeyEvent:
        PublishKeyEvent(notice, barrier);
        break;
      case Notice::Kind::kMessage:
        pubsub_.Publish(SubscriptionKind::kChannel, notice.target, notice.message, barrier);
        break;
      case Notice::Kind::kShardMessage:
        pubsub_.Publish(SubscriptionKind::kShardChannel, notice.target, notice.message, barrier);
        break;
    }
  }
}

void Gateway::PublishKeyEvent(const Notice& notice, uint64_t barrier) {
  const std::string at_db = "@" + std::to_string(notice.db) + "__:";
  if ((config_.key_events & kKeyspaceEvents) != 0) {
    pubsub_.Publish(SubscriptionKind::kChannel, "__keyspace" + at_db + notice.target, notice.event,
                    barrier);
  }
  if ((config_.key_events & kKeyeventEvents) != 0) {
    pubsub_.Publish(SubscriptionKind::kChannel, "__keyevent" + at_db + std::string(notice.event),
                    notice.target, barrier);
  }
}

void Gateway::FlushSoon(Session& session) {
  to_flush_.push_back(&session);
  if (to_flush_.size() > 1) return;
  doors_.loop.Post([this] { EndRound(); });
}

void Gateway::EndRound() {
  executor_.commits().Submit();
  // One may be added meanwhile, and closed, but not removed before the loop is back.
  for (size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->FlushRound();
  to_flush_.clear();
  EnforceBudget();
}

void Gateway::EnforceBudget() {
  const uint64_t limit = config_.max_buffered_bytes;
  if (limit == 0 || buffered_bytes_ <= limit) return;
  // Output that has left since a session's last callback, or can leave now, does not count.
  std::vector<Session*> largest;
  for (const auto& [id, session] : sessions_) {
    session->FlushAndCount();
    if (!session->client().no_evict) largest.push_back(session);
  }
  std::sort(largest.begin(), largest.end(), [](const Session* a, const Session* b) {
    return a->buffered_bytes() > b->buffered_bytes();
  });
  for (Session* session : largest) {
    if (buffered_bytes_ <= limit || session->buffered_bytes() == 0) return;
    doors_.logger.Warning("client " + session->client().address + ": closed, it held " +
                          std::to_string(session->buffered_bytes()) +
                          " bytes of unfinished requests and unread replies, and all clients more "
                          "than maxmemory-clients");
    Add(evicted_, 1);
    session->Abort();
  }
}

Status Gateway::LoadUsers() {
  return acl::LoadUsers(doors_.files, config_.acl_file, &access_);
}

Status Gateway::SaveUsers() {
  return acl::SaveUsers(doors_.files, config_.acl_file, access_);
}

void Gateway::SendLate() {
  if (std::exchange(any_late_, false)) OnProgress();
}

void Gateway::ReapTick() {
  // During a pause nothing changes.
  if (client_pause_.active(executor_.NowMs())) return;
  if (client_pause_.began()) ResumeClients();
  for (int i = 0; i < kReapBatchesPerTick && !executor_.paused(); ++i) {
    const Result<size_t> reaped = executor_.Reap(kReapBatch);
    any_stopped_ |= executor_.paused();
    if (!reaped.ok()) {
      return doors_.logger.Error("removing expired keys: " + reaped.status().ToString());
    }
    Add(expired_, *reaped);
    if (*reaped < kReapBatch) return;
  }
}

void Gateway::SyncTick() {
  if (config_.sync != SyncPolicy::kEverySec) return;
  const uint64_t now_us = doors_.clock.MonotonicMicros();
  if (sync_running_) {
    if (now_us - sync_began_us_ > kSlowSyncUs) {
      doors_.logger.Warning("the log has been syncing for more than 2 seconds: is the disk busy?");
    }
    return;
  }
  if (synced_commit_ == executor_.commits().last()) return;
  synced_commit_ = executor_.commits().last();
  sync_running_ = true;
  sync_began_us_ = now_us;
  doors_.backend.Sync(/*leading=*/false, [this](Status status) {
    doors_.loop.Post([this, status = std::move(status)] {
      sync_running_ = false;
      if (!status.ok()) doors_.logger.Error("syncing the log: " + status.ToString());
    });
  });
}

void Gateway::SweepTick() {
  const GatewayStats totals = stats();
  const uint64_t now_us = doors_.clock.MonotonicMicros();
  commands_rate_.Sample(totals.commands_total, now_us);
  input_rate_.Sample(totals.input_bytes, now_us);
  output_rate_.Sample(totals.output_bytes, now_us);
  executor_.watches().Renew();
  const uint64_t now_ms = executor_.NowMs();
  for (const auto& [id, session] : sessions_) session->Sweep(now_ms);
}

void Gateway::Drain(std::function<void()> done) {
  if (drained_ != nullptr) return;
  drained_ = std::move(done);
  drain_began_us_ = doors_.clock.MonotonicMicros();
  // The first tick leaves time for what has arrived to be read.
  timers_.push_back(doors_.loop.Every(kDrainIntervalMs, [this] { DrainTick(); }));
}

void Gateway::DrainTick() {
  if (drained_ == nullptr) return;
  const bool late = doors_.clock.MonotonicMicros() - drain_began_us_ > kDrainDeadlineUs;
  for (const auto& [id, session] : sessions_) {
    session->CloseAfterReplies();
    if (late) session->Abort();
  }
  if (!sessions_.empty() || executor_.commits().acknowledged() != executor_.commits().last()) {
    if (!late) return;
  }
  const auto done = std::move(drained_);
  drained_ = nullptr;
  // From the loop: a timer must not be destroyed by its own tick.
  doors_.loop.Post([this, done] {
    patience_.reset();
    timers_.clear();
    done();
  });
}

void Gateway::Answer(uint64_t client_id, const Executed& executed, std::string_view reply) {
  any_stopped_ |= executor_.paused();
  const auto found = sessions_.find(client_id);
  if (found != sessions_.end()) found->second->Answer(executed, reply);
}

void Gateway::ForEachClient(const std::function<void(const ClientState&)>& visit) const {
  for (const auto& [id, session] : sessions_) visit(session->client());
}

void Gateway::KillClient(uint64_t id) {
  const auto found = sessions_.find(id);
  if (found != sessions_.end()) found->second->Abort();
}

void Gateway::ResumeClients() {
  client_pause_.End();
  doors_.loop.Post([this] { OnProgress(); });
}

bool Gateway::PostponesDuringPause(const ClientState& client,
                                   std::span<const std::string_view> args) {
  if (!client_pause_.active(executor_.NowMs())) return false;
  const CommandSpec* spec = commands_.Find(args[0]);
  const auto writes = [](const CommandSpec& one) {
    return (one.flags & (kWriteFlag | kMayReplicateFlag)) != 0;
  };
  bool postponed = client_pause_.all() || (spec != nullptr && writes(*spec));
  if (!postponed && spec != nullptr && spec->name == "exec" && client.multi.open()) {
    for (const QueuedCommand& queued : *client.multi.queue()) postponed |= writes(*queued.spec);
  }
  any_stopped_ |= postponed;
  return postponed;
}

void Gateway::CountBytes(uint64_t input, uint64_t output) {
  Add(input_bytes_, input);
  Add(output_bytes_, output);
}

GatewayStats Gateway::stats() const {
  const auto read = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  GatewayStats stats;
  stats.errors_total = command_stats_.error_count();
  stats.connections_active = read(active_);
  stats.connections_accepted = read(accepted_);
  stats.connections_rejected = read(rejected_);
  stats.connections_evicted = read(evicted_);
  stats.keyspace_hits = read(hits_);
  stats.keyspace_misses = read(misses_);
  stats.expired_keys = read(expired_);
  stats.slow_readers = read(slow_readers_);
  stats.input_bytes = read(input_bytes_);
  stats.output_bytes = read(output_bytes_);
  stats.commands_per_second = commands_rate_.per_second();
  stats.input_bytes_per_second = input_rate_.per_second();
  stats.output_bytes_per_second = output_rate_.per_second();
  stats.commands_total = command_stats_.refusals();
  for (const CommandSpec* spec : commands_.every()) {
    const CommandStats::Totals totals = command_stats_.of(*spec);
    if (totals.calls == 0) continue;
    stats.commands_total += totals.calls;
    const std::string name(spec->name.substr(0, spec->name.find('|')));
    stats.commands_per_operation[name] += totals.calls;
    if (totals.failed != 0) stats.errors_per_operation[name] += totals.failed;
  }
  return stats;
}

void Gateway::ResetStats() {
  for (Counter* counter : {&accepted_, &rejected_, &evicted_, &hits_, &misses_, &expired_,
                           &slow_readers_, &input_bytes_, &output_bytes_}) {
    counter->store(0, std::memory_order_relaxed);
  }
  access_.ResetCounters();
  command_stats_.Reset();
}

}  // namespace nokv::redis
