#include "cli/redis_server.h"

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
#include "redis/engine_backend.h"
#include "redis/gateway.h"
#include "rpc/stream/stream.h"
#include "runtime/runtime.h"
#include "vfs/vfs.h"

namespace nokv::cli {

namespace {

constexpr std::string_view kProgram = "nokv-redis";

constexpr std::string_view kHelp =
    R"(nokv-redis --workdir ./data
nokv-redis --addr 127.0.0.1:6380 --workdir ./data --sync always
redis-cli -p 6380 set k v

Serves a database directory to Redis clients. SIGTERM or Ctrl-C ends it in good order.

  --workdir DIR          the database directory; created if missing. Required
  --addr HOST:PORT       where clients connect (127.0.0.1:6380)
  --sync POLICY          when an acknowledged write is on stable storage (everysec):
                           always    before it is acknowledged
                           everysec  within about a second
                           no        when the operating system writes it
  --metrics-addr H:P     serve /metrics, /debug/vars, /livez and /readyz over HTTP
  --version              print the version
  --help                 print this
)";

struct ServerFlags {
  std::string address = "127.0.0.1:6380";
  std::string workdir;
  std::string sync = "everysec";
  std::string metrics_address;
  bool version = false;
};

Result<redis::SyncPolicy> ParseSync(const std::string& text) {
  if (text == "always") return redis::SyncPolicy::kAlways;
  if (text == "everysec") return redis::SyncPolicy::kEverySec;
  if (text == "no") return redis::SyncPolicy::kNo;
  return Status::InvalidArgument("--sync \"" + text + "\" is not always, everysec or no");
}

// The running server. Members go in reverse order: what uses comes after what is used.
class RedisServer {
 public:
  RedisServer(const ServerFlags& flags, redis::Config config, base::Logger& logger)
      : flags_(flags),
        config_(std::move(config)),
        logger_(logger),
        runtime_(runtime::NewThreadRuntime({})),
        loop_(rpc::stream::NewLoop(logger)) {}

  // Serves until a signal; returns why it could not, or could not end well.
  Status Run(const Args& args) {
    // Before anything is touched: a port in use must not open the directory.
    ASSIGN_OR_RETURN(listener_, loop_->Listen(flags_.address, [this](auto& connection) {
      return gateway_->Accept(connection);
    }));
    config_.address = listener_->address();
    engine::Doors doors{vfs::PosixFileSystem(), *runtime_, logger_};
    ASSIGN_OR_RETURN(engine_, engine::Engine::Open(Options(), flags_.workdir, doors));
    backend_ = redis::NewEngineBackend(*engine_);
    gateway_ = std::make_unique<redis::Gateway>(
        config_,
        redis::GatewayDoors{*backend_, *loop_, runtime_->clock(), logger_, base::SystemSeed()});
    if (const Status status = StartConsole(args); !status.ok()) return Close(status);
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

  Status StartConsole(const Args& args) {
    if (flags_.metrics_address.empty()) return Status::Ok();
    console::ConsoleSources sources;
    sources.stats = [this] { return engine_->GetStats(); };
    sources.gateway = [this] {
      redis::GatewayStats stats = gateway_->stats();
      console::GatewayStats shown;
      shown.commands_total = stats.commands_total;
      shown.errors_total = stats.errors_total;
      shown.connections_active = static_cast<int64_t>(stats.connections_active);
      shown.connections_accepted = stats.connections_accepted;
      shown.commands_per_operation = std::move(stats.commands_per_operation);
      return shown;
    };
    sources.gates.push_back({"gateway", [this] {
                               return ready_ ? Status::Ok()
                                             : Status::Unavailable("the keys are being counted");
                             }});
    sources.command_line.emplace_back(kProgram);
    sources.command_line.insert(sources.command_line.end(), args.begin(), args.end());
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

}  // namespace

int RunRedisServer(const Args& args, const Environment& environment) {
  ServerFlags flags;
  FlagSet parser;
  parser.String("addr", &flags.address);
  parser.String("workdir", &flags.workdir);
  parser.String("sync", &flags.sync);
  parser.String("metrics-addr", &flags.metrics_address);
  parser.Bool("version", &flags.version);
  Status usage = parser.Parse(args);
  if (usage.ok() && parser.help()) {
    environment.out << kHelp;
    return kExitOk;
  }
  if (usage.ok() && flags.version) {
    environment.out << VersionLine(std::string(kProgram)) << "\n";
    return kExitOk;
  }
  redis::Config config;
  if (usage.ok()) {
    const Result<redis::SyncPolicy> sync = ParseSync(flags.sync);
    if (sync.ok()) config.sync = *sync;
    usage = sync.status();
  }
  if (usage.ok() && flags.workdir.empty()) {
    usage = Status::InvalidArgument("--workdir is missing").WithHint("name the directory");
  }
  if (!usage.ok()) return FailUsage(usage, kProgram, environment.err);
  config.workdir = flags.workdir;
  config.product_version = CurrentBuild().version;
  Result<std::unique_ptr<base::Logger>> logger = OpenLog({});
  if (!logger.ok()) return Fail(logger.status(), environment.err);
  // A write beyond the limit of file size then fails, as on a full disk, and does not end the
  // server.
  std::signal(SIGXFSZ, SIG_IGN);
  const Status status = RedisServer(flags, config, **logger).Run(args);
  return status.ok() ? kExitOk : Fail(status, environment.err);
}

}  // namespace nokv::cli
