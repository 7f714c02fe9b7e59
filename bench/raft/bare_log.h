// The bare replicated log: the limit of what three members could do on this machine. The leader
// gathers what its clients append while the last group is written, sends it to two followers over
// TCP, writes and syncs it; they do the same. Bytes that two of the three have synced are
// committed. There is no election, no checksum, no recovery, and nothing can be read.
//
// Thread safety: owned by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/child_process.h"
#include "bench/raft/load.h"
#include "cli/command.h"
#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::bench {

class BareReplicatedLog {
 public:
  // With two processes that follow. Borrows `runtime`.
  static Result<std::unique_ptr<BareReplicatedLog>> Start(runtime::Runtime& runtime,
                                                          const std::string& directory,
                                                          uint64_t value_bytes);
  ~BareReplicatedLog();

  // As many threads of this process as there are requests, each appending one after the other.
  Result<LoadResult> Run(const LoadOptions& options);
  // What the followers have used.
  Result<uint64_t> CpuMicros() const;

 private:
  class Leader;

  BareReplicatedLog(runtime::Runtime& runtime, uint64_t value_bytes);

  runtime::Runtime& runtime_;
  const uint64_t value_bytes_;
  std::vector<ChildProcess> followers_;
  std::unique_ptr<Leader> leader_;
};

// `nokv-bench bare-follower`.
cli::Command BareFollowerCommand();

}  // namespace nokv::bench
