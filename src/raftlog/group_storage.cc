#include <algorithm>
#include <string>

#include "base/macros.h"
#include "raftlog/raft_log.h"

namespace nokv::raftlog {
namespace {

// Entries that lie this close together are read at once.
constexpr uint64_t kReadBytes = 64 << 10;

Status NoEntry(raft::LogIndex index) {
  return {StatusCode::kOutOfRange, "no entry at index " + std::to_string(index)};
}

// How many of `slots` lie behind each other in one segment, close enough to be read at once.
size_t RunLength(std::span<const EntrySlot> slots) {
  const wal::LogPosition start = slots.front().place;
  size_t length = 1;
  for (; length < slots.size(); ++length) {
    const EntrySlot& slot = slots[length];
    if (slot.place.segment != start.segment || slot.place < slots[length - 1].place ||
        slot.place.offset + slot.bytes() - start.offset > kReadBytes) {
      break;
    }
  }
  return length;
}

}  // namespace

Result<raft::Storage::Saved> GroupStorage::Load() const {
  const base::MutexLock lock(log_.mu_);
  const GroupState& state = group_.state();
  Saved saved{state.hard_state, {}};
  if (group_.conf_state.has_value()) {
    saved.conf_state = *group_.conf_state;
  } else if (state.snapshot != nullptr) {
    saved.conf_state = state.snapshot->conf_state;
  }
  return saved;
}

raft::LogIndex GroupStorage::FirstIndex() const {
  const base::MutexLock lock(log_.mu_);
  return group_.first_index();
}

raft::LogIndex GroupStorage::LastIndex() const {
  const base::MutexLock lock(log_.mu_);
  return group_.last_index();
}

Result<raft::Term> GroupStorage::TermAt(raft::LogIndex index) const {
  const base::MutexLock lock(log_.mu_);
  if (index == group_.state().base.index) return group_.state().base.term;
  if (!group_.Has(index)) return NoEntry(index);
  return group_.SlotAt(index).term;
}

Result<EntrySlot> GroupStorage::SlotAt(raft::LogIndex index) const {
  const base::MutexLock lock(log_.mu_);
  if (!group_.Has(index)) return NoEntry(index);
  return group_.SlotAt(index);
}

void GroupStorage::SetConfState(const raft::ConfState& state) {
  const base::MutexLock lock(log_.mu_);
  group_.conf_state = state;
}

Result<std::shared_ptr<const raft::Snapshot>> GroupStorage::LatestSnapshot() const {
  const base::MutexLock lock(log_.mu_);
  const GroupState& state = group_.state();
  if (state.snapshot == nullptr) return std::make_shared<const raft::Snapshot>();
  if (state.snapshot->index >= state.base.index) return state.snapshot;
  return Status::Unavailable("the log of raft group " + std::to_string(group_.id()) +
                             " was compacted beyond its newest snapshot");
}

Result<std::vector<raft::Entry>> GroupStorage::Entries(raft::LogIndex low, raft::LogIndex high,
                                                       uint64_t max_bytes) const {
  auto entries = log_.ReadEntries(group_, low, high, max_bytes);
  // A segment may go between the look at where entries are and its opening; they are elsewhere.
  if (entries.status().IsNotFound()) entries = log_.ReadEntries(group_, low, high, max_bytes);
  return entries;
}

Result<std::vector<raft::Entry>> RaftLog::ReadEntries(const Group& group, raft::LogIndex low,
                                                      raft::LogIndex high,
                                                      uint64_t max_bytes) const {
  std::vector<EntrySlot> on_disk;
  std::vector<raft::Entry> cached;
  {
    const base::MutexLock lock(mu_);
    if (low > high || low < group.first_index() || high > group.last_index() + 1) {
      return Status(StatusCode::kOutOfRange, "raft group " + std::to_string(group.id()) +
                                                 " has no entries [" + std::to_string(low) + ", " +
                                                 std::to_string(high) + ")");
    }
    uint64_t bytes = 0;
    for (raft::LogIndex index = low; index < high; ++index) {
      const EntrySlot& slot = group.SlotAt(index);
      bytes += raft::EncodedSize(slot.type, {slot.term, index}, slot.data_bytes);
      if (index > low && bytes > max_bytes) break;
      // Those in the cache are the last ones.
      if (const raft::Entry* entry = group.Cached(index)) {
        cached.push_back(*entry);
      } else {
        on_disk.push_back(slot);
      }
    }
    stats_.entries_from_cache += cached.size();
    stats_.entries_from_disk += on_disk.size();
  }
  if (on_disk.empty()) return cached;
  std::vector<raft::Entry> entries;
  entries.reserve(on_disk.size() + cached.size());
  RETURN_IF_ERROR(ReadSlots(group.id(), low, on_disk, &entries));
  entries.insert(entries.end(), cached.begin(), cached.end());
  return entries;
}

Status RaftLog::ReadSlots(GroupId group, raft::LogIndex first, std::span<const EntrySlot> slots,
                          std::vector<raft::Entry>* entries) const {
  std::string scratch;
  while (!slots.empty()) {
    const size_t count = RunLength(slots);
    const wal::LogPosition start = slots.front().place;
    const EntrySlot& last = slots[count - 1];
    scratch.resize(last.place.offset + last.bytes() - start.offset);
    ASSIGN_OR_RETURN(const auto file, FileOf(start.segment));
    std::string_view bytes;
    RETURN_IF_ERROR(file->Read(start.offset, scratch.size(), scratch.data(), &bytes));
    for (const EntrySlot& slot : slots.first(count)) {
      const uint64_t offset = slot.place.offset - start.offset;
      auto entry =
          DecodeEntry(group, first++, slot,
                      bytes.substr(std::min<uint64_t>(offset, bytes.size()), slot.bytes()));
      if (!entry.ok()) {
        return entry.status()
            .Prefixed(vfs::JoinPath(dir_, ToString(slot.place)))
            .WithHint("the member must come back under a new id, with what the others have")
            .WithErrorNumber(1302);
      }
      entries->push_back(std::move(entry).value());
    }
    slots = slots.subspan(count);
  }
  return Status::Ok();
}

Result<std::shared_ptr<const vfs::RandomFile>> RaftLog::FileOf(uint64_t segment) const {
  {
    const base::MutexLock lock(mu_);
    const auto it = files_.find(segment);
    if (it != files_.end()) return it->second;
  }
  ASSIGN_OR_RETURN(
      std::shared_ptr<const vfs::RandomFile> file,
      fs_.OpenRandom(vfs::JoinPath(dir_, wal::SegmentFileName(segment)), vfs::ReadMode::kRead));
  const base::MutexLock lock(mu_);
  // Not if it went meanwhile.
  if (uses_.uses().contains(segment)) files_.emplace(segment, file);
  return file;
}

}  // namespace nokv::raftlog
