// EtcdCluster: three etcd servers on loopback, and a client of the one that leads, over its gRPC
// API, through the same channels as our own.
//
// Thread safety: thread-safe, but for construction and destruction.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/child_process.h"
#include "bench/raft/load.h"
#include "nokv/status.h"
#include "rpc/call.h"
#include "runtime/runtime.h"

namespace nokv::bench {

class EtcdCluster {
 public:
  // kNotFound if etcd is not installed.
  static Result<std::unique_ptr<EtcdCluster>> Start(runtime::Runtime& runtime,
                                                    const std::string& directory);
  ~EtcdCluster();

  // Puts `value` under keys of which there are many.
  Ask Puts(const std::string& value);
  // What the servers have used.
  Result<uint64_t> CpuMicros() const;

 private:
  EtcdCluster() = default;
  Status FindLeader(runtime::Runtime& runtime, const std::vector<std::string>& addresses);

  std::vector<ChildProcess> servers_;
  std::vector<std::unique_ptr<rpc::Channel>> channels_;
};

}  // namespace nokv::bench
