// RaftInvariants: what must hold in a raft group whatever the network, the disks and the processes
// do. A run reports what its members do; the first violation is the answer.
//
//   - one leader per term
//   - log matching: two logs that hold the same entry hold the same entries before it
//   - leader completeness: a leader holds what was committed in earlier terms
//   - state-machine safety: nobody applies another entry at the same index, or leaves one out
//   - term and commit index never go back while a process runs, a stored term never at all
//   - one vote per node and term, over all restarts
//   - a leader commits by counting only entries of its own term (Raft, section 5.4.2): what it
//     breaks shows itself only after two more elections, so the rule itself is checked
//   - a configuration changes only by an applied entry or a snapshot, and is the same after the
//     same entry everywhere
//   - a read that a quorum confirmed covers what was committed when it was asked for
//
// It keeps what it was told, so its memory grows with the run. Thread safety: thread-compatible.
#pragma once

#include <map>
#include <span>
#include <string>

#include "nokv/status.h"
#include "raft/raw_node.h"

namespace nokv::sim {

class RaftInvariants {
 public:
  // A process (re)starts with what its disk holds and the state that it had applied.
  void Restart(raft::NodeId id, const raft::Storage& storage, raft::LogIndex applied,
               const raft::ConfState& conf_state);

  // All below: OK, or kInternal with the invariant that is broken and by whom.

  // After every call into the member.
  Status Stepped(const raft::RawNode& node);
  // A Ready was taken, before anything is done with it.
  Status Took(const raft::RawNode& node, const raft::Ready& ready);
  // The hard state of `id` became durable.
  Status Stored(raft::NodeId id, const raft::HardState& state);
  // A message left a process.
  Status Sent(const raft::Message& message);
  // `id` applied `entry`; its configuration is then `conf_state`.
  Status Applied(raft::NodeId id, const raft::Entry& entry, const raft::ConfState& conf_state);
  // `id` took over a snapshot.
  Status Installed(raft::NodeId id, const raft::Snapshot& snapshot);
  // A read that was asked for when `committed()` was `before` may be served at `index`.
  Status Read(raft::LogIndex index, raft::LogIndex before) const;

  // The largest index known to be committed.
  raft::LogIndex committed() const { return committed_.index; }

 private:
  // An entry as everybody must hold it.
  struct Known {
    raft::Entry entry;
    raft::Term previous_term = 0;
  };
  struct Member {
    std::map<raft::LogIndex, raft::Term> log;  // with the entry before the first one
    raft::Term term = 0;
    raft::Term led = 0;  // the last term that it was seen to lead
    raft::LogIndex commit = 0;
    raft::LogIndex applied = 0;
    raft::ConfState conf_state;       // of what is applied
    raft::ConfState core_conf_state;  // what the core must go by: a snapshot counts on arrival
  };

  Status AddEntries(raft::NodeId id, std::span<const raft::Entry> entries);
  Status NoteCommit(raft::NodeId id, raft::LogIndex commit, raft::Term term);
  Status CheckLeader(raft::NodeId id, raft::Term term) const;
  Status NoteVote(raft::NodeId voter, raft::Term term, raft::NodeId candidate);
  Status NoteConfState(raft::NodeId id, raft::LogIndex index, const raft::ConfState& state);

  std::map<raft::NodeId, Member> members_;
  std::map<raft::Term, raft::NodeId> leaders_;
  std::map<std::pair<raft::LogIndex, raft::Term>, Known> entries_;
  std::map<raft::LogIndex, raft::EntryId> applied_;
  std::map<raft::LogIndex, raft::ConfState> conf_states_;
  std::map<std::pair<raft::NodeId, raft::Term>, raft::NodeId> votes_;
  std::map<raft::NodeId, raft::Term> stored_terms_;
  raft::EntryId committed_;        // the last entry known to be committed
  raft::Term committed_term_ = 0;  // the term of the member that said so
};

}  // namespace nokv::sim
