#include "raftnode/group_status.h"

namespace nokv::raftnode {
namespace {

constexpr const char* kWaits[] = {"a leader",
                                  "a quorum",
                                  "the sync of its log",
                                  "its state machine to apply entries",
                                  "its state machine to install a snapshot",
                                  "its state machine to take a snapshot"};
std::string RoleText(const raft::BasicStatus& raft) {
  const std::string term = " term " + std::to_string(raft.hard_state.term);
  switch (raft.soft_state.role) {
    case raft::Role::kLeader:
      return "leads" + term;
    case raft::Role::kFollower:
      if (raft.soft_state.lead == raft::kNoNode) return "follows nobody in" + term;
      return "follows member " + std::to_string(raft.soft_state.lead) + " in" + term;
    case raft::Role::kCandidate:
    case raft::Role::kPreCandidate:
      return "asks for votes in" + term;
  }
  return "";
}

}  // namespace

std::string_view ToString(WaitFor what) {
  return kWaits[static_cast<size_t>(what)];
}

std::string ToString(const GroupStatus& status, uint64_t now_us) {
  std::string text = "group " + std::to_string(status.group) + ": member " +
                     std::to_string(status.raft.id) + " " + RoleText(status.raft) + ", committed " +
                     std::to_string(status.raft.hard_state.commit) + ", applied " +
                     std::to_string(status.applied);
  if (!status.failure.ok()) return text + "; has stopped: " + status.failure.ToString();
  const char* separator = "; waits for ";
  for (const Wait& wait : status.waits) {
    text += separator + std::string(ToString(wait.what)) + " since " +
            std::to_string((now_us - wait.since_us) / 1000) + " ms";
    separator = ", for ";
  }
  return text;
}

}  // namespace nokv::raftnode
