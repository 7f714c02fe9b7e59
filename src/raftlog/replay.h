// Replay: rebuilds the groups from the records of the log, from wherever the log still starts.
//
// What lies before the start is missing, so a group may first show in its middle; what counts is
// that at the end its state is known and its entries follow the base without a hole.
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "nokv/status.h"
#include "raftlog/format.h"
#include "raftlog/group.h"
#include "wal/recover.h"

namespace nokv::raftlog {

class Replay {
 public:
  // Takes a record of the log; those that are not of raft are passed over.
  Status Visit(const wal::RecordView& record);
  // Takes the last record of a segment with `index`, if it is a digest of all others: false if not.
  Result<bool> VisitDigest(const wal::RecordView& record, const wal::SegmentIndex& index);

  // Everything was visited: kDataLoss with a group of which something is missing. `dir` is for the
  // message.
  Status Check(const std::string& dir) const;
  // The groups, once. `copied` says where the record is now that started at its key.
  // REQUIRES: Check.
  std::map<GroupId, std::unique_ptr<Group>> TakeGroups(
      const std::map<wal::LogPosition, wal::LogPosition>& copied, SegmentUses* uses);

 private:
  struct Found {
    bool has_state = false;
    GroupState state;
    wal::LogPosition state_place;
    uint64_t state_bytes = 0;
    std::map<raft::LogIndex, EntrySlot> slots;
  };

  Status ApplyAll(SectionReader& reader);
  void Apply(const Section& section);

  std::map<GroupId, Found> found_;
  Section section_;
};

}  // namespace nokv::raftlog
