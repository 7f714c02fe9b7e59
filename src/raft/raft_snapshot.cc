// Snapshots: for followers whose entries are compacted away.
#include <algorithm>

#include "base/macros.h"
#include "raft/confchange/changer.h"
#include "raft/raft.h"

namespace nokv::raft {
namespace {

bool Mentions(const ConfState& state, NodeId id) {
  const auto in = [id](const std::vector<NodeId>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  return in(state.voters) || in(state.learners) || in(state.voters_outgoing);
}

}  // namespace

bool Raft::MaybeSendSnapshot(NodeId to, Progress* progress) {
  // A snapshot is too much work for somebody who does not answer.
  if (!progress->recent_active) return false;
  const auto snapshot = log_.LatestSnapshot();
  if (!snapshot.ok() || (*snapshot)->empty()) {
    Note("no snapshot for node " + std::to_string(to) + " yet");
    return false;
  }
  progress->BecomeSnapshot((*snapshot)->index);
  Send({.type = MessageType::kSnap, .to = to, .snapshot = *snapshot});
  return true;
}

Status Raft::HandleSnapshot(const Message& message) {
  ASSIGN_OR_RETURN(const bool restored, RestoreSnapshot(message.snapshot));
  Respond(message,
          {.type = MessageType::kAppResp, .index = restored ? log_.LastIndex() : log_.committed()});
  return Status::Ok();
}

// False if the log already holds what the snapshot stands for, or this node is not meant.
Result<bool> Raft::RestoreSnapshot(const std::shared_ptr<const Snapshot>& snapshot) {
  if (snapshot->index <= log_.committed()) return false;
  if (!Mentions(snapshot->conf_state, id())) {
    Note("snapshot ignored: this node is not in its configuration");
    return false;
  }
  if (log_.Matches(snapshot->id())) {
    log_.CommitTo(snapshot->index);
    return false;
  }
  Tracker empty(config_.max_inflight_messages, config_.max_inflight_bytes);
  ASSIGN_OR_RETURN(Membership members,
                   RestoreMembers(empty, snapshot->index, snapshot->conf_state));
  log_.Restore(snapshot);
  SwitchTo(std::move(members));
  Note("snapshot at index " + std::to_string(snapshot->index) + " taken over");
  return true;
}

void Raft::HandleSnapshotStatus(const Message& message, Progress* progress) {
  if (progress->state != ProgressState::kSnapshot) return;
  if (message.reject) progress->pending_snapshot = 0;
  progress->BecomeProbe();
  // The answer to the snapshot, or to the next heartbeat, says where to go on.
  progress->flow_paused = true;
}

void Raft::AppliedSnapshot(const Snapshot& snapshot) {
  log_.unstable().StableSnapshotTo(snapshot.index);
  AppliedTo(snapshot.index, 0);
}

}  // namespace nokv::raft
