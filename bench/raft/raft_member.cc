#include "bench/raft/raft_member.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/macros.h"
#include "base/random.h"
#include "bench/raft/load.h"
#include "bench/raft/no_state.h"
#include "bench/raft/proposals.h"
#include "raftlog/raft_log.h"
#include "raftnode/cluster_node.h"
#include "rpc/grpc/grpc.h"
#include "rpc/unary.h"
#include "vfs/vfs.h"

namespace nokv::bench {
namespace {

struct MemberFlags {
  uint64_t id = 1;
  std::string addresses;
  uint64_t groups = 1;
  uint64_t value_bytes = 256;
  std::string directory;
};

class RaftMember {
 public:
  RaftMember(const MemberFlags& flags, std::vector<std::string> addresses)
      : flags_(flags),
        addresses_(std::move(addresses)),
        value_(flags.value_bytes, 'v'),
        runtime_(runtime::NewThreadRuntime({})),
        lead_(runtime_->NewEvent()) {}

  ~RaftMember() {
    server_ = nullptr;
    if (raft_ == nullptr) return;
    const auto stopped = runtime_->NewEvent();
    raft_->node().Stop([&stopped] { stopped->Set(); });
    stopped->Wait();
  }

  Status Start() {
    std::error_code error;
    std::filesystem::create_directories(flags_.directory, error);
    ASSIGN_OR_RETURN(log_, raftlog::RaftLog::Open(vfs::PosixFileSystem(), flags_.directory, {}));
    transport::TransportDoors doors{
        runtime_->clock(), base::NullLogger(), registry_, [](const std::string& address) {
          rpc::grpc::ChannelOptions options;
          options.executor = rpc::AtOnce();
          options.limits.max_message_bytes = transport::TransportOptions{}.max_request_bytes;
          return rpc::grpc::NewChannel(address, options);
        }};
    raft_ = std::make_unique<raftnode::ClusterNode>(
        *runtime_, *log_,
        raftnode::NodeOptions{.seed = base::MixSeed(flags_.id), .callers_may_wait = true},
        transport::TransportOptions{.cluster = 1, .node = flags_.id}, std::move(doors));
    for (size_t i = 0; i < kMembers; i++) {
      if (i + 1 != flags_.id) raft_->transport().SetPeer(i + 1, addresses_[i]);
    }
    for (uint64_t group = 1; group <= flags_.groups; group++) Join(group);
    std::vector<rpc::Service> services;
    services.push_back(raft_->MakeService());
    services.push_back(MakeProposalService());
    // With a stream for each client, so many are open for good; one too many would wait forever.
    const rpc::grpc::ServerOptions options{.max_calls_per_connection = 1 << 20};
    ASSIGN_OR_RETURN(server_, rpc::grpc::Listen(addresses_[flags_.id - 1], std::move(services),
                                                options, base::NullLogger()));
    return Status::Ok();
  }

 private:
  void Join(raftnode::GroupId group) {
    machines_.push_back(std::make_unique<NoState>([this] {
      if (++leads_ == flags_.groups) lead_->Set();
    }));
    raftnode::GroupOptions options;
    options.group = group;
    options.id = flags_.id;
    options.machine = machines_.back().get();
    options.raft.seed = base::MixSeed(flags_.id * 1000 + group);
    options.raft.check_quorum = options.raft.pre_vote = true;
    auto founding = std::make_shared<raft::Snapshot>();
    founding->conf_state.voters = {1, 2, 3};
    founding->index = founding->term = 1;
    options.founding = std::move(founding);
    raft_->node().AddGroup(std::move(options), [](const Status&) {});
  }

  // To the groups in turns.
  void Propose(std::vector<StreamProposal> proposals) {
    std::vector<raftnode::Node::Request> requests;
    for (StreamProposal& proposal : proposals) {
      requests.push_back({.group = 1 + next_++ % flags_.groups,
                          .data = raft::Payload(std::string(proposal.value)),
                          .done = [done = std::move(proposal.done)](
                                      const raftnode::Outcome& outcome) { done(outcome.ok()); }});
    }
    raft_->node().Propose(std::move(requests));
  }

  rpc::Service MakeProposalService() {
    rpc::Service service{std::string(kProposalService), {}, rpc::AtOnce()};
    service.methods.push_back(ProposalMethod(
        [this](std::vector<StreamProposal> proposals) { Propose(std::move(proposals)); },
        [this](runtime::Task task) { runtime_->Post(runtime::Lane::kUrgent, std::move(task)); }));
    // Both wait, so they are on a lane that nothing else uses.
    service.methods.push_back(rpc::UnaryMethod(
        std::string(kLeadMethod), [this](const std::string& /*request*/, rpc::Answer answer) {
          for (uint64_t group = 1; group <= flags_.groups; group++) raft_->node().Campaign(group);
          runtime_->Post(runtime::Lane::kCompaction, [this, answer = std::move(answer)] {
            lead_->Wait();
            answer(std::string());
          });
        }));
    service.methods.push_back(rpc::UnaryMethod(
        std::string(kLoadMethod), [this](const std::string& request, rpc::Answer answer) {
          const Result<LoadOptions> options = DecodeLoadOptions(request);
          if (!options.ok()) return answer(options.status());
          runtime_->Post(
              runtime::Lane::kCompaction, [this, options = *options, answer = std::move(answer)] {
                const Ask ask = [this](uint64_t /*slot*/, const ProposalStream::Done& done) {
                  Propose({{value_, done}});
                };
                answer(Encode(RunLoad(*runtime_, ask, options)));
              });
        }));
    return service;
  }

  const MemberFlags flags_;
  const std::vector<std::string> addresses_;
  const std::string value_;
  const std::unique_ptr<runtime::Runtime> runtime_;
  const std::unique_ptr<runtime::Event> lead_;
  std::atomic<uint64_t> leads_{0};
  std::atomic<uint64_t> next_{0};
  metrics::Registry registry_;
  std::unique_ptr<raftlog::RaftLog> log_;
  std::vector<std::unique_ptr<NoState>> machines_;
  std::unique_ptr<raftnode::ClusterNode> raft_;
  std::unique_ptr<rpc::Server> server_;
};

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Status RunMember(const MemberFlags& flags) {
  const std::vector<std::string> addresses = Split(flags.addresses);
  if (addresses.size() != kMembers) {
    return Status::InvalidArgument("--addresses wants three: \"" + flags.addresses + "\"");
  }
  // Threads inherit this: the signals come to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  RaftMember member(flags, addresses);
  RETURN_IF_ERROR(member.Start());
  int signal = 0;
  sigwait(&signals, &signal);
  return Status::Ok();
}

}  // namespace

std::vector<std::string> MemberWords(uint64_t id, const std::vector<uint16_t>& ports,
                                     uint64_t groups, uint64_t value_bytes,
                                     const std::string& directory) {
  std::string addresses;
  for (const uint16_t port : ports) {
    addresses += (addresses.empty() ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(port);
  }
  return {"/proc/self/exe", "raft-member",
          "--id",           std::to_string(id),
          "--addresses",    addresses,
          "--groups",       std::to_string(groups),
          "--value-size",   std::to_string(value_bytes),
          "--workdir",      directory};
}

cli::Command RaftMemberCommand() {
  return {.name = "raft-member",
          .summary = "a process that `raft` starts and ends",
          .examples = {{"nokv-bench raft-member --id 1 --workdir ./member1 "
                        "--addresses 127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103"}},
          .description = "One of the three members of raft groups, until SIGTERM.",
          .define = [](cli::FlagSet& set) -> cli::Action {
            auto flags = std::make_shared<MemberFlags>();
            set.Number("id", "N", &flags->id, {1, kMembers}, "which one").Required();
            set.Text("addresses", "LIST", &flags->addresses, "where they listen").Required();
            set.Number("groups", "N", &flags->groups, {1, 10000}, "how many groups");
            set.Number("value-size", "N", &flags->value_bytes, {1, 1 << 20},
                       "bytes of a proposal of a client in this process");
            set.Path("workdir", "DIR", &flags->directory, "the directory of the log").Required();
            return [flags](const cli::Environment& environment) {
              const Status status = RunMember(*flags);
              if (status.ok()) return static_cast<int>(cli::kExitOk);
              return cli::Fail(status, environment.err);
            };
          }};
}

}  // namespace nokv::bench
