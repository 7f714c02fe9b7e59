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
  void Write(SectionWriter& writer) const;

 private:
  template <typename Sink>
  void PutOpening(Sink& sink) const;
  template <typename Sink>
  void PutEntries(Sink& sink) const;
  template <typename Sink>
  void PutClosing(Sink& sink) const;
};

}  // namespace nokv::raftlog
