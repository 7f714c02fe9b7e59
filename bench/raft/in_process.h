// InProcessGroups: raft groups of three members, each with a log and threads of its own, that send
// to each other within this process: what the driver and the log cost without a network.
//
// Thread safety: thread-safe, but for construction and destruction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "bench/raft/load.h"
#include "nokv/status.h"
#include "raftnode/node.h"
#include "runtime/runtime.h"

namespace nokv::bench {

class InProcessGroups {
 public:
  // With their logs below `directory`; the first member leads all `groups`.
  static Result<std::unique_ptr<InProcessGroups>> Start(const std::string& directory,
                                                        uint64_t groups);
  ~InProcessGroups();

  // Proposes `value` to the groups in turns.
  Ask Proposals(const std::string& value);

 private:
  class Member;
  class Link;

  std::array<std::unique_ptr<Member>, 3> members_;
  uint64_t groups_ = 0;
};

}  // namespace nokv::bench
