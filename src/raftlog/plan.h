// Plan: what one write, once it is checked, puts into the log and does to its group.
//
// Thread safety: thread-compatible.
#pragma once

#include <span>
#include <vector>

#include "raftlog/raft_log.h"

namespace nokv::raftlog {

struct RaftLog::Plan {
  // Entries of its log that a group still has in a segment that is to go, and which follow each
  // other.
  using Run = std::vector<raft::Entry>;

  Group* group = nullptr;
  bool removes = false;
  // The state before the entries: for a new group, or if a snapshot is installed.
  bool opens = false;
  bool restores = false;
  GroupState opening;
  std::span<const raft::Entry> entries;
  // The state afterwards is written whole; otherwise its hard state alone, if that is new.
  bool closes = false;
  bool sets_hard_state = false;
  GroupState after;
  raft::LogIndex last_index = 0;       // afterwards
  raft::LogIndex last_kept_index = 0;  // up to here nothing is replaced
  std::vector<Run> moves;

  uint64_t opening_bytes = 0, closing_bytes = 0;  // of the states in the log

  // Take the parts of a write in, in this order, with what they do to `after` and the rest.
  Status TakeInstall(const GroupWrite& write);
  Status TakeEntries(const GroupWrite& write);
  Status TakeCompaction(const GroupWrite& write);
  // Notes the sizes of the states, and returns that of all.
  uint64_t Measure();
  // Puts all of it into a SectionSizer, a SectionWriter or a DigestBuilder.
  template <typename Sink>
  void Write(Sink& sink) const {
    PutOpening(sink);
    PutEntries(sink);
    PutClosing(sink);
  }
  // What it adds to a digest at most. REQUIRES: Measure.
  uint64_t MaxDigestBytes() const;

 private:
  template <typename Sink>
  void PutOpening(Sink& sink) const {
    if (opens) sink.State(group->id(), opening, restores);
  }
  template <typename Sink>
  void PutEntries(Sink& sink) const {
    if (removes) sink.Removed(group->id());
    if (!entries.empty()) sink.Entries(group->id(), SectionKind::kEntries, entries);
    for (const Run& run : moves) sink.Entries(group->id(), SectionKind::kMovedEntries, run);
  }
  template <typename Sink>
  void PutClosing(Sink& sink) const {
    if (closes) {
      sink.State(group->id(), after, false);
    } else if (sets_hard_state && !opens) {
      sink.HardState(group->id(), after.hard_state);
    }
  }
};

}  // namespace nokv::raftlog
