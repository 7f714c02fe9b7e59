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
#include "cli/flags.h"
#include "cli/log_sink.h"
#include "cli/version.h"
#include "console/console.h"
#include "engine/engine.h"
#include "redis/acl/password.h"
#include "redis/engine_backend.h"
#include "redis/gateway.h"
#include "rpc/stream/stream.h"
#include "runtime/runtime.h"
#include "vfs/vfs.h"

namespace nokv::cli {

namespace {

constexpr std::string_view kProgram = "nokv-redis";

struct ServerFlags {
  std::string address = "127.0.0.1:6380";
  std::string workdir;
  std::string sync = "everysec";
  std::string requirepass_file;
  std::string acl_file;
  std::string metrics_address;
};

// Every flag of nokv-redis: one declaration each.
void Define(FlagSet& flags, ServerFlags* target) {
  flags.Path("workdir", "DIR", &target->workdir, "the database directory; created if missing")
      .Required()
      .Env();
  flags.Address("addr", &target->address, "where clients connect").Env();
  flags
      .Choice(
          "sync", &target->sync, {"always", "everysec", "no"},
          "when a write is on stable storage: before it is acknowledged, within about a second, "
          "or when the operating system writes it")
      .Env();
  flags
      .Path("requirepass-file", "FILE", &target->requirepass_file,
            "the first line of this file is the password that clients must give")
      .Env();
  flags
      .Path("aclfile", "FILE", &target->acl_file,
            "the users and what they may do; ACL SAVE writes it")
      .Env();
  flags.Check([target] {
    if (target->requirepass_file.empty() || target->acl_file.empty()) return Status::Ok();
    return Status::InvalidArgument("--requirepass-file and --aclfile exclude each other")
        .WithHint("give user \"default\" its password in the file of users");
  });
  flags
      .Address("metrics-addr", &target->metrics_address,
               "serve /metrics, /debug/vars, /livez and /readyz over HTTP")
      .Env();
}

redis::SyncPolicy SyncPolicyOf(const std::string& name) {
  if (name == "always") return redis::SyncPolicy::kAlways;
  return name == "no" ? redis::SyncPolicy::kNo : redis::SyncPolicy::kEverySec;
}

base::LogLevel LevelOf(Verbosity verbosity) {
  if (verbosity == Verbosity::kVerbose) return base::LogLevel::kDebug;
  return verbosity == Verbosity::kQuiet ? base::LogLevel::kWarning : base::LogLevel::kInfo;
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

// The hash of the password in the file `path`.
Result<std::string> ReadPassword(const std::string& path) {
  constexpr uint64_t kMaxBytes = 4096;
  ASSIGN_OR_RETURN(std::string text, vfs::PosixFileSystem().ReadFile(path, kMaxBytes));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) {
    return Status::InvalidArgument("the first line of " + path + " is empty")
        .WithHint("write the password there");
  }
  return redis::acl::HashPassword(text);
}

// The running server. Members go in reverse order: what uses comes after what is used.
class RedisServer {
 public:
  // `command_line` is the program and its arguments.
  RedisServer(const ServerFlags& flags, Args command_line, redis::Config config,
              base::Logger& logger)
      : flags_(flags),
        command_line_(std::move(command_line)),
        config_(std::move(config)),
        logger_(logger),
        runtime_(runtime::NewThreadRuntime({})),
        loop_(rpc::stream::NewLoop(logger)) {}

  // Serves until a signal; returns why it could not, or could not end well.
  Status Run() {
    // Before anything is touched: a port in use must not open the directory.
    ASSIGN_OR_RETURN(listener_, loop_->Listen(flags_.address, [this](auto& connection) {
      return gateway_->Accept(connection);
    }));
    config_.address = listener_->address();
    engine::Doors doors{vfs::PosixFileSystem(), *runtime_, logger_};
    ASSIGN_OR_RETURN(engine_, engine::Engine::Open(Options(), flags_.workdir, doors));
    backend_ = redis::NewEngineBackend(*engine_);
    gateway_ = std::make_unique<redis::Gateway>(
        config_, redis::GatewayDoors{*backend_, *loop_, runtime_->clock(), logger_,
                                     vfs::PosixFileSystem(), base::SystemSeed()});
    if (!config_.acl_file.empty()) outcome_ = gateway_->LoadUsers();
    if (outcome_.ok()) outcome_ = StartConsole();
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
    if (!listener_->is_loopback()) {
      logger_.Warning("listening on " + config_.address + " without TLS");
    }
    logger_.Info("ready: address " + config_.address + ", workdir " + flags_.workdir + ", sync " +
                 flags_.sync);
  }

  void Stop(Status outcome) {
    if (stopping_) return;
    stopping_ = true;
    outcome_ = std::move(outcome);
    listener_.reset();
    gateway_->Drain([this] { loop_->Stop(); });
  }

  Status StartConsole() {
    if (flags_.metrics_address.empty()) return Status::Ok();
    console::ConsoleSources sources;
    sources.stats = [this] { return engine_->GetStats(); };
    sources.gateway = [this] { return Shown(gateway_->stats()); };
    sources.gates.push_back({"gateway", [this] {
                               return ready_ ? Status::Ok()
                                             : Status::Unavailable("the keys are being counted");
                             }});
    sources.build = CurrentBuild();
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

  const ServerFlags& flags_;
  const Args command_line_;
  redis::Config config_;
  base::Logger& logger_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<rpc::stream::Loop> loop_;
  std::unique_ptr<rpc::stream::Listener> listener_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<redis::Backend> backend_;
  std::unique_ptr<redis::Gateway> gateway_;
  std::unique_ptr<rpc::HttpServer> console_;
  std::atomic<bool> ready_{false};  // read by the console's threads
  bool stopping_ = false;
  Status outcome_;
};

int RunRedisServer(const ServerFlags& flags, const Environment& environment) {
  redis::Config config;
  config.sync = SyncPolicyOf(flags.sync);
  config.workdir = flags.workdir;
  config.acl_file = flags.acl_file;
  if (!flags.requirepass_file.empty()) {
    Result<std::string> hash = ReadPassword(flags.requirepass_file);
    if (!hash.ok()) return Fail(hash.status().Prefixed("--requirepass-file"), environment.err);
    config.requirepass_hash = *std::move(hash);
  }
  config.product_version = CurrentBuild().version;
  Result<std::unique_ptr<base::Logger>> logger =
      OpenLog({.level = LevelOf(environment.verbosity), .file = ""});
  if (!logger.ok()) return Fail(logger.status(), environment.err);
  // A write beyond the limit of file size then fails, as on a full disk, and does not end the
  // server.
  std::signal(SIGXFSZ, SIG_IGN);
  Args command_line = {std::string(kProgram)};
  command_line.insert(command_line.end(), environment.args.begin(), environment.args.end());
  const Status status = RedisServer(flags, std::move(command_line), config, **logger).Run();
  return status.ok() ? kExitOk : Fail(status, environment.err);
}

}  // namespace

Command NokvRedisProgram() {
  return {.name = std::string(kProgram),
          .summary = "serves a database directory to Redis clients",
          .examples = {{"nokv-redis --workdir ./data"},
                       {"nokv-redis --addr 127.0.0.1:6380 --workdir ./data --sync always"},
                       {"redis-cli -p 6380 set k v"}},
          .description =
              "Serves a database directory to Redis clients. SIGTERM or Ctrl-C ends it "
              "in good order.",
          .define = [](FlagSet& flags) -> Action {
            auto server = std::make_shared<ServerFlags>();
            Define(flags, server.get());
            return [server](const Environment& environment) {
              return RunRedisServer(*server, environment);
            };
          }};
}

}  // namespace nokv::cli
