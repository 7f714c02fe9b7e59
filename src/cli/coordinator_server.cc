#include "cli/coordinator_server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <utility>

#include "base/macros.h"
#include "base/random.h"
#include "cli/peers.h"
#include "cli/run_server.h"
#include "cli/version.h"
#include "config/cluster_config.h"
#include "console/coordinator_pages.h"
#include "console/pages.h"
#include "coordinator/client_root.h"
#include "coordinator/coordinator.h"
#include "coordinator/service.h"
#include "metaroot/wire/wire.h"
#include "rpc/grpc/grpc.h"
#include "rpc/http/host_port.h"
#include "rpc/stream/stream.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kSupervisionMs = 250;
constexpr uint64_t kFirstReportMs = 1'000;
constexpr uint64_t kWaitReportMs = 5'000;
constexpr uint64_t kGiveBackMs = 2'000;
constexpr uint64_t kMostFirst = uint64_t{1} << 62;

std::string Incarnation() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  base::Random random(base::SystemSeed());
  for (int i = 0; i < 16; i++) text += kDigits[random.Uniform(kDigits.size())];
  return text;
}

coordinator::FirstLayout LayoutOf(const config::ClusterConfig& config, config::Scope scope) {
  coordinator::FirstLayout layout;
  for (const config::StoreConfig& store : config.stores) {
    layout.stores.push_back({store.id, AddrOf(store, scope)});
  }
  for (const config::RegionConfig& region : config.regions) {
    layout.regions.push_back(region.region);
  }
  return layout;
}

// The running coordinator. Members go in reverse order: what uses comes after what is used.
class CoordinatorServer {
 public:
  CoordinatorServer(const CoordinatorFlags& flags, std::vector<NumberedAddress> roots,
                    coordinator::FirstLayout layout, Args command_line, base::Logger& logger)
      : flags_(flags),
        roots_(std::move(roots)),
        layout_(std::move(layout)),
        command_line_(std::move(command_line)),
        logger_(logger),
        runtime_(runtime::NewThreadRuntime({})),
        loop_(rpc::stream::NewLoop(logger)) {}

  // Serves until a signal; returns why it could not.
  Status Run() {
    loop_->OnSignals({SIGTERM, SIGINT}, [this](int) { Stop(Status::Ok()); });
    MakeCoordinator();
    RETURN_IF_ERROR(StartPages());
    ASSIGN_OR_RETURN(
        server_,
        rpc::grpc::Listen(flags_.address, {coordinator::MakeService(coordinator_, rpc::AtOnce())},
                          {}, logger_));
    coordinator_->Start();
    logger_.Info("ready: coordinator " + flags_.id + " on " + server_->address() +
                 ", metadata root " + RootsText());
    const auto supervision = loop_->Every(kSupervisionMs, [this] { Supervise(); });
    loop_->Run();
    Close();
    return outcome_;
  }

 private:
  std::string RootsText() const {
    std::string text;
    for (const NumberedAddress& root : roots_) text += (text.empty() ? "" : ",") + root.address;
    return text;
  }

  void MakeCoordinator() {
    coordinator::ClientRootOptions root_options{.refresh_ms = flags_.root_refresh_ms};
    for (const NumberedAddress& root : roots_) {
      root_options.members.push_back({root.id, root.address});
    }
    root_ = std::make_unique<coordinator::ClientRoot>(
        *runtime_, root_options, [](const std::string& address) {
          return rpc::grpc::NewChannel(address,
                                       {.executor = rpc::AtOnce(),
                                        .limits = {.max_message_bytes = metaroot::kMaxWireBytes}});
        });
    coordinator::CoordinatorOptions options;
    options.allocator = {
        .holder = {.id = flags_.id,
                   .addr =
                       flags_.advertise_address.empty() ? flags_.address : flags_.advertise_address,
                   .incarnation = Incarnation()},
        .lease_ttl_ms = flags_.lease_ttl_ms,
        .lease_renew_before_ms = flags_.lease_renew_before_ms,
        .first_id = flags_.id_start,
        .first_timestamp = flags_.ts_start,
        .seed = base::SystemSeed()};
    options.first_layout = layout_;
    options.version = CurrentBuild().version;
    coordinator_ = coordinator::Coordinator::Make(options, {*root_, *runtime_, logger_});
  }

  Status StartPages() {
    if (flags_.metrics_address.empty()) return Status::Ok();
    console::PageSources sources;
    sources.vars["nokv_coordinator"] = [this] { return console::CoordinatorToJson(*coordinator_); };
    sources.metrics = [this](metrics::TextWriter& writer) {
      console::WriteCoordinator(writer, *coordinator_);
    };
    sources.gates = {
        {"root", [this] { return CheckRoot(); }},
        {"lease", [this] { return CheckLease(); }},
        {"id", [this] { return coordinator_->CheckId(); }},
        {"running", [this] { return stopping_ ? Status::Unavailable("it stops") : Status::Ok(); }}};
    sources.build = CurrentBuild();
    sources.command_line = command_line_;
    ASSIGN_OR_RETURN(pages_, console::StartPages(flags_.metrics_address, std::move(sources)));
    return Status::Ok();
  }

  Status CheckRoot() {
    const std::string silence = coordinator_->catalog().silence();
    if (silence.empty()) return Status::Ok();
    return Status::Unavailable("the metadata root is not heard: " + silence);
  }

  Status CheckLease() {
    if (coordinator_->allocator().status().rooted.in_force) return Status::Ok();
    return Status::Unavailable("no coordinator holds the lease");
  }

  // Every so often: is this process one that should run at all, and what does it wait for?
  void Supervise() {
    if (stopping_) return;
    if (Status status = coordinator_->CheckId(); !status.ok()) return Stop(std::move(status));
    const Status root = CheckRoot();
    if (root.ok()) {
      reached_ = true;
      waited_ms_ = 0;
      return;
    }
    if (!reached_) {
      for (const coordinator::RootMember& member : coordinator_->RootMembers()) {
        if (member.no_root) return Stop(NoRoot(member));
      }
    }
    waited_ms_ += kSupervisionMs;
    if (waited_ms_ == kFirstReportMs || waited_ms_ % kWaitReportMs == 0) ReportWaiting();
  }

  static Status NoRoot(const coordinator::RootMember& member) {
    return Status::InvalidArgument("--root-peer " + std::to_string(member.node) + "=" +
                                   member.addr + " is no member " + std::to_string(member.node) +
                                   " of a metadata root: " + member.problem)
        .WithHint("name the --addr of `nokv meta-root --node-id " + std::to_string(member.node) +
                  "`, not its --transport-addr, a store or a coordinator");
  }

  void ReportWaiting() {
    std::string members;
    for (const coordinator::RootMember& member : coordinator_->RootMembers()) {
      members += "; " + member.addr + " " + (member.reachable ? "answers" : member.problem);
    }
    logger_.Warning("waits for the metadata root" + members);
  }

  void Stop(Status outcome) {
    if (stopping_.exchange(true)) return;
    outcome_ = std::move(outcome);
    server_->SetServing("", false);
    patience_ = loop_->Every(kGiveBackMs, [this] { loop_->Stop(); });
    coordinator_->Stop([this] { loop_->Stop(); });
  }

  void Close() {
    pages_.reset();
    server_.reset();
    root_.reset();
    runtime_.reset();
    logger_.Info("stopped");
  }

  const CoordinatorFlags& flags_;
  const std::vector<NumberedAddress> roots_;
  const coordinator::FirstLayout layout_;
  const Args command_line_;
  base::Logger& logger_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<rpc::stream::Loop> loop_;
  std::unique_ptr<coordinator::ClientRoot> root_;
  std::shared_ptr<coordinator::Coordinator> coordinator_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::HttpServer> pages_;
  std::unique_ptr<rpc::stream::Timer> patience_;  // of Stop
  std::atomic<bool> stopping_{false};
  bool reached_ = false;
  uint64_t waited_ms_ = 0;
  Status outcome_;
};

// What --config adds: the address to listen on, unless --addr is given, and the first layout.
Result<coordinator::FirstLayout> ReadConfig(CoordinatorFlags* flags, bool address_given,
                                            vfs::FileSystem& fs) {
  if (flags->config.empty()) return coordinator::FirstLayout();
  ASSIGN_OR_RETURN(const config::ClusterConfig config, config::LoadFile(fs, flags->config));
  const auto scope = config::ParseScope(flags->scope).value_or(config::Scope::kHost);
  if (!address_given && config.coordinator.has_value()) {
    const std::string all = AddrOf(*config.coordinator, scope);
    const std::string first = all.substr(0, all.find(','));
    if (!first.empty()) flags->address = first;
  }
  return LayoutOf(config, scope);
}

}  // namespace

void Define(FlagSet& flags, CoordinatorFlags* target) {
  flags
      .Text("coordinator-id", "ID", &target->id,
            "by what the lease knows this coordinator; each has its own")
      .Required();
  flags
      .List("root-peer", "ID=ADDR", &target->root_peers,
            "a member of the metadata root: its --node-id and --addr; three times")
      .Required();
  flags.Address("addr", &target->address, "listen here");
  flags.Address("advertise-addr", &target->advertise_address,
                "where others reach this coordinator; without it, where it listens");
  flags.Duration("lease-ttl", &target->lease_ttl_ms, {100, 3'600'000}, "how long a lease lasts");
  flags.Duration("lease-renew-before", &target->lease_renew_before_ms, {10, 3'600'000},
                 "renew it when so much of it is left; of a shorter lease a third");
  flags.Duration("root-refresh", &target->root_refresh_ms, {10, 60'000},
                 "how often the metadata root confirms that the copy is the latest");
  flags.Number("id-start", "N", &target->id_start, {1, kMostFirst}, "no id below is given out");
  flags.Number("ts-start", "N", &target->ts_start, {1, kMostFirst},
               "no timestamp below is given out");
  flags.Path("config", "FILE", &target->config,
             "raft_config.json: the address, unless --addr is given, and the layout that the "
             "cluster begins with");
  flags.Choice("scope", &target->scope, {"host", "docker", "local"},
               "which addresses of --config: of this machine or inside containers; local is "
               "another name for host");
  flags.Address("metrics-addr", &target->metrics_address,
                "serve /metrics, /debug/vars, /livez and /readyz over HTTP");
  flags.Check([target, &flags] {
    if (!flags.IsGiven("lease-renew-before")) {
      target->lease_renew_before_ms =
          std::min(target->lease_renew_before_ms, target->lease_ttl_ms / 3);
    }
    RETURN_IF_ERROR(coordinator::CheckCoordinatorId(target->id));
    RETURN_IF_ERROR(ParsePeers("root-peer", target->root_peers).status());
    ASSIGN_OR_RETURN(const rpc::HostPort own, rpc::ParseHostPort(target->address));
    if (own.port == 0) {
      return Status::InvalidArgument("a coordinator needs a port of its own: --addr " +
                                     target->address)
          .WithHint("others find the holder of the lease by its address");
    }
    if (target->lease_renew_before_ms < target->lease_ttl_ms) return Status::Ok();
    return Status::InvalidArgument("--lease-renew-before must be shorter than --lease-ttl")
        .WithHint("a third of it is a good choice");
  });
}

int RunCoordinator(CoordinatorFlags flags, bool address_given, const Environment& environment) {
  auto layout = ReadConfig(&flags, address_given, environment.fs);
  if (!layout.ok()) return Fail(layout.status().Prefixed("--config"), environment.err);
  auto roots = ParsePeers("root-peer", flags.root_peers);
  if (!roots.ok()) return Fail(roots.status(), environment.err);
  return RunServer("nokv", environment, [&](const Args& command_line, base::Logger& logger) {
    return CoordinatorServer(flags, *roots, *layout, command_line, logger).Run();
  });
}

}  // namespace nokv::cli
