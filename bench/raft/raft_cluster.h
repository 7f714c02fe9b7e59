// RaftCluster: three processes with a member each of some raft groups, and a client of the leader.
//
// Thread safety: thread-safe, but for construction and destruction.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/child_process.h"
#include "bench/raft/load.h"
#include "bench/raft/proposals.h"
#include "nokv/status.h"
#include "rpc/call.h"
#include "runtime/runtime.h"

namespace nokv::bench {

class RaftCluster {
 public:
  // With their logs below `directory`; one of them leads all `groups`. Borrows `runtime`.
  static Result<std::unique_ptr<RaftCluster>> Start(runtime::Runtime& runtime,
                                                    const std::string& directory, uint64_t groups,
                                                    uint64_t value_bytes);
  ~RaftCluster();

  // Proposes `value` from this process, over so many streams: slot n uses stream n modulo that.
  Ask Proposals(const std::string& value, uint64_t streams);
  // Runs a load in the process of the leader.
  Result<LoadResult> RunInLeader(const LoadOptions& options);
  // What the members have used.
  Result<uint64_t> CpuMicros() const;

 private:
  explicit RaftCluster(runtime::Runtime& runtime) : runtime_(runtime) {}

  Result<std::string> CallLeader(std::string_view method, std::string request);

  runtime::Runtime& runtime_;
  std::vector<ChildProcess> members_;
  std::unique_ptr<rpc::Channel> leader_;
};

}  // namespace nokv::bench
