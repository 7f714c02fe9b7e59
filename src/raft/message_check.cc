#include "raft/message_check.h"

#include <string>

#include "base/macros.h"
#include "raft/describe.h"

namespace nokv::raft {
namespace {

// Made by the node itself or by its storage threads, never by a peer.
bool IsLocal(MessageType type) {
  switch (type) {
    case MessageType::kHup:
    case MessageType::kUnreachable:
    case MessageType::kSnapStatus:
    case MessageType::kForgetLeader:
    case MessageType::kStorageAppend:
    case MessageType::kStorageAppendResp:
    case MessageType::kStorageApply:
    case MessageType::kStorageApplyResp:
      return true;
    default:
      return false;
  }
}

bool IsResponse(MessageType type) {
  switch (type) {
    case MessageType::kAppResp:
    case MessageType::kVoteResp:
    case MessageType::kHeartbeatResp:
    case MessageType::kReadIndexResp:
    case MessageType::kPreVoteResp:
      return true;
    default:
      return false;
  }
}

// A message without a term passes as local, so those that act on one must carry it.
bool NeedsTerm(const Message& message) {
  switch (message.type) {
    case MessageType::kProp:
    case MessageType::kReadIndex:
    case MessageType::kTransferLeader:
      return false;
    case MessageType::kPreVoteResp:
      return !message.reject;  // the refusal of a node that never saw a term
    default:
      return true;
  }
}

Status Bad(const Message& message, std::string_view what) {
  return Status::InvalidArgument("raft message " + ToString(message.type) + " from node " +
                                 DescribeNode(message.from) + ": " + std::string(what));
}

Status CheckEntries(const Message& message) {
  LogIndex index = message.index;
  Term term = message.log_term;
  for (const Entry& entry : message.entries) {
    if (entry.index != ++index) return Bad(message, "the entries have a hole");
    if (entry.term < term || entry.term > message.term) {
      return Bad(message, "the terms of the entries do not rise to that of the message");
    }
    term = entry.term;
  }
  return Status::Ok();
}

}  // namespace

Status CheckMessage(const Message& message, const Tracker& tracker) {
  if (IsStorageThread(message.from)) {
    if (message.type == MessageType::kStorageAppendResp ||
        message.type == MessageType::kStorageApplyResp) {
      return Status::Ok();
    }
    return Bad(message, "not what a storage thread says");
  }
  if (IsLocal(message.type)) return Bad(message, "never sent by a peer");
  if (message.from == kNoNode) return Bad(message, "has no sender");
  if (NeedsTerm(message) && message.term == 0) return Bad(message, "has no term");
  if (IsResponse(message.type) && tracker.Find(message.from) == nullptr) {
    return Status::NotFound("raft message " + ToString(message.type) + " from node " +
                            DescribeNode(message.from) + ": no member of the group");
  }
  switch (message.type) {
    case MessageType::kApp:
      return CheckEntries(message);
    case MessageType::kProp:
      return message.entries.empty() ? Bad(message, "proposes nothing") : Status::Ok();
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
      return message.entries.size() != 1 ? Bad(message, "names no read") : Status::Ok();
    case MessageType::kSnap:
      return message.snapshot == nullptr ? Bad(message, "has no snapshot") : Status::Ok();
    default:
      return Status::Ok();
  }
}

}  // namespace nokv::raft
