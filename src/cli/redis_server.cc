#include "cli/redis_server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/macros.h"
#include "base/random.h"
#include "cli/file_limit.h"
#include "cli/flags.h"
#include "cli/listeners.h"
#include "cli/nokv_commands.h"
#include "cli/output.h"
#include "cli/redis_flags.h"
#include "cli/run_server.h"
#include "cli/version.h"
#include "console/console.h"
#include "engine/engine.h"
#include "redis/engine_backend.h"
#include "redis/gateway.h"
#include "rpc/stream/stream.h"
#include "runtime/runtime.h"
#include "vfs/vfs.h"

namespace nokv::cli {

namespace {

constexpr std::string_view kProgram = "nokv-redis";

redis::SyncPolicy SyncPolicyOf(const std::string& name) {
  if (name == "always") return redis::SyncPolicy::kAlways;
  return name == "no" ? redis::SyncPolicy::kNo : redis::SyncPolicy::kEverySec;
}

console::GatewayStats Shown(redis::GatewayStats stats) {
  return {.commands_total = stats.commands_total,
          .errors_total = stats.errors_total,
          .connections_active = static_cast<int64_t>(stats.connections_active),
          .connections_accepted = stats.connections_accepted,
          .connections_rejected = stats.connections_rejected,
          .keyspace_hits = stats.keyspace_hits,
          .keyspace_misses = stats.keyspace_misses,
          .expired_keys = stats.expired_keys,
          .input_bytes = stats.input_bytes,
          .output_bytes = stats.output_bytes,
          .commands_per_operation = std::move(stats.commands_per_operation),
          .errors_per_operation = std::move(stats.errors_per_operation)};
}

// The running server. Members go in reverse order: what uses comes after what is used.
class RedisServer {
 public:
  // `command_line` is the program and its arguments.
  RedisServer(const RedisFlags& flags, Args command_line, redis::Config config,
              base::Logger& logger)
      : flags_(flags),
        command_line_(std::move(command_line)),
        config_(std::move(config)),
        logger_(logger),
        runtime_(runtime::NewThreadRuntime({})),
        loop_(rpc::stream::NewLoop(logger, PollMicros(flags.listen))),
        listeners_(*loop_, logger) {}

  // Serves until a signal; returns why it could not, or could not end well.
  Status Run() {
    // Before anything is touched: a port in use must not open the directory.
    RETURN_IF_ERROR(listeners_.Open(
        flags_.listen, [this](auto& connection) { return gateway_->Accept(connection); },
        registry_));
    RETURN_IF_ERROR(StartConsole());
    config_.address = listeners_.address();
    config_.max_clients = MakeRoomForClients(config_.max_clients, logger_);
    engine::Doors doors{vfs::PosixFileSystem(), *runtime_, logger_};
    ASSIGN_OR_RETURN(engine_, engine::Engine::Open(Options(), flags_.workdir, doors));
    backend_ = redis::NewEngineBackend(*engine_);
    gateway_ = std::make_unique<redis::Gateway>(
        config_, redis::GatewayDoors{*backend_, *loop_, runtime_->clock(), logger_,
                                     vfs::PosixFileSystem(), base::SystemSeed()});
    if (!config_.acl_file.empty()) outcome_ = gateway_->LoadUsers();
    opened_ = true;
    if (!outcome_.ok()) return Close(std::move(outcome_));
    loop_->OnSignals({SIGTERM, SIGINT}, [this](int) { Stop(Status::Ok()); });
    gateway_->Start([this](Status status) { OnReady(std::move(status)); });
    loop_->Run();
    return Close(std::move(outcome_));
  }

 private:
  void OnReady(Status status) {
    if (!status.ok()) return Stop(std::move(status));
    ready_ = true;
    listeners_.Warn();
    logger_.Info("ready: " + listeners_.description() + ", workdir " + flags_.workdir + ", sync " +
                 flags_.sync);
  }

  void Stop(Status outcome) {
    if (stopping_) return;
    stopping_ = true;
    outcome_ = std::move(outcome);
    listeners_.Close();
    gateway_->Drain([this] { loop_->Stop(); });
  }

  Status StartConsole() {
    if (flags_.metrics_address.empty()) return Status::Ok();
    console::ConsoleSources sources;
    sources.opened = [this] { return opened_.load(); };
    sources.stats = [this] { return engine_->GetStats(); };
    sources.gateway = [this] { return Shown(gateway_->stats()); };
    sources.gates.push_back({"gateway", [this] {
                               return ready_ ? Status::Ok()
                                             : Status::Unavailable("the keys are being counted");
                             }});
    sources.build = CurrentBuild();
    sources.registry = &registry_;
    sources.command_line = command_line_;
    ASSIGN_OR_RETURN(console_, console::StartHttp(flags_.metrics_address, std::move(sources)));
    return Status::Ok();
  }

  // Closes the engine; returns `outcome`, or the engine's if that was good.
  Status Close(Status outcome) {
    console_.reset();
    const auto closed = runtime_->NewEvent();
    Status status;
    engine_->CloseAsync([&](Status result) {
      status = std::move(result);
      closed->Set();
    });
    closed->Wait();
    return outcome.ok() ? status : outcome;
  }

  const RedisFlags& flags_;
  const Args command_line_;
  redis::Config config_;
  base::Logger& logger_;
  std::unique_ptr<runtime::Runtime> runtime_;
  metrics::Registry registry_;
  std::unique_ptr<rpc::stream::Loop> loop_;
  Listeners listeners_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<redis::Backend> backend_;
  std::unique_ptr<redis::Gateway> gateway_;
  std::unique_ptr<rpc::HttpServer> console_;
  // Read by the console's threads.
  std::atomic<bool> opened_{false};
  std::atomic<bool> ready_{false};
  bool stopping_ = false;
  Status outcome_;
};

int RunRedisServer(const RedisFlags& flags, const Environment& environment) {
  redis::Config config;
  config.sync = SyncPolicyOf(flags.sync);
  config.workdir = flags.workdir;
  config.acl_file = flags.access.acl_file;
  config.user_from_certificate = flags.listen.tls_auth_clients_user == "CN";
  if (!flags.access.requirepass_file.empty()) {
    Result<std::string> hash = ReadPassword(environment.fs, flags.access.requirepass_file);
    if (!hash.ok()) return Fail(hash.status().Prefixed("--requirepass-file"), environment.err);
    config.requirepass_hash = *std::move(hash);
  }
  config.product_version = CurrentBuild().version;
  return RunServer(std::string(kProgram), environment,
                   [&](const Args& command_line, base::Logger& logger) {
                     return RedisServer(flags, command_line, config, logger).Run();
                   });
}

// The settings, then every problem with what they name; a server that runs is left alone.
int CheckConfig(const RedisFlags& flags, const FlagSet& set, const Environment& environment) {
  const std::vector<Status> problems = CheckFiles(flags, environment.fs, base::SystemClock());
  if (environment.verbosity != Verbosity::kQuiet) {
    RowWriter rows(environment.out, {}, {"setting", "value", "source"});
    for (const Flag& flag : set.flags()) {
      if (flag.environment.empty() || flag.name == "config") continue;
      const Given* given = set.GivenFor(flag);
      rows.Row({Cell::Text(flag.name),
                Cell::Text(given == nullptr ? flag.default_text : given->text),
                Cell::Text(given == nullptr ? "default" : given->source)});
    }
    rows.Finish();
  }
  for (const Status& problem : problems) (void)Fail(problem, environment.err);
  return problems.empty() ? kExitOk : ExitCodeFor(problems[0]);
}

}  // namespace

Command NokvRedisProgram() {
  return {.name = std::string(kProgram),
          .summary = "serves a database directory to Redis clients",
          .examples = {{"nokv-redis --workdir ./data"},
                       {"nokv-redis --addr 127.0.0.1:6380 --workdir ./data --sync always"},
                       {"redis-cli -p 6380 set k v"},
                       {"nokv-redis --workdir ./data --check-config", "what it would start with"}},
          .description =
              "Serves a database directory to Redis clients. SIGTERM or Ctrl-C ends it "
              "in good order.",
          .define = [](FlagSet& flags) -> Action {
            auto server = std::make_shared<RedisFlags>();
            Define(flags, server.get());
            return [server, &flags](const Environment& environment) {
              return server->check_config ? CheckConfig(*server, flags, environment)
                                          : RunRedisServer(*server, environment);
            };
          },
          .settings = KnownSettings};
}

}  // namespace nokv::cli
