#include "raft/tracker/tracker.h"

namespace nokv::raft {

ConfState Configuration::ToConfState() const {
  return {voters.incoming.ids(), learners.ids(), voters.outgoing.ids(), learners_next.ids(),
          auto_leave};
}

std::string ToString(const Configuration& config) {
  std::string text = "voters=" + ToString(config.voters);
  if (!config.learners.empty()) text += " learners=" + ToString(config.learners);
  if (!config.learners_next.empty()) text += " learners_next=" + ToString(config.learners_next);
  if (config.auto_leave) text += " autoleave";
  return text;
}

Progress* Tracker::Find(NodeId id) {
  const auto found = members_.progress.find(id);
  return found == members_.progress.end() ? nullptr : &found->second;
}

const Progress* Tracker::Find(NodeId id) const {
  const auto found = members_.progress.find(id);
  return found == members_.progress.end() ? nullptr : &found->second;
}

Progress Tracker::NewProgress() const {
  return Progress(Inflights(max_inflight_messages_, max_inflight_bytes_));
}

bool Tracker::IsSingleton() const {
  return config().voters.incoming.size() == 1 && !config().voters.joint();
}

LogIndex Tracker::Committed() const {
  return CommittedIndex(config().voters, [this](NodeId id) -> std::optional<LogIndex> {
    const Progress* progress = Find(id);
    return progress == nullptr ? std::nullopt : std::optional(progress->match);
  });
}

bool Tracker::QuorumActive() const {
  Votes active;
  for (const auto& [id, progress] : members_.progress) {
    if (!progress.is_learner) active[id] = progress.recent_active;
  }
  return CountVotes(config().voters, active) == VoteResult::kWon;
}

}  // namespace nokv::raft
