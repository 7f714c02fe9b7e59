#include "sim/replog/operator.h"

#include <algorithm>

namespace nokv::sim {
namespace {

using Type = raft::ConfChangeType;

// How soon after a transfer began the old leader may hear nobody any more, and for how long.
constexpr uint64_t kMaxDeafAfterMicros = 2'000;
constexpr uint64_t kMaxDeafMicros = 300'000;

bool Joint(const raft::ConfState& conf) {
  return !conf.voters_outgoing.empty();
}

std::set<raft::NodeId> MembersOf(const raft::ConfState& conf) {
  std::set<raft::NodeId> members(conf.voters.begin(), conf.voters.end());
  members.insert(conf.learners.begin(), conf.learners.end());
  members.insert(conf.voters_outgoing.begin(), conf.voters_outgoing.end());
  members.insert(conf.learners_next.begin(), conf.learners_next.end());
  return members;
}

}  // namespace

Operator::Operator(LogCluster& cluster, const OperatorOptions& options)
    : cluster_(cluster), options_(options), random_(cluster.world().random().Fork()) {}

void Operator::Run(uint64_t end_us, uint64_t stop_us) {
  end_us_ = end_us;
  stop_us_ = stop_us;
  cluster_.world().After(random_.Uniform(options_.pause_us), [this] { Act(); });
}

void Operator::Act() {
  const uint64_t now = cluster_.world().now_us();
  if (now >= stop_us_) return;
  cluster_.world().After(random_.Uniform(options_.pause_us), [this] { Act(); });
  const auto leader = cluster_.leader();
  if (!leader || cluster_.machine(*leader).paused()) return;
  Member* member = cluster_.member(*leader);
  Observe(member->durable_state());
  // It may have been wiped just now.
  member = cluster_.member(*leader);
  if (member == nullptr) return;
  if (Joint(seen_)) {
    // Leaving by itself can fail; asking for it once more does no harm.
    if (!seen_.auto_leave || random_.OneIn(4)) member->Change({});
    return;
  }
  if (now >= end_us_) return;
  if (random_.OneIn(4)) {
    Transfer(*leader);
  } else {
    Change(member);
  }
}

void Operator::Transfer(size_t leader) {
  transfers_++;
  Member* member = cluster_.member(leader);
  const raft::NodeId to = RandomVoter();
  World& world = cluster_.world();
  world.Note("transfer", {member->id(), to});
  member->Transfer(to);
  if (random_.OneIn(2)) return;
  const auto links = [this, leader](void (Network::*change)(uint64_t, uint64_t)) {
    for (size_t other = 0; other < cluster_.machines(); other++) {
      if (other == leader) continue;
      (cluster_.network().*change)(cluster_.machine(other).id(), cluster_.machine(leader).id());
    }
  };
  const uint64_t begin_us = random_.Uniform(kMaxDeafAfterMicros);
  world.After(begin_us, [links] { links(&Network::Cut); });
  world.After(begin_us + random_.Uniform(kMaxDeafMicros), [links] { links(&Network::Mend); });
}

void Operator::Observe(const RegisterMachine& state) {
  // Somebody who leads no more may say what was long ago.
  if (state.applied() < seen_index_) return;
  changes_ += state.conf_index() != conf_index_;
  seen_index_ = state.applied();
  conf_index_ = state.conf_index();
  seen_ = state.conf_state();
  const std::set<raft::NodeId> members = MembersOf(seen_);
  ever_.insert(members.begin(), members.end());
  if (!VotersKnow()) return;
  for (size_t i = 0; i < cluster_.machines(); i++) {
    const raft::NodeId id = cluster_.hosted(i);
    if (id != raft::kNoNode && ever_.contains(id) && !members.contains(id)) cluster_.Wipe(i);
  }
}

// A voter that is lost for good will never ask for the votes of those that were removed.
bool Operator::VotersKnow() {
  size_t know = std::ranges::count(seen_.voters, cluster_.lost());
  for (size_t i = 0; i < cluster_.machines(); i++) {
    const Member* member = cluster_.member(i);
    if (member == nullptr ||
        std::ranges::find(seen_.voters, cluster_.hosted(i)) == seen_.voters.end())
      continue;
    if (member->durable_state().conf_index() >= conf_index_) know++;
  }
  return know == seen_.voters.size();
}

void Operator::Change(Member* leader) {
  if (seen_.learners.size() < 2 && random_.OneIn(2) && AddLearner(leader)) return;
  raft::ConfChange change = MakeChange();
  if (change.steps.empty()) return;
  Propose(leader, std::move(change));
}

void Operator::Propose(Member* leader, raft::ConfChange change) {
  change.context = EncodeConfIndex(conf_index_);
  cluster_.world().Note("change", {leader->id(), static_cast<uint64_t>(change.transition)},
                        raft::ToString(change.steps));
  leader->Change(change);
}

bool Operator::AddLearner(Member* leader) {
  for (size_t i = 0; i < cluster_.machines(); i++) {
    raft::NodeId id = cluster_.hosted(i);
    if (id != raft::kNoNode && ever_.contains(id)) continue;
    // Spare, or started for a change that came to nothing.
    if (id == raft::kNoNode) id = cluster_.Host(i);
    raft::ConfChange change;
    // Seldom without having been a learner first.
    change.steps.push_back({random_.OneIn(8) ? Type::kAddVoter : Type::kAddLearner, id});
    Propose(leader, std::move(change));
    return true;
  }
  return false;
}

raft::ConfChange Operator::MakeChange() {
  raft::ConfChange change;
  const bool enough = seen_.voters.size() >= options_.voters;
  if (!seen_.learners.empty()) {
    const raft::NodeId learner = seen_.learners[random_.Uniform(seen_.learners.size())];
    if (random_.OneIn(6)) {
      change.steps.push_back({Type::kRemove, learner});
      return change;
    }
    change.steps.push_back({Type::kAddVoter, learner});
    if (!enough) return change;
    // It takes the place of another, which leaves or becomes a learner; so may a second one.
    const raft::NodeId voter = LeavingVoter();
    change.steps.push_back({random_.OneIn(3) ? Type::kAddLearner : Type::kRemove, voter});
    change.transition = RandomTransition();
    const raft::NodeId second = RandomVoter();
    if (seen_.learners.size() < 2 || second == voter) return change;
    change.steps.push_back({Type::kAddVoter, seen_.learners[seen_.learners[0] == learner]});
    change.steps.push_back({Type::kRemove, second});
    return change;
  }
  if (seen_.voters.size() > options_.least_voters && (enough || random_.OneIn(3))) {
    change.steps.push_back({random_.OneIn(3) ? Type::kAddLearner : Type::kRemove, LeavingVoter()});
    if (seen_.voters.size() > options_.least_voters + 2 && random_.OneIn(2)) {
      const raft::NodeId second = RandomVoter();
      if (second != change.steps[0].node) change.steps.push_back({Type::kRemove, second});
    }
    change.transition = RandomTransition();
  }
  return change;
}

raft::NodeId Operator::RandomVoter() {
  return seen_.voters[random_.Uniform(seen_.voters.size())];
}

raft::NodeId Operator::LeavingVoter() {
  const bool votes = std::ranges::find(seen_.voters, cluster_.lost()) != seen_.voters.end();
  return votes ? cluster_.lost() : RandomVoter();
}

raft::Transition Operator::RandomTransition() {
  return static_cast<raft::Transition>(random_.Uniform(3));
}

}  // namespace nokv::sim
