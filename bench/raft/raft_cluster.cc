#include "bench/raft/raft_cluster.h"

#include <utility>

#include "base/macros.h"
#include "bench/raft/call_and_wait.h"
#include "bench/raft/raft_member.h"
#include "rpc/grpc/grpc.h"

namespace nokv::bench {

// Calls end with the channel, before the processes do.
RaftCluster::~RaftCluster() {
  leader_ = nullptr;
}

Result<std::unique_ptr<RaftCluster>> RaftCluster::Start(runtime::Runtime& runtime,
                                                        const std::string& directory,
                                                        uint64_t groups, uint64_t value_bytes) {
  std::unique_ptr<RaftCluster> cluster(new RaftCluster(runtime));
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < kMembers; i++) {
    ASSIGN_OR_RETURN(const uint16_t port, FreePort());
    ports.push_back(port);
  }
  for (size_t i = 0; i < kMembers; i++) {
    const std::string folder = directory + "/" + std::to_string(i + 1);
    ASSIGN_OR_RETURN(
        ChildProcess member,
        ChildProcess::Start(runtime, MemberWords(i + 1, ports, groups, value_bytes, folder),
                            folder + ".log"));
    cluster->members_.push_back(std::move(member));
  }
  for (size_t i = 0; i < kMembers; i++) {
    RETURN_IF_ERROR(WaitForPort(ports[i], cluster->members_[i]));
  }
  cluster->leader_ =
      rpc::grpc::NewChannel("127.0.0.1:" + std::to_string(ports[0]), {.executor = rpc::AtOnce()});
  RETURN_IF_ERROR(cluster->CallLeader(kLeadMethod, "").status());
  return cluster;
}

Result<std::string> RaftCluster::CallLeader(std::string_view method, std::string request) {
  return CallAndWait(runtime_, *leader_,
                     rpc::MethodPath(std::string(kProposalService), std::string(method)),
                     std::move(request));
}

Ask RaftCluster::Proposals(const std::string& value, uint64_t streams) {
  std::vector<std::shared_ptr<ProposalStream>> open;
  for (uint64_t i = 0; i < streams; i++) {
    open.push_back(std::make_shared<ProposalStream>());
    open.back()->Open(*leader_);
  }
  return [value, open = std::move(open)](uint64_t slot, std::function<void(bool ok)> done) {
    open[slot % open.size()]->Propose(value, std::move(done));
  };
}

Result<LoadResult> RaftCluster::RunInLeader(const LoadOptions& options) {
  ASSIGN_OR_RETURN(const std::string answer, CallLeader(kLoadMethod, Encode(options)));
  return DecodeLoadResult(answer);
}

Result<uint64_t> RaftCluster::CpuMicros() const {
  return bench::CpuMicros(members_);
}

}  // namespace nokv::bench
