#include "raftlog/raft_log.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "base/macros.h"
#include "raftlog/plan.h"

namespace nokv::raftlog {
namespace {

// What a group gives up at a time when the cache is over its budget.
constexpr uint64_t kEvictBytes = 16 << 10;

// Of the end of a segment, for a digest of `bytes` and the seal.
uint64_t RoomForDigest(uint64_t bytes) {
  return wal::RecordBytes(static_cast<uint32_t>(bytes)) + wal::RecordBytes(wal::kSegmentIndexBytes);
}

}  // namespace

RaftLog::RaftLog(vfs::FileSystem& fs, std::string dir, const RaftLogOptions& options)
    : fs_(fs), dir_(std::move(dir)), options_(options) {}

RaftLog::~RaftLog() = default;

std::vector<GroupId> RaftLog::Groups() const {
  const base::MutexLock lock(mu_);
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) {
    if (group->stored()) ids.push_back(id);
  }
  return ids;
}

Group& RaftLog::GroupLocked(GroupId id) {
  auto next = groups_.end();
  return GroupLocked(id, &next);
}

Group& RaftLog::GroupLocked(GroupId id, GroupMap::iterator* next) {
  const bool is_next = *next != groups_.end() && (*next)->first == id;
  const auto found = is_next ? *next : groups_.try_emplace(id).first;
  if (found->second == nullptr) found->second = std::make_unique<Group>(id);
  *next = std::next(found);
  return *found->second;
}

GroupStorage& RaftLog::StorageOf(GroupId id) {
  const base::MutexLock lock(mu_);
  std::unique_ptr<GroupStorage>& storage = storages_[id];
  if (storage == nullptr) storage.reset(new GroupStorage(*this, GroupLocked(id)));
  return *storage;
}

Result<wal::LogPosition> RaftLog::Append(std::span<const GroupWrite> writes) {
  plans_.clear();
  {
    const base::MutexLock lock(mu_);
    auto next = groups_.begin();
    for (const GroupWrite& write : writes) RETURN_IF_ERROR(AddPlanLocked(write, &next));
  }
  Result<wal::LogPosition> appended = AppendPlans(plans_);
  plans_.clear();  // entries are the caller's, and a snapshot may be large
  return appended;
}

Result<wal::LogPosition> RaftLog::AppendPlans(std::span<Plan> plans) {
  uint64_t bytes = 0;
  uint64_t digest_bytes = 0;
  uint64_t entries = 0;
  for (Plan& plan : plans) {
    bytes += plan.Measure();
    digest_bytes += plan.MaxDigestBytes();
    entries += plan.entries.size();
    for (const Plan::Run& run : plan.moves) entries += run.size();
  }
  if (bytes == 0) return appended_end_;
  if (bytes > wal::kMaxPayloadBytes) {
    return Status::ResourceExhausted("append of " + std::to_string(bytes) +
                                     " bytes to the raft log in " + dir_ + ": the limit is " +
                                     std::to_string(wal::kMaxPayloadBytes));
  }
  RETURN_IF_ERROR(FinishSegmentUnlessFits(bytes, digest_bytes));
  const wal::RecordType type =
      entries > 0 ? wal::RecordType::kRaftEntries : wal::RecordType::kRaftState;
  ASSIGN_OR_RETURN(const wal::Reservation place, log_->Reserve(type, static_cast<uint32_t>(bytes)));
  slots_.clear();
  slots_.reserve(entries);
  SectionWriter writer(place.payload, place.payload_position(), &slots_);
  for (const Plan& plan : plans) plan.Write(writer);
  RETURN_IF_ERROR(log_->Commit(place).status());
  NoteAppended(place);
  digest_.StartRecord(slots_.data(), digest_bytes);
  for (const Plan& plan : plans) plan.Write(digest_);

  const base::MutexLock lock(mu_);
  const EntrySlot* next = slots_.data();
  for (const Plan& plan : plans) {
    ApplyLocked(plan, place.start.segment, next);
    next += plan.entries.size();
    for (const Plan::Run& run : plan.moves) next += run.size();
  }
  EvictLocked();
  return place.end;
}

void RaftLog::NoteAppended(const wal::Reservation& place) {
  if (place.start.segment != appended_end_.segment) {
    digest_.Clear();
    digest_covers_ = true;
  }
  appended_end_ = place.end;
  const base::MutexLock lock(mu_);
  uses_.set_now(place.end);
  uses_.SetFileBytes(place.start.segment, place.end.offset);
}

Status RaftLog::FinishSegmentUnlessFits(uint64_t bytes, uint64_t digest_bytes) {
  const bool started = appended_end_.offset > wal::kSegmentHeaderBytes;
  const uint64_t end = appended_end_.offset + wal::RecordBytes(static_cast<uint32_t>(bytes)) +
                       RoomForDigest(digest_.bytes() + digest_bytes);
  if (!started || end <= options_.segment_bytes) return Status::Ok();
  RETURN_IF_ERROR(AppendDigest());
  return log_->Rotate();
}

Status RaftLog::AppendDigest() {
  // A record that is larger than a segment leaves no room.
  if (digest_.empty() || !digest_covers_ ||
      appended_end_.offset + RoomForDigest(digest_.bytes()) > options_.segment_bytes) {
    return Status::Ok();
  }
  const std::string payload = digest_.Payload();
  ASSIGN_OR_RETURN(
      const wal::Reservation place,
      log_->Reserve(wal::RecordType::kRaftState, static_cast<uint32_t>(payload.size())));
  std::memcpy(place.payload, payload.data(), payload.size());
  RETURN_IF_ERROR(log_->Commit(place).status());
  NoteAppended(place);
  return Status::Ok();
}

Status RaftLog::Close() {
  // An error is the log's, and its Close says it again.
  (void)AppendDigest();
  digest_covers_ = false;
  return log_->Close();
}

void RaftLog::ApplyLocked(const Plan& plan, uint64_t segment, const EntrySlot* slots) {
  Group& group = *plan.group;
  if (plan.removes) return RemoveGroupLocked(group.id());
  const uint64_t cached_before = group.cached_bytes();
  if (plan.opens) group.SetState(plan.opening, plan.restores, segment, plan.opening_bytes, &uses_);
  group.Append(plan.entries, slots, &uses_);
  slots += plan.entries.size();
  for (const Plan::Run& run : plan.moves) {
    group.Move(run.front().index, {slots, run.size()}, &uses_);
    slots += run.size();
  }
  if (plan.closes) group.SetState(plan.after, false, segment, plan.closing_bytes, &uses_);
  if (plan.sets_hard_state) group.SetHardState(plan.after.hard_state);
  NoteCachedLocked(group, cached_before);
}

void RaftLog::RemoveGroupLocked(GroupId id) {
  Group& group = GroupLocked(id);
  cached_bytes_ -= group.cached_bytes();
  group.Clear(&uses_);
  std::erase(cache_ring_, &group);
  storages_.erase(id);
  groups_.erase(id);
}

void RaftLog::NoteCachedLocked(Group& group, uint64_t bytes) {
  cached_bytes_ += group.cached_bytes() - bytes;
  if (group.cached_bytes() == 0 || group.in_cache_ring) return;
  group.in_cache_ring = true;
  cache_ring_.push_back(&group);
}

void RaftLog::EvictLocked() {
  while (cached_bytes_ > options_.cache_bytes) {
    Group& group = *cache_ring_.front();
    cache_ring_.pop_front();
    group.in_cache_ring = false;
    const uint64_t before = group.cached_bytes();
    group.DropCached(std::min(kEvictBytes, cached_bytes_ - options_.cache_bytes));
    NoteCachedLocked(group, before);
  }
}

RaftLogStats RaftLog::GetStats() const {
  const base::MutexLock lock(mu_);
  RaftLogStats stats = stats_;
  for (const auto& [id, group] : groups_) {
    if (!group->stored()) continue;
    ++stats.groups;
    stats.entries += group->slots().size();
  }
  stats.cached_bytes = cached_bytes_;
  for (const auto& [segment, use] : uses_.uses()) {
    stats.live_bytes += use.live_bytes;
    stats.total_bytes += use.file_bytes;
  }
  stats.log = log_->GetStats();
  return stats;
}

}  // namespace nokv::raftlog
