#include "raftlog/plan.h"

#include <algorithm>
#include <string>

#include "base/macros.h"

namespace nokv::raftlog {
namespace {

Status Refused(StatusCode code, GroupId group, const std::string& what) {
  return {code, "write to raft group " + std::to_string(group) + ": " + what};
}

Status CheckEntries(const GroupWrite& write, raft::LogIndex last_index) {
  raft::LogIndex expected = write.entries.front().index;
  if (expected == 0 || expected > last_index + 1) {
    return Refused(StatusCode::kInvalidArgument, write.group,
                   "entries from " + std::to_string(expected) + " on leave a hole after " +
                       std::to_string(last_index));
  }
  for (const raft::Entry& entry : write.entries) {
    if (entry.index != expected++) {
      return Refused(StatusCode::kInvalidArgument, write.group,
                     "entry " + std::to_string(entry.index) + " does not follow the one before it");
    }
  }
  return Status::Ok();
}

}  // namespace

uint64_t RaftLog::Plan::Measure() {
  SectionSizer sizer;
  PutOpening(sizer);
  opening_bytes = sizer.bytes();
  PutEntries(sizer);
  const uint64_t before = sizer.bytes();
  PutClosing(sizer);
  closing_bytes = sizer.bytes() - before;
  return sizer.bytes();
}

uint64_t RaftLog::Plan::MaxDigestBytes() const {
  uint64_t count = entries.size();
  for (const Run& run : moves) count += run.size();
  return opening_bytes + closing_bytes + count * kMaxDigestBytesOfEntry +
         (2 + moves.size()) * kMaxDigestBytesOfSection;
}

Status RaftLog::Plan::TakeInstall(const GroupWrite& write) {
  if (write.install == nullptr) return Status::Ok();
  if (write.install->index < after.base.index) {
    return Refused(StatusCode::kFailedPrecondition, write.group,
                   "a snapshot of index " + std::to_string(write.install->index) +
                       " is older than the log, which starts after " +
                       std::to_string(after.base.index));
  }
  after.snapshot = write.install;
  after.base = write.install->id();
  restores = true;
  last_index = after.base.index;
  last_kept_index = 0;
  return Status::Ok();
}

Status RaftLog::Plan::TakeEntries(const GroupWrite& write) {
  if (write.entries.empty()) return Status::Ok();
  RETURN_IF_ERROR(CheckEntries(write, last_index));
  // Those that are compacted away were stored before.
  const raft::LogIndex first = std::max(write.entries.front().index, after.base.index + 1);
  if (first > write.entries.back().index) return Status::Ok();
  entries = write.entries.subspan(first - write.entries.front().index);
  last_index = entries.back().index;
  last_kept_index = std::min(last_kept_index, first - 1);
  return Status::Ok();
}

Status RaftLog::Plan::TakeCompaction(const GroupWrite& write) {
  if (write.snapshot != nullptr) {
    if (write.snapshot->index > last_index ||
        (after.snapshot != nullptr && write.snapshot->index < after.snapshot->index)) {
      return Refused(StatusCode::kInvalidArgument, write.group,
                     "a snapshot of index " + std::to_string(write.snapshot->index) +
                         " is older than the last one, or beyond the log");
    }
    closes = true;
    after.snapshot = write.snapshot;
  }
  if (write.compact_to > after.base.index) {
    if (write.compact_to > last_kept_index) {
      return Refused(StatusCode::kInvalidArgument, write.group,
                     "compaction to " + std::to_string(write.compact_to) +
                         ", but what was stored and stays ends at " +
                         std::to_string(last_kept_index));
    }
    closes = true;
    after.base = {group->SlotAt(write.compact_to).term, write.compact_to};
  }
  return Status::Ok();
}

Status RaftLog::AddPlanLocked(const GroupWrite& write, GroupMap::iterator* next) {
  Group& group = GroupLocked(write.group, next);
  group.PrefetchEnd();
  const size_t last = std::exchange(group.last_plan, plans_.size());
  Plan& plan = plans_.emplace_back();
  const Plan* const earlier =
      last + 1 < plans_.size() && plans_[last].group == &group ? &plans_[last] : nullptr;
  plan.group = &group;
  if (earlier != nullptr && earlier->removes) {
    return Refused(StatusCode::kInvalidArgument, write.group, "it is being removed");
  }
  plan.after = earlier != nullptr ? earlier->after : group.state();
  plan.last_index = earlier != nullptr ? earlier->last_index : group.last_index();
  plan.last_kept_index = earlier != nullptr ? earlier->last_kept_index : group.last_index();
  if (write.remove) {
    plan.removes = true;
    return Status::Ok();
  }
  GroupState& state = plan.after;
  if (write.hard_state.term < state.hard_state.term && !write.hard_state.empty()) {
    return Refused(StatusCode::kFailedPrecondition, write.group,
                   "term " + std::to_string(write.hard_state.term) + " after term " +
                       std::to_string(state.hard_state.term));
  }
  RETURN_IF_ERROR(plan.TakeInstall(write));
  if (!write.hard_state.empty()) {
    plan.sets_hard_state = true;
    state.hard_state = write.hard_state;
  }
  plan.opens = plan.restores || (earlier == nullptr && !group.stored());
  if (plan.opens) plan.opening = state;

  RETURN_IF_ERROR(plan.TakeEntries(write));
  return plan.TakeCompaction(write);
}

}  // namespace nokv::raftlog
