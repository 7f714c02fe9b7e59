// How segments go: what pins the oldest one is copied to the end of the log when most of the log is
// of no use, and a segment that nobody needs is removed.
#include <string>
#include <utility>

#include "base/macros.h"
#include "raftlog/plan.h"
#include "raftlog/raft_log.h"
#include "raftlog/start_file.h"

namespace nokv::raftlog {
namespace {

// What one call copies, or a little more.
constexpr uint64_t kMoveBytes = 1 << 20;

}  // namespace

Status RaftLog::Collect(const std::set<uint64_t>& kept) {
  RETURN_IF_ERROR(RemoveUnneeded(kept));
  return MoveFromOldest();
}

Status RaftLog::MoveFromOldest() {
  uint64_t oldest = 0;
  std::vector<Group*> groups;
  {
    const base::MutexLock lock(mu_);
    oldest = uses_.SegmentToEmpty();
    if (oldest == 0) return Status::Ok();
    // Each group once, from where the last call stopped.
    for (auto it = groups_.lower_bound(move_next_); it != groups_.end(); ++it) {
      groups.push_back(it->second.get());
    }
    for (auto it = groups_.begin(); it != groups_.lower_bound(move_next_); ++it) {
      groups.push_back(it->second.get());
    }
  }
  std::vector<Plan> plans;
  uint64_t bytes = 0;
  for (Group* group : groups) {
    move_next_ = group->id();
    if (bytes >= kMoveBytes) break;
    ASSIGN_OR_RETURN(const uint64_t moved, PlanMove(*group, oldest, kMoveBytes - bytes, &plans));
    bytes += moved;
  }
  RETURN_IF_ERROR(AppendPlans(plans).status());
  const base::MutexLock lock(mu_);
  stats_.moved_bytes += bytes;
  return Status::Ok();
}

Result<uint64_t> RaftLog::PlanMove(Group& group, uint64_t segment, uint64_t budget,
                                   std::vector<Plan>* plans) {
  Plan plan;
  plan.group = &group;
  uint64_t bytes = 0;
  std::vector<std::pair<raft::LogIndex, raft::LogIndex>> runs;  // [first, end)
  {
    const base::MutexLock lock(mu_);
    plan.after = group.state();
    plan.closes = group.stored() && group.state_segment() == segment;
    raft::LogIndex index = group.first_index();
    for (const EntrySlot& slot : group.slots()) {
      if (bytes >= budget) break;
      if (slot.place.segment == segment) {
        if (runs.empty() || runs.back().second != index) runs.emplace_back(index, index);
        runs.back().second = index + 1;
        bytes += slot.bytes();
      }
      ++index;
    }
  }
  for (const auto& [first, end] : runs) {
    ASSIGN_OR_RETURN(Plan::Run run, ReadEntries(group, first, end, raft::kNoLimit));
    plan.moves.push_back(std::move(run));
  }
  if (runs.empty() && !plan.closes) return uint64_t{0};
  const uint64_t measured = plan.Measure();
  plans->push_back(std::move(plan));
  return measured;
}

Status RaftLog::RemoveUnneeded(const std::set<uint64_t>& kept) {
  const wal::LogPosition synced = log_->SyncedEnd();
  uint64_t start = start_segment_;
  {
    const base::MutexLock lock(mu_);
    for (const auto& [segment, use] : uses_.uses()) {
      start = segment;
      if (use.live_bytes > 0 || use.unneeded_since > synced) break;
    }
  }
  if (start != start_segment_) {
    RETURN_IF_ERROR(WriteStartFile(fs_, dir_, start));
    start_segment_ = start;
    const base::MutexLock lock(mu_);
    uses_.DropBefore(start);
    files_.erase(files_.begin(), files_.lower_bound(start));
  }
  return log_->RemoveSegmentsBefore(start_segment_, kept);
}

}  // namespace nokv::raftlog
