#include "cli/meta_root_server.h"

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
#include "console/meta_root_pages.h"
#include "console/pages.h"
#include "rpc/grpc/grpc.h"
#include "rpc/stream/stream.h"
#include "server/meta_root.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kWaitReportMs = 5'000;
// Of raft's messages, with some room for their fields.
constexpr size_t kMaxRaftBytes = size_t{20} << 20;

// The running node. Members go in reverse order: what uses comes after what is used.
class MetaRootServer {
 public:
  MetaRootServer(const MetaRootFlags& flags, const std::vector<NumberedAddress>& peers,
                 Args command_line, base::Logger& logger)
      : flags_(flags),
        peers_(peers),
        command_line_(std::move(command_line)),
        logger_(logger),
        runtime_(runtime::NewThreadRuntime({})),
        loop_(rpc::stream::NewLoop(logger)) {}

  // Serves until a signal; returns why it could not, or not any longer.
  Status Run() {
    loop_->OnSignals({SIGTERM, SIGINT}, [this](int) { Stop(Status::Ok()); });
    // Before the directory is touched.
    RETURN_IF_ERROR(StartPages());
    RETURN_IF_ERROR(OpenRoot());
    const Status listens = Listen();
    std::unique_ptr<rpc::stream::Timer> reports;
    if (listens.ok()) {
      root_->Start();
      opened_ = true;
      logger_.Info("ready: node " + std::to_string(flags_.node) + " of the metadata root on " +
                   server_->address() + ", raft on " + transport_server_->address() + ", workdir " +
                   flags_.workdir);
      reports = loop_->Every(kWaitReportMs, [this] { ReportWaiting(); });
    } else {
      Stop(listens);
    }
    loop_->Run();
    Close();
    return outcome_;
  }

 private:
  Status OpenRoot() {
    server::MetaRootOptions options;
    options.workdir = flags_.workdir;
    options.node = flags_.node;
    for (const NumberedAddress& peer : peers_) options.peers[peer.id] = peer.address;
    options.tick_us = flags_.tick_ms * 1000;
    options.seed = base::SystemSeed();
    options.cluster_id = (base::SystemSeed() >> 1) | 1;
    options.version = CurrentBuild().version;
    const server::MetaRootDoors doors = {
        *runtime_,
        vfs::PosixFileSystem(),
        logger_,
        registry_,
        [](const std::string& address) {
          rpc::grpc::ChannelOptions channel;
          channel.executor = rpc::AtOnce();
          channel.limits.max_message_bytes = kMaxRaftBytes;
          channel.max_backoff_ms = channel.min_backoff_ms;
          return rpc::grpc::NewChannel(address, channel);
        },
        [this](const Status& why) { loop_->Post([this, why] { Stop(why); }); }};
    ASSIGN_OR_RETURN(root_, server::MetaRoot::Open(options, doors));
    return Status::Ok();
  }

  Status Listen() {
    ASSIGN_OR_RETURN(
        transport_server_,
        rpc::grpc::Listen(flags_.transport_address, {root_->TransportService()}, {}, logger_));
    ASSIGN_OR_RETURN(
        server_,
        rpc::grpc::Listen(flags_.address, {root_->ClientService(rpc::AtOnce())}, {}, logger_));
    return Status::Ok();
  }

  Status StartPages() {
    if (flags_.metrics_address.empty()) return Status::Ok();
    console::PageSources sources;
    sources.waits_for = [this] { return std::string(opened_ ? "" : "the raft log is being read"); };
    sources.vars["nokv_meta_root"] = [this] {
      return console::MetaRootToJson(root_->status(), server_->address());
    };
    sources.metrics = [this](metrics::TextWriter& writer) {
      console::WriteMetaRoot(writer, root_->status());
    };
    sources.registry = &registry_;
    sources.gates = {
        {"leader", [this] { return root_->Ready(); }},
        {"running", [this] { return stopping_ ? Status::Unavailable("it stops") : Status::Ok(); }}};
    sources.build = CurrentBuild();
    sources.command_line = command_line_;
    ASSIGN_OR_RETURN(pages_, console::StartPages(flags_.metrics_address, std::move(sources)));
    return Status::Ok();
  }

  void ReportWaiting() {
    const Status ready = root_->Ready();
    if (!ready.ok()) logger_.Warning("waits: " + std::string(ready.message()));
  }

  void Stop(Status outcome) {
    if (stopping_.exchange(true)) return;
    outcome_ = std::move(outcome);
    if (server_ != nullptr) server_->SetServing("", false);
    pages_.reset();
    server_.reset();
    transport_server_.reset();
    root_->Stop([this] { loop_->Stop(); });
  }

  void Close() {
    root_.reset();
    runtime_.reset();
    logger_.Info("stopped");
  }

  const MetaRootFlags& flags_;
  const std::vector<NumberedAddress>& peers_;
  const Args command_line_;
  base::Logger& logger_;
  metrics::Registry registry_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<rpc::stream::Loop> loop_;
  std::unique_ptr<server::MetaRoot> root_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Server> transport_server_;
  std::unique_ptr<rpc::HttpServer> pages_;
  // Read by the pages' threads.
  std::atomic<bool> opened_{false};
  std::atomic<bool> stopping_{false};
  Status outcome_;
};

}  // namespace

void Define(FlagSet& flags, MetaRootFlags* target) {
  flags.Workdir(&target->workdir, "the node's directory; created if missing")
      .Required()
      .ForUrls("name the directory of this node; --addr is where clients connect");
  flags.Number("node-id", "N", &target->node, {1, UINT64_MAX}, "which of the peers this node is")
      .Required();
  flags.Address("addr", &target->address, "listen here for coordinators and tools");
  flags
      .Address("transport-addr", &target->transport_address,
               "listen here for the raft messages of the other nodes")
      .Required();
  flags
      .List("peer", "ID=ADDR", &target->peers,
            "a node of the metadata root, this one too: its --node-id, and where its "
            "--transport-addr is reached; three times")
      .Required();
  flags.Duration("tick-interval", &target->tick_ms, {1, 10'000},
                 "the clock of raft: heartbeats are one apart, elections begin after 5 to 10");
  flags.Address("metrics-addr", &target->metrics_address,
                "serve /metrics, /debug/vars, /livez and /readyz over HTTP");
  flags.Check([target]() -> Status {
    ASSIGN_OR_RETURN(const auto peers, ParsePeers("peer", target->peers));
    const bool known = std::any_of(peers.begin(), peers.end(),
                                   [target](const auto& peer) { return peer.id == target->node; });
    if (known) return Status::Ok();
    return Status::InvalidArgument("--node-id " + std::to_string(target->node) +
                                   " is none of the --peer")
        .WithHint("name this node, too, with --peer " + std::to_string(target->node) +
                  "=HOST:PORT");
  });
}

int RunMetaRoot(const MetaRootFlags& flags, const Environment& environment) {
  const auto peers = ParsePeers("peer", flags.peers);
  if (!peers.ok()) return Fail(peers.status(), environment.err);
  return RunServer("nokv", environment, [&](const Args& command_line, base::Logger& logger) {
    return MetaRootServer(flags, *peers, command_line, logger).Run();
  });
}

}  // namespace nokv::cli
