// What follows from what a peer stored: promises to other members, and the work of its state
// machine.
#include <algorithm>
#include <iterator>

#include "raftnode/peer.h"

namespace nokv::raftnode {

void Peer::Appended(PeerWrite&& write) {
  if (!failure_.ok()) return;
  if (write.taken != nullptr) return;
  if (appended_++ == 0) unsynced_since_us_ = host_.now_us();
  raft::Message& message = write.message;
  storing_.push_back({.hard_state = {message.term, message.vote, message.commit},
                      .snapshot = std::move(message.snapshot),
                      .responses = std::move(message.responses)});
}

void Peer::Stored() {
  if (!failure_.ok()) return;
  Storing& stored = storing_[storing_.size() - appended_--];
  stored.durable = true;
  Observer* observer = host_.options().observer;
  if (observer != nullptr && !stored.hard_state.empty() &&
      !Check(observer->Stored(group(), options_.id, stored.hard_state))) {
    return;
  }
  KeepPromises();
}

void Peer::KeepPromises() {
  while (failure_.ok() && !storing_.empty()) {
    Storing& first = storing_.front();
    if (!first.durable || first.installing) return;
    if (first.snapshot != nullptr) {
      first.installing = true;
      operations_.push_back({.install = first.snapshot, .promised = true});
      return host_.Touch(this);
    }
    std::vector<raft::Message> responses = std::move(first.responses);
    storing_.pop_front();
    Respond(std::move(responses));
  }
}

void Peer::Respond(std::vector<raft::Message> responses) {
  for (raft::Message& response : responses) {
    if (!failure_.ok()) return;
    if (response.to == options_.id) {
      Step(std::move(response));
    } else {
      outbox_.push_back({group(), std::move(response)});
    }
  }
  node_->Recycle(std::move(responses));
  host_.Touch(this);
}

void Peer::Operate() {
  while (failure_.ok() && !operating_ && !operations_.empty()) {
    if (!BeginOperation()) break;
  }
  if (!failure_.ok()) return;
  ServeReads();
  MaybeTakeSnapshot();
}

// False if the group has stopped.
bool Peer::BeginOperation() {
  Operation& operation = operations_.front();
  if (operation.install != nullptr) {
    BeginInstall(&operation);
    return true;
  }
  std::vector<raft::Entry>& entries = operation.entries;
  while (operation.begun < entries.size() &&
         (overtaken_ || entries[operation.begun].index <= applied_)) {
    operation.begun++;
  }
  if (operation.begun == entries.size()) {
    std::vector<raft::Message> responses = std::move(operation.responses);
    operations_.pop_front();
    Respond(std::move(responses));
    return failure_.ok();
  }
  host_.metrics().applied.Add();
  if (!entries[operation.begun].IsConfChange()) {
    BeginApply(&operation);
    return true;
  }
  const raft::Entry entry = std::move(entries[operation.begun++]);
  return BeginConfChange(entry);
}

void Peer::BeginInstall(Operation* operation) {
  overtaken_ = false;
  installing_ = true;
  LoseProposals(operation->install->index);
  options_.machine->Install(operation->install, EndsOperation(operation->install->index));
}

void Peer::BeginApply(Operation* operation) {
  std::vector<Committed> run;
  std::vector<raft::Entry>& entries = operation->entries;
  for (size_t& next = operation->begun; next < entries.size(); next++) {
    raft::Entry& entry = entries[next];
    if (entry.IsConfChange()) break;
    applied_entries_++;
    applied_bytes_ += entry.data.size();
    OutcomeDone done = TakeProposal(entry);
    run.push_back({std::move(entry), std::move(done)});
  }
  host_.metrics().applied.Add(run.size() - 1);
  const raft::LogIndex last = run.back().entry.index;
  options_.machine->Apply(std::move(run), EndsOperation(last));
}

// False if the group has stopped.
bool Peer::BeginConfChange(const raft::Entry& entry) {
  Result<raft::ConfChange> change = raft::DecodeConfChange(entry);
  if (!Check(change.status())) return false;
  bool fits = options_.machine->Admits(*change);
  if (!fits) {
    for (raft::ConfChangeStep& step : change->steps) step.node = raft::kNoNode;
  }
  const Result<raft::ConfState> changed = node_->ApplyConfChange(*change);
  overtaken_ = changed.status().code() == StatusCode::kAborted;
  if (overtaken_) return true;
  // What does not fit is struck out by everybody alike.
  fits &= changed.ok();
  applied_entries_++;
  OutcomeDone done = TakeProposal(entry);
  Done ends = EndsOperation(entry.index);
  options_.machine->ApplyConfChange(
      entry, changed.ok() ? *changed : node_->GetStatus().config.ToConfState(),
      [this, fits, index = entry.index, done = std::move(done), ends](const Status& status) {
        if (done && status.ok()) {
          host_.Call([this, fits, index, done] {
            Outcome outcome;
            outcome.index = index;
            if (fits) return done(std::move(outcome));
            Refuse(done, Refusal::kUnfit);
          });
        }
        ends(status);
      });
  // A snapshot names its members: those that just came would ignore an old one.
  snapshot_wanted_ = true;
  return Stepped();
}

OutcomeDone Peer::TakeProposal(const raft::Entry& entry) {
  OutcomeDone found;
  while (!proposals_.empty() && proposals_.begin()->first.first <= entry.index) {
    auto waiting = proposals_.extract(proposals_.begin());
    if (waiting.key() != std::pair(entry.index, entry.term)) {
      Refuse(waiting.mapped().done, Refusal::kLost);
    } else if (waiting.mapped().is_change && !entry.IsConfChange()) {
      Refuse(waiting.mapped().done, Refusal::kUnfit);
    } else {
      found = std::move(waiting.mapped().done);
    }
  }
  return found;
}

void Peer::LoseProposals(raft::LogIndex up_to) {
  while (!proposals_.empty() && proposals_.begin()->first.first <= up_to) {
    const auto waiting = proposals_.extract(proposals_.begin());
    Refuse(waiting.mapped().done, Refusal::kUnknown);
  }
}

Done Peer::EndsOperation(raft::LogIndex index) {
  operating_ = true;
  operating_since_us_ = host_.now_us();
  return [this, index](const Status& status) {
    if (host_.InPass()) return OperationEnded(index, status);
    host_.Call([this, index, status] { OperationEnded(index, status); });
  };
}

void Peer::OperationEnded(raft::LogIndex index, const Status& status) {
  operating_ = false;
  host_.Touch(this);
  if (!failure_.ok() || !Check(status)) return;
  applied_ = std::max(applied_, index);
  if (!std::exchange(installing_, false)) return;
  const bool promised = operations_.front().promised;
  operations_.pop_front();
  snapshot_wanted_ = true;
  if (!promised) return;
  storing_.front().snapshot = nullptr;
  storing_.front().installing = false;
  KeepPromises();
}

void Peer::MaybeTakeSnapshot() {
  const bool due =
      applied_entries_ >= options_.snapshot_entries || applied_bytes_ >= options_.snapshot_bytes;
  if (taking_snapshot_ || operating_ || !(due || snapshot_wanted_)) return;
  taking_snapshot_ = true;
  snapshot_wanted_ = false;
  applied_entries_ = applied_bytes_ = 0;
  taking_since_us_ = host_.now_us();
  options_.machine->TakeSnapshot([this](Result<std::shared_ptr<const raft::Snapshot>> snapshot) {
    host_.Call([this, snapshot = std::move(snapshot)] { SnapshotTaken(snapshot); });
  });
}

void Peer::SnapshotTaken(const Result<std::shared_ptr<const raft::Snapshot>>& snapshot) {
  taking_snapshot_ = false;
  host_.Touch(this);
  if (!failure_.ok() || !Check(snapshot.status())) return;
  // One that was installed in the meantime is newer.
  if ((*snapshot)->index + 1 < storage_->FirstIndex()) return;
  const raft::LogIndex compact_to =
      (*snapshot)->index - std::min((*snapshot)->index, options_.kept_entries);
  writes_.push_back({.peer = this, .taken = *snapshot, .compact_to = compact_to});
}

}  // namespace nokv::raftnode
