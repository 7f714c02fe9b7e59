// The state machine of a member: registers, and their checkpoints.
#include "base/macros.h"
#include "sim/replog/member.h"

namespace nokv::sim {

void Member::Operate(std::function<Status()> operation, raftnode::Done done) {
  if (!options_.apply_later) return done(operation());
  machine_.runtime().Post(runtime::Lane::kFlush,
                          [this, operation = std::move(operation), done = std::move(done)] {
                            if (!ended_) done(operation());
                          });
}

void Member::Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) {
  Operate([this, entries = std::move(entries)] { return ApplyNow(entries); }, std::move(done));
}

Status Member::ApplyNow(const std::vector<raftnode::Committed>& entries) {
  for (const raftnode::Committed& committed : entries) {
    const std::optional<Reply> reply = state_.Apply(committed.entry);
    RETURN_IF_ERROR(NoteApplied(committed.entry));
    if (!reply || !committed.done) continue;
    raftnode::Outcome outcome;
    outcome.reply = EncodeValue(reply->before);
    committed.done(outcome);
  }
  return Status::Ok();
}

Status Member::NoteApplied(const raft::Entry& entry) {
  host_.Note("apply", {id_, entry.index, state_.digest()});
  host_.Applied(id_, state_);
  return host_.invariants().Applied(id_, entry, state_.conf_state());
}

bool Member::Admits(const raft::ConfChange& change) {
  return state_.Fits(change);
}

void Member::ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                             raftnode::Done done) {
  state_.ApplyConfState(entry, conf_state);
  done(NoteApplied(entry));
}

void Member::Install(const std::shared_ptr<const raft::Snapshot>& snapshot, raftnode::Done done) {
  Operate([this, snapshot] { return InstallNow(*snapshot); }, std::move(done));
}

Status Member::InstallNow(const raft::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(state_, RegisterMachine::Decode(snapshot.data.view()));
  RETURN_IF_ERROR(host_.invariants().Installed(id_, snapshot));
  host_.Note("install", {id_, snapshot.index});
  host_.Applied(id_, state_);
  return Status::Ok();
}

void Member::TakeSnapshot(raftnode::SnapshotDone done) {
  machine_.runtime().Post(runtime::Lane::kFlush, [this, state = state_, done = std::move(done)]() {
    if (ended_) return;
    const Status written = WriteCheckpoint(state);
    if (!written.ok()) return done(written);
    done(state.ToSnapshot());
  });
}

void Member::RoleChanged(const raft::SoftState& state, raft::Term term) {
  if (state.role == raft::Role::kLeader) host_.Led(id_, term);
}

void Member::Stopped(const Status& reason) {
  Check(reason);
}

}  // namespace nokv::sim
