// Gateway: Redis clients on one side, a backend on the other, on one event loop.
//
//   Gateway gateway(config, {backend, loop, clock, logger, seed});
//   gateway.Start([&](Status ready) { … });
//   … listen, with gateway.Accept as the accept handler
//   loop.Run();
//   … SIGTERM: close the listener, gateway.Drain([&] { loop.Stop(); });
//
// Thread safety: owned by the loop; stats() alone may be called by any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "redis/acl/access_control.h"
#include "redis/backend.h"
#include "redis/books.h"
#include "redis/client_pause.h"
#include "redis/command_stats.h"
#include "redis/commands/command.h"
#include "redis/commands/table.h"
#include "redis/executor.h"
#include "redis/latency_monitor.h"
#include "redis/look_ahead.h"
#include "redis/monitors.h"
#include "redis/pubsub.h"
#include "redis/rate.h"
#include "redis/scan_cursors.h"
#include "redis/script/scripts.h"
#include "redis/session.h"
#include "redis/slow_log.h"
#include "redis/stats.h"
#include "rpc/stream/stream.h"
#include "vfs/vfs.h"

namespace nokv::redis {

// Borrowed; they must outlive the gateway, and completions of the backend must not come after it.
struct GatewayDoors {
  Backend& backend;
  rpc::stream::Loop& loop;
  base::Clock& clock;
  base::Logger& logger;
  vfs::FileSystem& files;
  uint64_t seed;
};

class Gateway final : public Services {
 public:
  Gateway(const Config& config, const GatewayDoors& doors);
  ~Gateway() override;

  // Makes the books right, then starts the timers and calls `ready` from the loop.
  void Start(std::function<void(Status)> ready);
  // The accept handler of a listener. Before ready most commands are answered LOADING.
  std::unique_ptr<rpc::stream::Handler> Accept(rpc::stream::Connection& connection);
  // Answers what was received, closes the connections and calls `done` from the loop. Clients that
  // do not take their replies within a few seconds are cut off.
  void Drain(std::function<void()> done);

  // Thread-safe.
  GatewayStats stats() const;

  // --- for sessions ---
  Executed Execute(ClientState& client, std::span<const std::string_view> args, std::string* out);
  base::Logger& logger() { return doors_.logger; }
  void Remove(uint64_t id);
  void AddHolder(Session& session) { holders_.push_back(&session); }
  void CountBytes(uint64_t input, uint64_t output);
  LookAhead& look_ahead() { return look_ahead_; }
  void CountSlowReader() { Add(slow_readers_, 1); }
  // True if the command has to wait for the end of a pause.
  bool Postpones(const ClientState& client, std::span<const std::string_view> args) {
    return client_pause_.began() && PostponesDuringPause(client, args);
  }
  // Sends the session's output when what the loop does now is done: replies to many clients leave
  // one after the other, behind the commits that they tell of, and a peer that has several of them
  // is woken once and not for each.
  void FlushSoon(Session& session);
  // What FlushSoon has asked for.
  void EndRound();
  // The memory that a session holds has changed.
  void CountBuffered(size_t before, size_t now) { buffered_bytes_ += now - before; }
  // Disconnects the sessions that hold most while all together hold too much.
  void EnforceBudget();
  // A session keeps back a reply for a moment.
  void WakeLate() { any_late_ = true; }
  // Sends those that are due.
  void SendLate();

  // --- Services ---
  const CommandTable& commands() const override { return commands_; }
  Config& config() override { return config_; }
  acl::AccessControl& access() override { return access_; }
  Status LoadUsers() override;
  Status SaveUsers() override;
  base::Clock& clock() override { return doors_.clock; }
  base::Random& random() override { return random_; }
  ScanCursors& scan_cursors() override { return scan_cursors_; }
  Backend& backend() override { return doors_.backend; }
  Executor& executor() override { return executor_; }
  Scripts& scripts() override { return scripts_; }
  void Answer(uint64_t client_id, const Executed& executed, std::string_view reply) override;
  GatewayStats Stats() const override { return stats(); }
  void ResetStats() override;
  void CountLookup(bool hit) override { Add(hit ? hits_ : misses_, 1); }
  void CountError(std::string_view error) override { command_stats_.Answered(error); }
  void CommandRefused(std::span<const std::string_view> args, std::string_view error) override;
  void CommandRan(const RanCommand& command) override;
  PubSub& pubsub() override { return pubsub_; }
  Monitors& monitors() override { return monitors_; }
  SlowLog& slow_log() override { return slow_log_; }
  LatencyMonitor& latency_monitor() override { return latency_monitor_; }
  const CommandStats& command_stats() const override { return command_stats_; }
  void TellSubscribers(std::span<const Notice> notices, uint64_t barrier) override;
  uint64_t start_ms() const override { return start_ms_; }
  bool loading() const override { return executor_.loading(); }
  void ForEachClient(const std::function<void(const ClientState&)>& visit) const override;
  void KillClient(uint64_t id) override;
  ClientPause& client_pause() override { return client_pause_; }
  void ResumeClients() override;
  std::string& random_position(int db) override { return random_positions_[db]; }

 private:
  using Counter = std::atomic<uint64_t>;
  // Only the loop writes; relaxed, because each number stands alone.
  static void Add(Counter& counter, uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  void OnProgress();
  bool PostponesDuringPause(const ClientState& client, std::span<const std::string_view> args);
  void PublishKeyEvent(const Notice& notice, uint64_t barrier);
  void Refuse(rpc::stream::Connection& connection, std::string_view error);
  void StartClientTimers();
  void StartStoreTimers();
  void ReapTick();
  void SyncTick();
  void SweepTick();
  void DrainTick();

  Config config_;
  const GatewayDoors doors_;
  const uint64_t start_ms_;
  CommandTable commands_;
  acl::AccessControl access_;
  base::Random random_;
  ScanCursors scan_cursors_;
  PubSub pubsub_;
  Monitors monitors_;
  SlowLog slow_log_;
  LatencyMonitor latency_monitor_;
  ClientPause client_pause_;
  CommandStats command_stats_{commands_};
  Rate commands_rate_, input_rate_, output_rate_;
  Executor executor_;
  LookAhead look_ahead_;
  Scripts scripts_;
  Books books_;
  std::array<std::string, kDatabases> random_positions_;
  std::map<uint64_t, Session*> sessions_;  // by id
  std::vector<Session*> holders_;          // those that may hold replies
  std::vector<Session*> to_flush_;         // those that have output since this round began
  uint64_t last_id_ = 0;
  size_t buffered_bytes_ = 0;  // of all sessions
  bool any_late_ = false;
  bool any_stopped_ = false;  // execution was paused since the last progress

  // Every second, while the policy says so.
  bool sync_running_ = false;
  uint64_t sync_began_us_ = 0;
  uint64_t synced_commit_ = 0;  // the last commit when the last sync began

  std::function<void()> drained_;
  uint64_t drain_began_us_ = 0;
  std::unique_ptr<rpc::stream::Timer> patience_;  // with counting
  std::vector<std::unique_ptr<rpc::stream::Timer>> timers_;

  Counter active_{0}, accepted_{0}, rejected_{0}, evicted_{0}, hits_{0}, misses_{0}, expired_{0},
      slow_readers_{0}, input_bytes_{0}, output_bytes_{0};
};

}  // namespace nokv::redis
