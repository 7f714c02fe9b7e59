#include "raftlog/replay.h"

#include <string>
#include <utility>

#include "base/macros.h"

namespace nokv::raftlog {
namespace {

// Where `place` is now that some records were copied.
wal::LogPosition Now(wal::LogPosition place,
                     const std::map<wal::LogPosition, wal::LogPosition>& copied) {
  auto record = copied.upper_bound(place);
  if (record == copied.begin()) return place;
  --record;
  if (record->first.segment != place.segment) return place;
  const auto& [from, to] = *record;
  return {to.segment, to.offset + (place.offset - from.offset)};
}

Status Missing(const std::string& dir, GroupId group, const std::string& what) {
  return Status::Corruption("the log in " + dir + ": raft group " + std::to_string(group) + ": " +
                            what + "; nothing was changed")
      .WithHint("restore the directory from a copy, or let the member come back under a new id")
      .WithErrorNumber(1302);
}

}  // namespace

Status Replay::Visit(const wal::RecordView& record) {
  if (record.type != wal::RecordType::kRaftEntries && record.type != wal::RecordType::kRaftState) {
    return Status::Ok();
  }
  std::string_view digest = record.payload;
  uint64_t covered = 0;
  if (GetDigestHead(&digest, &covered)) return Status::Ok();
  SectionReader reader(record.payload, record.payload_position());
  return ApplyAll(reader);
}

Result<bool> Replay::VisitDigest(const wal::RecordView& record, const wal::SegmentIndex& index) {
  const wal::TypeIndex& entries = index.of(wal::RecordType::kRaftEntries);
  const wal::TypeIndex& states = index.of(wal::RecordType::kRaftState);
  std::string_view sections = record.payload;
  uint64_t covered = 0;
  if (!GetDigestHead(&sections, &covered) || covered + 1 != entries.records + states.records ||
      entries.last_payload_offset > record.start.offset) {
    return false;
  }
  const uint64_t head_bytes = record.payload.size() - sections.size();
  const wal::LogPosition start = record.payload_position();
  SectionReader reader(sections, {start.segment, start.offset + head_bytes},
                       SectionReader::Form::kDigest);
  RETURN_IF_ERROR(ApplyAll(reader));
  return true;
}

Status Replay::ApplyAll(SectionReader& reader) {
  while (!reader.done()) {
    RETURN_IF_ERROR(reader.Next(&section_));
    Apply(section_);
  }
  return Status::Ok();
}

void Replay::Apply(const Section& section) {
  Found& group = found_[section.group];
  switch (section.kind) {
    case SectionKind::kHardState:
      group.state.hard_state = section.state.hard_state;
      break;
    case SectionKind::kState:
      if (section.restores) group.slots.clear();
      group.has_state = true;
      group.state = section.state;
      group.state_place = section.place;
      group.state_bytes = section.bytes;
      group.slots.erase(group.slots.begin(), group.slots.upper_bound(section.state.base.index));
      break;
    case SectionKind::kEntries:
      group.slots.erase(group.slots.lower_bound(section.first_index), group.slots.end());
      [[fallthrough]];
    case SectionKind::kMovedEntries:
      for (size_t i = 0; i < section.slots.size(); ++i) {
        group.slots[section.first_index + i] = section.slots[i];
      }
      break;
    case SectionKind::kRemoved:
      found_.erase(section.group);
      break;
    case SectionKind::kDigest:  // is no section of a record
      break;
  }
}

Status Replay::Check(const std::string& dir) const {
  for (const auto& [id, found] : found_) {
    if (!found.has_state) return Missing(dir, id, "its state is not in the log");
    raft::LogIndex expected = found.state.base.index + 1;
    for (const auto& [index, slot] : found.slots) {
      if (index != expected) {
        return Missing(dir, id,
                       "the entries " + std::to_string(expected) + " to " +
                           std::to_string(index - 1) + " are not in the log");
      }
      ++expected;
    }
  }
  return Status::Ok();
}

std::map<GroupId, std::unique_ptr<Group>> Replay::TakeGroups(
    const std::map<wal::LogPosition, wal::LogPosition>& copied, SegmentUses* uses) {
  std::map<GroupId, std::unique_ptr<Group>> groups;
  for (auto& [id, found] : found_) {
    std::deque<EntrySlot> slots;
    for (auto& [index, slot] : found.slots) {
      slot.place = Now(slot.place, copied);
      slots.push_back(slot);
    }
    auto group = std::make_unique<Group>(id);
    group->Recover(found.state, Now(found.state_place, copied).segment, found.state_bytes,
                   std::move(slots), uses);
    groups.emplace(id, std::move(group));
  }
  found_.clear();
  return groups;
}

}  // namespace nokv::raftlog
