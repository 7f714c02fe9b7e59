// Sender: how the messages of raft groups leave a process. ClusterNode implements it over the
// transport.
//
// Thread safety: called by one thread at a time, which must not be kept waiting.
#pragma once

#include <vector>

#include "raftlog/format.h"
#include "transport/group_message.h"

namespace nokv::raftnode {

using raftlog::GroupId;

// A message and the group whose members exchange it.
using Envelope = transport::GroupMessage;

class Sender {
 public:
  virtual ~Sender() = default;
  // Takes over what all groups have to send after one pass, at once so that it can put together
  // what goes to the same place; those from one member to another are in order. Messages may be
  // dropped, and it should be told: Node::ReportUnreachable. Of each kSnap it must be told how it
  // ended: Node::ReportSnapshot. Either from any thread, from within this call too.
  virtual void Send(std::vector<Envelope> messages) = 0;
};

}  // namespace nokv::raftnode
