#include "sim/raft/invariants.h"

#include "base/macros.h"
#include "raft/describe.h"

namespace nokv::sim {
namespace {

Status Broken(raft::NodeId id, const std::string& what) {
  return Status::Internal("node " + std::to_string(id) + ": " + what);
}

std::string At(raft::EntryId id) {
  return "entry " + std::to_string(id.index) + " of term " + std::to_string(id.term);
}

}  // namespace

void RaftInvariants::Restart(raft::NodeId id, const raft::Storage& storage, raft::LogIndex applied,
                             const raft::ConfState& conf_state) {
  Member member;
  for (raft::LogIndex index = storage.FirstIndex() - 1; index <= storage.LastIndex(); index++) {
    member.log[index] = *storage.TermAt(index);
  }
  member.applied = applied;
  member.conf_state = conf_state;
  member.core_conf_state = conf_state;
  members_[id] = std::move(member);
}

Status RaftInvariants::Stepped(const raft::RawNode& node) {
  const raft::BasicStatus status = node.GetBasicStatus();
  Member& member = members_[status.id];
  const raft::HardState& state = status.hard_state;
  if (state.term < member.term) return Broken(status.id, "the term went back");
  if (state.commit < member.commit) return Broken(status.id, "the commit index went back");
  const bool counted = status.soft_state.role == raft::Role::kLeader && member.led == state.term &&
                       state.commit > member.commit;
  member.term = state.term;
  member.commit = state.commit;
  if (counted) {
    const auto last = member.log.find(state.commit);
    if (last != member.log.end() && last->second != state.term) {
      return Broken(status.id, "committed " + At({last->second, last->first}) +
                                   " by counting as leader of term " + std::to_string(state.term));
    }
  }
  if (status.soft_state.role == raft::Role::kLeader) {
    member.led = state.term;
    const auto [leader, is_new] = leaders_.emplace(state.term, status.id);
    if (leader->second != status.id) {
      return Broken(status.id, "leads term " + std::to_string(state.term) + " as node " +
                                   std::to_string(leader->second) + " did");
    }
  }
  return Status::Ok();
}

Status RaftInvariants::Took(const raft::RawNode& node, const raft::Ready& ready) {
  const raft::FullStatus status = node.GetStatus();
  const raft::NodeId id = status.basic.id;
  if (ready.snapshot != nullptr) members_[id].log = {{ready.snapshot->index, ready.snapshot->term}};
  RETURN_IF_ERROR(AddEntries(id, raft::EntriesToStore(ready)));
  const raft::HardState& state = status.basic.hard_state;
  if (status.basic.soft_state.role == raft::Role::kLeader) {
    RETURN_IF_ERROR(CheckLeader(id, state.term));
  }
  RETURN_IF_ERROR(NoteCommit(id, state.commit, state.term));
  if (ready.snapshot != nullptr) members_[id].core_conf_state = ready.snapshot->conf_state;
  if (status.config.ToConfState() != members_[id].core_conf_state) {
    return Broken(id, "its configuration " + ToString(status.config) + " comes from no entry");
  }
  return Status::Ok();
}

Status RaftInvariants::AddEntries(raft::NodeId id, std::span<const raft::Entry> entries) {
  auto& log = members_[id].log;
  for (const raft::Entry& entry : entries) {
    const auto previous = log.find(entry.index - 1);
    if (previous == log.end()) return Broken(id, At(entry.id()) + " leaves a hole");
    log.erase(log.lower_bound(entry.index), log.end());
    log[entry.index] = entry.term;
    const auto [known, is_new] =
        entries_.try_emplace({entry.index, entry.term}, Known{entry, previous->second});
    if (!(known->second.entry == entry)) return Broken(id, At(entry.id()) + " has two contents");
    if (known->second.previous_term != previous->second) {
      return Broken(id, At(entry.id()) + " follows two different logs");
    }
  }
  return Status::Ok();
}

Status RaftInvariants::NoteCommit(raft::NodeId id, raft::LogIndex commit, raft::Term term) {
  const Member& member = members_[id];
  const auto found = member.log.find(commit);
  if (found == member.log.end()) return Status::Ok();  // compacted since
  const raft::EntryId last{found->second, commit};
  if (commit > committed_.index) {
    const auto ours = member.log.find(committed_.index);
    if (ours != member.log.end() && committed_.index > 0 && ours->second != committed_.term) {
      return Broken(id, At(last) + " is committed after another entry than " + At(committed_));
    }
    committed_ = last;
    committed_term_ = term;
    // Whoever leads a later term already must hold it as well.
    for (auto later = leaders_.upper_bound(term); later != leaders_.end(); ++later) {
      if (members_[later->second].term == later->first) {
        RETURN_IF_ERROR(CheckLeader(later->second, later->first));
      }
    }
  }
  return Status::Ok();
}

Status RaftInvariants::CheckLeader(raft::NodeId id, raft::Term term) const {
  if (committed_.index == 0 || committed_term_ >= term) return Status::Ok();
  const Member& member = members_.at(id);
  const auto found = member.log.find(committed_.index);
  // The entries before it follow from log matching. Compacted entries were applied, so checked.
  if (!member.log.empty() && member.log.begin()->first > committed_.index) return Status::Ok();
  if (found == member.log.end() || found->second != committed_.term) {
    return Broken(id, "leads term " + std::to_string(term) + " without " + At(committed_) +
                          ", which is committed");
  }
  return Status::Ok();
}

Status RaftInvariants::Stored(raft::NodeId id, const raft::HardState& state) {
  raft::Term& stored = stored_terms_[id];
  if (state.term < stored) return Broken(id, "the stored term went back");
  stored = state.term;
  return state.vote == raft::kNoNode ? Status::Ok() : NoteVote(id, state.term, state.vote);
}

Status RaftInvariants::Sent(const raft::Message& message) {
  if (message.type != raft::MessageType::kVoteResp || message.reject) return Status::Ok();
  return NoteVote(message.from, message.term, message.to);
}

Status RaftInvariants::NoteVote(raft::NodeId voter, raft::Term term, raft::NodeId candidate) {
  const auto [vote, is_new] = votes_.emplace(std::pair(voter, term), candidate);
  if (vote->second == candidate) return Status::Ok();
  return Broken(voter, "voted for " + std::to_string(vote->second) + " and " +
                           std::to_string(candidate) + " in term " + std::to_string(term));
}

Status RaftInvariants::Applied(raft::NodeId id, const raft::Entry& entry,
                               const raft::ConfState& conf_state) {
  Member& member = members_[id];
  if (entry.index != member.applied + 1) {
    return Broken(id, "applied " + At(entry.id()) + " after " + std::to_string(member.applied));
  }
  member.applied = entry.index;
  const auto [applied, is_new] = applied_.emplace(entry.index, entry.id());
  if (!(applied->second == entry.id())) {
    return Broken(id,
                  "applied " + At(entry.id()) + " where " + At(applied->second) + " was applied");
  }
  if (!entry.IsConfChange() && conf_state != member.conf_state) {
    return Broken(id, "changed its configuration with an ordinary entry");
  }
  if (entry.IsConfChange()) member.core_conf_state = conf_state;
  return NoteConfState(id, entry.index, conf_state);
}

Status RaftInvariants::NoteConfState(raft::NodeId id, raft::LogIndex index,
                                     const raft::ConfState& state) {
  members_[id].conf_state = state;
  const auto [known, is_new] = conf_states_.emplace(index, state);
  if (known->second == state) return Status::Ok();
  return Broken(id, "has " + raft::Describe(state) + " after index " + std::to_string(index) +
                        ", others " + raft::Describe(known->second));
}

Status RaftInvariants::Installed(raft::NodeId id, const raft::Snapshot& snapshot) {
  Member& member = members_[id];
  if (snapshot.index < member.applied) return Broken(id, "a snapshot took it back");
  member.applied = snapshot.index;
  const auto [applied, is_new] = applied_.emplace(snapshot.index, snapshot.id());
  if (!(applied->second == snapshot.id())) return Broken(id, "a snapshot of another log");
  return NoteConfState(id, snapshot.index, snapshot.conf_state);
}

Status RaftInvariants::Read(raft::LogIndex index, raft::LogIndex before) const {
  if (index >= before) return Status::Ok();
  return Status::Internal("a read at index " + std::to_string(index) + " misses entry " +
                          std::to_string(before) + ", committed before it was asked for");
}

}  // namespace nokv::sim
