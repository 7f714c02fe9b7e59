#include "metaroot/service/root_machine.h"

#include <nokv/meta/v1/root.pb.h>

#include <algorithm>
#include <utility>

#include "base/macros.h"

namespace nokv::metaroot {

namespace {

// What whoever waits for an entry is answered: the answer of the call, as it goes over the wire.
raftnode::Outcome ReplyOf(const Outcome& outcome) {
  meta::v1::AppendResponse response;
  ToWire(outcome, &response);
  raftnode::Outcome reply;
  reply.reply = response.SerializeAsString();
  return reply;
}

}  // namespace

std::shared_ptr<const raft::Snapshot> RootMachine::Founding(const std::vector<uint64_t>& members) {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->data = raft::Payload(Machine().Snapshot());
  snapshot->conf_state.voters = members;
  snapshot->index = snapshot->term = 1;
  return snapshot;
}

StateHead RootMachine::head() const {
  const base::MutexLock lock(mu_);
  return machine_.state();
}

State RootMachine::state() const {
  const base::MutexLock lock(mu_);
  return machine_.state();
}

std::optional<std::vector<TailEvent>> RootMachine::EventsAfter(uint64_t revision) const {
  const base::MutexLock lock(mu_);
  Result<std::optional<std::vector<TailEvent>>> events = machine_.EventsAfter(revision);
  if (!events.ok()) return std::vector<TailEvent>();
  return *std::move(events);
}

RootMachine::Tail RootMachine::TailAfter(uint64_t revision) const {
  const base::MutexLock lock(mu_);
  const auto& kept = machine_.tail();
  Tail tail = {.kept_after = machine_.state().revision - kept.size(),
               .revision = machine_.state().revision};
  for (const TailEvent& event : kept) {
    if (event.revision > revision) tail.events.push_back(event);
  }
  return tail;
}

void RootMachine::Describe(NodeStatus* status) const {
  const base::MutexLock lock(mu_);
  const State& state = machine_.state();
  status->head = state;
  status->applied_index = applied_.index;
  status->state_hash = HashOf(state);
  status->stores = state.stores.size();
  status->regions = state.regions.size();
  for (const auto& [id, transition] : state.transitions) {
    const bool peers = transition.plan.kind == TransitionKind::kPeerChange;
    (peers ? status->pending_peer_changes : status->pending_range_changes)++;
  }
  status->lease_remaining_ms = LeaseRemainingMsLocked();
}

std::pair<raft::LogIndex, uint64_t> RootMachine::AppliedHash() const {
  const base::MutexLock lock(mu_);
  return {applied_.index, HashOf(machine_.state())};
}

bool RootMachine::ShouldFound() const {
  const base::MutexLock lock(mu_);
  return leads_ && machine_.state().cluster_id == 0;
}

uint64_t RootMachine::LeaseRemainingMs() const {
  const base::MutexLock lock(mu_);
  return LeaseRemainingMsLocked();
}

uint64_t RootMachine::LeaseRemainingMsLocked() const {
  const Lease& lease = machine_.state().lease;
  if (!lease.in_force) return 0;
  const uint64_t until_us = lease_seen_us_ + lease.ttl_ms * 1000;
  const uint64_t now_us = clock_.MonotonicMicros();
  return until_us > now_us ? (until_us - now_us + 999) / 1000 : 0;
}

void RootMachine::EndExpiredLease(Command* command) const {
  const base::MutexLock lock(mu_);
  const Lease& lease = machine_.state().lease;
  if (!lease.in_force || LeaseRemainingMsLocked() > 0) return;
  std::vector<Event>& events = command->events;
  const auto grant = std::find_if(events.begin(), events.end(), [&](const Event& event) {
    const auto* granted = std::get_if<LeaseGranted>(&event);
    return granted != nullptr && granted->holder != lease.holder;
  });
  if (grant == events.end()) return;
  events.insert(grant, LeaseEnded{.generation = lease.generation,
                                  .released = false,
                                  .granted_revision = lease.granted_revision});
}

void RootMachine::NoteLeaseLocked() {
  const uint64_t granted = machine_.state().lease.granted_revision;
  if (granted == lease_seen_revision_) return;
  lease_seen_revision_ = granted;
  lease_seen_us_ = clock_.MonotonicMicros();
}

void RootMachine::Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) {
  std::vector<Outcome> outcomes(entries.size());
  {
    const base::MutexLock lock(mu_);
    for (size_t i = 0; i < entries.size(); i++) {
      const raft::Entry& entry = entries[i].entry;
      applied_ = {entry.term, entry.index};
      // Those of a new leader hold nothing.
      if (entry.data.size() > 0) outcomes[i] = machine_.Apply(entry.data.view());
    }
    NoteLeaseLocked();
  }
  for (size_t i = 0; i < entries.size(); i++) {
    if (entries[i].done) entries[i].done(ReplyOf(outcomes[i]));
  }
  done(Status::Ok());
  if (observer_ != nullptr) observer_->Changed();
}

void RootMachine::ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                                  raftnode::Done done) {
  {
    const base::MutexLock lock(mu_);
    applied_ = {entry.term, entry.index};
    conf_state_ = conf_state;
  }
  done(Status::Ok());
}

void RootMachine::Install(const std::shared_ptr<const raft::Snapshot>& snapshot,
                          raftnode::Done done) {
  Result<Machine> machine = Machine::Restore(
      snapshot->data.view(), "the snapshot of entry " + std::to_string(snapshot->index));
  if (!machine.ok()) return done(machine.status());
  {
    const base::MutexLock lock(mu_);
    machine_ = *std::move(machine);
    applied_ = {snapshot->term, snapshot->index};
    conf_state_ = snapshot->conf_state;
    NoteLeaseLocked();
  }
  done(Status::Ok());
  if (observer_ != nullptr) observer_->Changed();
}

void RootMachine::TakeSnapshot(raftnode::SnapshotDone done) {
  auto snapshot = std::make_shared<raft::Snapshot>();
  {
    const base::MutexLock lock(mu_);
    snapshot->data = raft::Payload(machine_.Snapshot());
    snapshot->conf_state = conf_state_;
    snapshot->index = applied_.index;
    snapshot->term = applied_.term;
  }
  done(std::shared_ptr<const raft::Snapshot>(std::move(snapshot)));
}

void RootMachine::RoleChanged(const raft::SoftState& state, raft::Term /*term*/) {
  {
    const base::MutexLock lock(mu_);
    leads_ = state.role == raft::Role::kLeader;
  }
  if (observer_ != nullptr) observer_->Changed();
}

void RootMachine::Stopped(const Status& reason) {
  if (observer_ != nullptr) observer_->Stopped(reason);
}

}  // namespace nokv::metaroot
