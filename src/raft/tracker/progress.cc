#include "raft/tracker/progress.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::raft {

void Progress::ResetState(ProgressState new_state) {
  flow_paused = false;
  pending_snapshot = 0;
  state = new_state;
  inflights.Clear();
}

void Progress::BecomeProbe() {
  // A snapshot that was sent is where to go on, even if its answer was lost.
  const LogIndex base = state == ProgressState::kSnapshot ? pending_snapshot : 0;
  ResetState(ProgressState::kProbe);
  next = std::max(match, base) + 1;
  sent_commit = std::min(sent_commit, next - 1);
}

void Progress::BecomeReplicate() {
  ResetState(ProgressState::kReplicate);
  next = match + 1;
}

void Progress::BecomeSnapshot(LogIndex snapshot_index) {
  ResetState(ProgressState::kSnapshot);
  pending_snapshot = snapshot_index;
  next = snapshot_index + 1;
  sent_commit = snapshot_index;
}

void Progress::SentEntries(size_t count, uint64_t bytes) {
  NOKV_CHECK(state != ProgressState::kSnapshot) << "entries sent beside a snapshot";
  if (state == ProgressState::kProbe) {
    if (count > 0) flow_paused = true;
    return;
  }
  if (count > 0) {
    next += count;
    inflights.Add(next - 1, bytes);
  }
  // A message that fills the window is a probe: the answer to it, or to a heartbeat, opens it.
  flow_paused = inflights.Full();
}

bool Progress::CanBumpCommit(LogIndex commit) const {
  return commit > sent_commit && sent_commit < next - 1;
}

bool Progress::MaybeUpdate(LogIndex index) {
  if (index <= match) return false;
  match = index;
  next = std::max(next, index + 1);
  flow_paused = false;
  return true;
}

bool Progress::MaybeDecrease(LogIndex rejected, LogIndex hint) {
  if (state == ProgressState::kReplicate) {
    if (rejected <= match) return false;
    next = match + 1;
    sent_commit = std::min(sent_commit, next - 1);
    return true;
  }
  // Probes are sent one at a time, each after `next` - 1: anything else is an answer from the past.
  if (next - 1 != rejected) return false;
  next = std::max(std::min(rejected, hint + 1), match + 1);
  sent_commit = std::min(sent_commit, next - 1);
  flow_paused = false;
  return true;
}

std::string ToString(const Progress& progress) {
  static constexpr const char* kNames[] = {"StateProbe", "StateReplicate", "StateSnapshot"};
  std::string text = kNames[static_cast<size_t>(progress.state)];
  text += " match=" + std::to_string(progress.match) + " next=" + std::to_string(progress.next);
  if (progress.is_learner) text += " learner";
  if (progress.IsPaused()) text += " paused";
  if (progress.pending_snapshot > 0) {
    text += " pendingSnap=" + std::to_string(progress.pending_snapshot);
  }
  if (!progress.recent_active) text += " inactive";
  if (const size_t count = progress.inflights.count(); count > 0) {
    text += " inflight=" + std::to_string(count) + (progress.inflights.Full() ? "[full]" : "");
  }
  return text;
}

std::string ToString(const ProgressMap& progress) {
  std::string text;
  for (const auto& [id, one] : progress) text += std::to_string(id) + ": " + ToString(one) + "\n";
  return text;
}

}  // namespace nokv::raft
