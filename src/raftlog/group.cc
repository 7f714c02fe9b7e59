#include "raftlog/group.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::raftlog {

void SegmentUses::Remove(uint64_t segment, uint64_t bytes) {
  const auto it = uses_.find(segment);
  NOKV_CHECK(it != uses_.end() && it->second.live_bytes >= bytes)
      << "segment " << segment << " has no " << bytes << " bytes in use";
  it->second.live_bytes -= bytes;
  if (it->second.live_bytes == 0) it->second.unneeded_since = now_;
}

uint64_t SegmentUses::SegmentToEmpty() const {
  uint64_t oldest = 0;
  uint64_t live = 0;
  uint64_t total = 0;
  for (const auto& [segment, use] : uses_) {
    if (segment == uses_.rbegin()->first) break;
    if (oldest == 0 && use.live_bytes == 0) continue;
    if (oldest == 0) oldest = segment;
    live += use.live_bytes;
    total += use.file_bytes;
  }
  return live < total / 2 ? oldest : 0;
}

const raft::Entry* Group::Cached(raft::LogIndex index) const {
  const raft::LogIndex first = last_index() + 1 - cached_.size();
  return index < first || index > last_index() ? nullptr : &cached_[index - first];
}

void Group::TruncateFrom(raft::LogIndex index, SegmentUses* uses) {
  while (last_index() >= index && !slots_.empty()) {
    uses->Remove(slots_.back().place.segment, slots_.back().bytes());
    slots_.pop_back();
    if (cached_.empty()) continue;
    cached_bytes_ -= CacheBytes(cached_.back());
    cached_.pop_back();
  }
}

void Group::PopFront(SegmentUses* uses) {
  uses->Remove(slots_.front().place.segment, slots_.front().bytes());
  if (cached_.size() == slots_.size()) {
    cached_bytes_ -= CacheBytes(cached_.front());
    cached_.pop_front();
  }
  slots_.pop_front();
}

void Group::SetState(const GroupState& state, bool restores, uint64_t segment, uint64_t bytes,
                     SegmentUses* uses) {
  if (restores) TruncateFrom(first_index(), uses);
  const raft::LogIndex dropped = state.base.index - state_.base.index;
  for (raft::LogIndex i = 0; i < dropped && !slots_.empty(); ++i) PopFront(uses);
  state_ = state;
  uses->Add(segment, bytes);
  if (stored()) uses->Remove(state_segment_, state_bytes_);
  state_segment_ = segment;
  state_bytes_ = bytes;
}

void Group::Append(std::span<const raft::Entry> entries, const EntrySlot* slots,
                   SegmentUses* uses) {
  if (entries.empty()) return;
  const raft::LogIndex first = entries.front().index;
  NOKV_CHECK(first >= first_index() && first <= last_index() + 1)
      << "raft group " << id_ << ": entries from " << first << " on after " << last_index();
  TruncateFrom(first, uses);
  const uint64_t segment = slots->place.segment;
  uint64_t bytes = 0;
  for (const raft::Entry& entry : entries) {
    bytes += slots->bytes();
    slots_.push_back(*slots++);
    cached_.push_back(entry);
    cached_bytes_ += CacheBytes(entry);
  }
  uses->Add(segment, bytes);
}

void Group::Move(raft::LogIndex first, std::span<const EntrySlot> slots, SegmentUses* uses) {
  for (size_t i = 0; i < slots.size(); ++i) {
    EntrySlot& slot = slots_[first + i - first_index()];
    uses->Add(slots[i].place.segment, slots[i].bytes());
    uses->Remove(slot.place.segment, slot.bytes());
    slot = slots[i];
  }
}

void Group::Clear(SegmentUses* uses) {
  TruncateFrom(first_index(), uses);
  if (stored()) uses->Remove(state_segment_, state_bytes_);
  state_ = GroupState();
  state_segment_ = state_bytes_ = 0;
  conf_state.reset();
}

void Group::Recover(const GroupState& state, uint64_t segment, uint64_t bytes,
                    std::deque<EntrySlot> slots, SegmentUses* uses) {
  state_ = state;
  state_segment_ = segment;
  state_bytes_ = bytes;
  slots_ = std::move(slots);
  uses->Add(segment, bytes);
  for (const EntrySlot& slot : slots_) uses->Add(slot.place.segment, slot.bytes());
}

void Group::DropCached(uint64_t bytes) {
  const uint64_t target = cached_bytes_ - std::min(bytes, cached_bytes_);
  while (cached_bytes_ > target) {
    cached_bytes_ -= CacheBytes(cached_.front());
    cached_.pop_front();
  }
}

}  // namespace nokv::raftlog
