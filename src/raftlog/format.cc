#include "raftlog/format.h"

#include <algorithm>
#include <string>

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::raftlog {
namespace {

using base::GetVarint64;
using base::VarintLength;

constexpr uint8_t kRestores = 1;
constexpr uint8_t kHasSnapshot = 2;
constexpr uint8_t kAutoLeave = 4;
constexpr size_t kCrcBytes = 4;

uint64_t EntryHeaderBytes(raft::Term term, uint64_t data_bytes) {
  return kCrcBytes + 1 + VarintLength(term) + VarintLength(data_bytes);
}

// Of an entry's bytes behind the checksum, which also says whose entry it is.
uint32_t EntryCrc(GroupId group, raft::LogIndex index, std::string_view bytes) {
  char whose[16];
  base::StoreFixed64(whose, group);
  base::StoreFixed64(whose + 8, index);
  return base::MaskCrc(base::Crc32c(bytes, base::Crc32c({whose, sizeof whose})));
}

// The sinks that the layouts below are written to.
struct Counter {
  uint64_t bytes = 0;

  void Byte(uint8_t /*value*/) { ++bytes; }
  void Varint(uint64_t value) { bytes += VarintLength(value); }
  void Bytes(std::string_view value) { bytes += value.size(); }
};

struct Store {
  char* at;

  void Byte(uint8_t value) { *at++ = static_cast<char>(value); }
  void Varint(uint64_t value) { at = base::StoreVarint64(at, value); }
  void Bytes(std::string_view value) {
    if (value.empty()) return;
    std::memcpy(at, value.data(), value.size());
    at += value.size();
  }
};

template <typename Sink>
void PutHead(Sink& sink, SectionKind kind, GroupId group) {
  sink.Byte(static_cast<uint8_t>(kind));
  sink.Varint(group);
}

template <typename Sink>
void PutHardState(Sink& sink, const raft::HardState& state) {
  sink.Varint(state.term);
  sink.Varint(state.vote);
  sink.Varint(state.commit);
}

template <typename Sink>
void PutHardStateSection(Sink& sink, GroupId group, const raft::HardState& state) {
  PutHead(sink, SectionKind::kHardState, group);
  PutHardState(sink, state);
}

template <typename Sink>
void PutNodes(Sink& sink, const std::vector<raft::NodeId>& nodes) {
  sink.Varint(nodes.size());
  for (const raft::NodeId node : nodes) sink.Varint(node);
}

template <typename Sink>
void PutState(Sink& sink, GroupId group, const GroupState& state, bool restores) {
  PutHead(sink, SectionKind::kState, group);
  const raft::Snapshot* snapshot = state.snapshot.get();
  const bool auto_leave = snapshot != nullptr && snapshot->conf_state.auto_leave;
  sink.Byte((restores ? kRestores : 0) | (snapshot != nullptr ? kHasSnapshot : 0) |
            (auto_leave ? kAutoLeave : 0));
  PutHardState(sink, state.hard_state);
  sink.Varint(state.base.index);
  sink.Varint(state.base.term);
  if (snapshot == nullptr) return;
  sink.Varint(snapshot->index);
  sink.Varint(snapshot->term);
  PutNodes(sink, snapshot->conf_state.voters);
  PutNodes(sink, snapshot->conf_state.learners);
  PutNodes(sink, snapshot->conf_state.voters_outgoing);
  PutNodes(sink, snapshot->conf_state.learners_next);
  sink.Varint(snapshot->data.size());
  sink.Bytes(snapshot->data.view());
}

// What of a section of entries comes before them.
template <typename Sink>
void PutEntriesHead(Sink& sink, GroupId group, SectionKind kind,
                    std::span<const raft::Entry> entries) {
  PutHead(sink, kind, group);
  sink.Varint(entries.front().index);
  sink.Varint(entries.size());
}

char* StoreEntry(char* out, GroupId group, const raft::Entry& entry) {
  Store sink{out + kCrcBytes};
  sink.Byte(static_cast<uint8_t>(entry.type));
  sink.Varint(entry.term);
  sink.Varint(entry.data.size());
  sink.Bytes(entry.data.view());
  const std::string_view covered(out + kCrcBytes, static_cast<size_t>(sink.at - out) - kCrcBytes);
  base::StoreFixed32(out, EntryCrc(group, entry.index, covered));
  return sink.at;
}

bool GetEntryType(std::string_view* in, raft::EntryType* type) {
  if (in->empty()) return false;
  const auto number = static_cast<uint8_t>(in->front());
  if (number > static_cast<uint8_t>(raft::EntryType::kConfChangeV2)) return false;
  *type = static_cast<raft::EntryType>(number);
  in->remove_prefix(1);
  return true;
}

// Takes the head of an entry off the front of `*in`; its data are in front then.
bool GetEntryHead(std::string_view* in, EntrySlot* slot) {
  uint32_t crc = 0;
  return base::GetFixed32(in, &crc) && GetEntryType(in, &slot->type) &&
         GetVarint64(in, &slot->term) && base::GetVarint32(in, &slot->data_bytes) &&
         slot->data_bytes <= in->size();
}

bool GetHardState(std::string_view* in, raft::HardState* state) {
  return GetVarint64(in, &state->term) && GetVarint64(in, &state->vote) &&
         GetVarint64(in, &state->commit);
}

bool GetNodes(std::string_view* in, std::vector<raft::NodeId>* nodes) {
  uint64_t count = 0;
  // Each takes a byte at least.
  if (!GetVarint64(in, &count) || count > in->size()) return false;
  nodes->resize(count);
  for (raft::NodeId& node : *nodes) {
    if (!GetVarint64(in, &node)) return false;
  }
  return true;
}

bool GetSnapshot(std::string_view* in, raft::Snapshot* snapshot) {
  std::string_view data;
  raft::ConfState& conf = snapshot->conf_state;
  if (!GetVarint64(in, &snapshot->index) || !GetVarint64(in, &snapshot->term) ||
      !GetNodes(in, &conf.voters) || !GetNodes(in, &conf.learners) ||
      !GetNodes(in, &conf.voters_outgoing) || !GetNodes(in, &conf.learners_next) ||
      !base::GetLengthPrefixed(in, &data)) {
    return false;
  }
  snapshot->data = raft::Payload(std::string(data));
  return true;
}

}  // namespace

uint64_t EntrySlot::bytes() const {
  return EntryHeaderBytes(term, data_bytes) + data_bytes;
}

void SectionSizer::HardState(GroupId group, const raft::HardState& state) {
  Counter sink;
  PutHardStateSection(sink, group, state);
  bytes_ += sink.bytes;
}

void SectionSizer::State(GroupId group, const GroupState& state, bool restores) {
  Counter sink;
  PutState(sink, group, state, restores);
  bytes_ += sink.bytes;
}

void SectionSizer::Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries) {
  Counter sink;
  PutEntriesHead(sink, group, kind, entries);
  for (const raft::Entry& entry : entries) {
    const size_t data_bytes = entry.data.size();
    sink.bytes += EntryHeaderBytes(entry.term, data_bytes) + data_bytes;
  }
  bytes_ += sink.bytes;
}

void SectionSizer::Removed(GroupId group) {
  Counter sink;
  PutHead(sink, SectionKind::kRemoved, group);
  bytes_ += sink.bytes;
}

void SectionWriter::HardState(GroupId group, const raft::HardState& state) {
  Store sink{at_};
  PutHardStateSection(sink, group, state);
  at_ = sink.at;
}

void SectionWriter::State(GroupId group, const GroupState& state, bool restores) {
  Store sink{at_};
  PutState(sink, group, state, restores);
  at_ = sink.at;
}

void SectionWriter::Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries) {
  Store sink{at_};
  PutEntriesHead(sink, group, kind, entries);
  at_ = sink.at;
  for (const raft::Entry& entry : entries) {
    const uint64_t offset = place_.offset + static_cast<uint64_t>(at_ - begin_);
    slots_.push_back({.term = entry.term,
                      .place = {place_.segment, offset},
                      .data_bytes = static_cast<uint32_t>(entry.data.size()),
                      .type = entry.type});
    at_ = StoreEntry(at_, group, entry);
  }
}

void SectionWriter::Removed(GroupId group) {
  Store sink{at_};
  PutHead(sink, SectionKind::kRemoved, group);
  at_ = sink.at;
}

void DigestBuilder::StartRecord(const EntrySlot* slots, uint64_t bytes) {
  ++records_;
  slots_ = slots;
  if (room_.size() < used_ + bytes) room_.resize(std::max(2 * room_.size(), used_ + bytes));
}

void DigestBuilder::HardState(GroupId group, const raft::HardState& state) {
  Store sink{end()};
  PutHardStateSection(sink, group, state);
  set_end(sink.at);
}

void DigestBuilder::State(GroupId group, const GroupState& state, bool restores) {
  Store sink{end()};
  PutState(sink, group, state, restores);
  set_end(sink.at);
}

void DigestBuilder::Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries) {
  Store sink{end()};
  PutEntriesHead(sink, group, kind, entries);
  // The others follow right behind the first.
  sink.Varint(slots_->place.offset);
  for (size_t i = 0; i < entries.size(); ++i, ++slots_) {
    sink.Byte(static_cast<uint8_t>(slots_->type));
    sink.Varint(slots_->term);
    sink.Varint(slots_->data_bytes);
  }
  set_end(sink.at);
}

void DigestBuilder::Removed(GroupId group) {
  Store sink{end()};
  PutHead(sink, SectionKind::kRemoved, group);
  set_end(sink.at);
}

std::string DigestBuilder::Payload() const {
  std::string payload(bytes(), '\0');
  Store sink{payload.data()};
  sink.Byte(static_cast<uint8_t>(SectionKind::kDigest));
  sink.Varint(records_);
  sink.Bytes({room_.data(), used_});
  return payload;
}

uint64_t DigestBuilder::bytes() const {
  return 1 + VarintLength(records_) + used_;
}

void DigestBuilder::Clear() {
  records_ = 0;
  used_ = 0;
}

bool GetDigestHead(std::string_view* payload, uint64_t* records) {
  if (payload->empty() || payload->front() != static_cast<char>(SectionKind::kDigest)) return false;
  payload->remove_prefix(1);
  return GetVarint64(payload, records);
}

bool SectionReader::ReadState(Section* section) {
  if (rest_.empty()) return false;
  const auto flags = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  section->restores = (flags & kRestores) != 0;
  section->state = GroupState();
  GroupState& state = section->state;
  if (!GetHardState(&rest_, &state.hard_state) || !GetVarint64(&rest_, &state.base.index) ||
      !GetVarint64(&rest_, &state.base.term)) {
    return false;
  }
  if ((flags & kHasSnapshot) == 0) return true;
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->conf_state.auto_leave = (flags & kAutoLeave) != 0;
  if (!GetSnapshot(&rest_, snapshot.get())) return false;
  state.snapshot = std::move(snapshot);
  return true;
}

bool SectionReader::ReadEntries(Section* section) {
  section->slots.clear();
  uint64_t count = 0;
  if (!GetVarint64(&rest_, &section->first_index) || !GetVarint64(&rest_, &count)) return false;
  const bool whole =
      form_ == Form::kDigest ? ReadDigestSlots(count, section) : ReadSlots(count, section);
  return whole && count > 0 && section->first_index > 0 && section->first_index + count > count;
}

bool SectionReader::ReadSlots(uint64_t count, Section* section) {
  for (uint64_t i = 0; i < count; ++i) {
    EntrySlot slot;
    slot.place = place();
    if (!GetEntryHead(&rest_, &slot)) return false;
    rest_.remove_prefix(slot.data_bytes);
    section->slots.push_back(slot);
  }
  return true;
}

bool SectionReader::ReadDigestSlots(uint64_t count, Section* section) {
  EntrySlot slot;
  slot.place.segment = end_.segment;
  if (!GetVarint64(&rest_, &slot.place.offset)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!GetEntryType(&rest_, &slot.type) || !GetVarint64(&rest_, &slot.term) ||
        !base::GetVarint32(&rest_, &slot.data_bytes)) {
      return false;
    }
    section->slots.push_back(slot);
    slot.place.offset += slot.bytes();
  }
  return true;
}

Status SectionReader::Next(Section* section) {
  const wal::LogPosition start = place();
  section->place = start;
  section->kind = static_cast<SectionKind>(rest_.front());
  rest_.remove_prefix(1);
  bool whole = GetVarint64(&rest_, &section->group);
  if (whole) {
    switch (section->kind) {
      case SectionKind::kHardState:
        whole = GetHardState(&rest_, &section->state.hard_state);
        break;
      case SectionKind::kState:
        whole = ReadState(section);
        break;
      case SectionKind::kEntries:
      case SectionKind::kMovedEntries:
        whole = ReadEntries(section);
        break;
      case SectionKind::kRemoved:
        break;
      default:
        return Status::Unimplemented(wal::ToString(start) + ": a raft section of unknown kind " +
                                     std::to_string(static_cast<unsigned>(section->kind)))
            .WithHint("open the directory with the version of nokv that wrote it, or a newer one");
    }
  }
  if (!whole) return Status::Corruption(wal::ToString(start) + ": no whole raft section");
  section->bytes = place().offset - start.offset;
  return Status::Ok();
}

Result<raft::Entry> DecodeEntry(GroupId group, raft::LogIndex index, const EntrySlot& slot,
                                std::string_view bytes) {
  const Status damaged = Status::Corruption("entry " + std::to_string(index) + " of raft group " +
                                            std::to_string(group) + ": checksum mismatch");
  if (bytes.size() != slot.bytes()) return damaged;
  EntrySlot found;
  std::string_view rest = bytes;
  if (base::LoadFixed32(bytes.data()) != EntryCrc(group, index, bytes.substr(kCrcBytes)) ||
      !GetEntryHead(&rest, &found) || found.term != slot.term || found.type != slot.type ||
      found.data_bytes != slot.data_bytes) {
    return damaged;
  }
  return raft::Entry{slot.type, slot.term, index, raft::Payload(std::string(rest))};
}

}  // namespace nokv::raftlog
