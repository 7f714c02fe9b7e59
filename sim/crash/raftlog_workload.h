// RaftLogWorkload: the owner of a raft log on the memory disk, doing what its seed says: appends of
// several groups at once, overwritten entries, votes, snapshots taken and installed, compactions,
// removals, syncs, collections of segments, reopens. The model is the list of states that the
// groups had after each append; what is found must be one of those that may be there, of all groups
// at once.
//
// Thread safety: thread-compatible; one thread runs it all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "raftlog/raft_log.h"
#include "sim/crash/subject.h"

namespace nokv::sim {

class RaftLogWorkload final : public Subject {
 public:
  // `fs` is borrowed.
  RaftLogWorkload(uint64_t seed, vfs::FileSystem& fs);

  void Run(uint64_t ops) override;
  const std::string& violation() const override { return violation_; }
  uint64_t operations_done() const override { return operations_done_; }
  uint64_t operations_failed() const override { return operations_failed_; }
  // It has no tasks: only its file operations make a trace.
  uint64_t TraceHash() const override { return 0; }
  std::string CheckRemains(vfs::FileSystem& disk, Ending ending) const override;

 private:
  struct GroupModel {
    raft::HardState hard_state;
    raft::EntryId base;
    std::shared_ptr<const raft::Snapshot> snapshot;
    std::vector<raft::Entry> entries;

    raft::LogIndex last_index() const { return base.index + entries.size(); }
    bool operator==(const GroupModel& other) const;
  };
  using State = std::map<raftlog::GroupId, GroupModel>;
  struct Change;

  Result<std::unique_ptr<raftlog::RaftLog>> Open(vfs::FileSystem& fs) const;
  void OpenIfClosed();
  void Step();
  // Appends something of some groups.
  void AppendSome();
  Change RandomChange(raftlog::GroupId group, GroupModel* model);
  raft::Term SomeTerm(GroupModel* model);
  void AddEntries(GroupModel* model, Change* change);
  void Sync();
  // Compares some entries of a group with the model.
  void CheckSomeReads();
  void Shut();
  void Failed();
  void Violate(std::string text);

  // All that is in `log`.
  static Result<State> ReadState(raftlog::RaftLog& log);
  // Which of the states from `must` on `state` is; sets `violation` if none.
  uint64_t Match(const State& state, uint64_t must, std::string* violation) const;
  // As Match, of what `log` holds.
  uint64_t Check(raftlog::RaftLog& log, uint64_t must, std::string* violation) const;

  const uint64_t seed_;
  vfs::FileSystem& fs_;
  base::Random random_;
  std::unique_ptr<raftlog::RaftLog> log_;
  std::vector<State> states_ = {{}};  // after each append
  uint64_t acknowledged_ = 0;         // appends that survive a kill
  uint64_t durable_ = 0;              // and loss of power
  std::string violation_;
  uint64_t operations_done_ = 0;
  uint64_t operations_failed_ = 0;
};

std::unique_ptr<Subject> NewRaftLogWorkload(uint64_t seed, vfs::FileSystem& fs);

}  // namespace nokv::sim
