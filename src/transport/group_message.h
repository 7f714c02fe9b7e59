// What goes between the members of raft groups on different nodes. Thread safety: values.
#pragma once

#include <cstdint>

#include "raft/types.h"

namespace nokv::transport {

using NodeId = uint64_t;   // of a process; raft::NodeId is that of a member
using GroupId = uint64_t;  // of a raft group

struct GroupMessage {
  GroupId group = 0;
  raft::Message message;
};

}  // namespace nokv::transport
