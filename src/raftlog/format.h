// The bytes of raft groups in records of the log, see docs/formats/raft-log.md. A record holds
// sections of any number of groups; an entry lies in its section whole, with a checksum of its own,
// so that it can be read by position without the record around it.
//
// Pure functions over memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "nokv/status.h"
#include "raft/types.h"
#include "wal/format.h"

namespace nokv::raftlog {

using GroupId = uint64_t;

// Where an entry lies, and what is known of it without reading it.
struct EntrySlot {
  raft::Term term = 0;
  wal::LogPosition place;  // of its first byte; its data are the last `data_bytes` of its bytes
  uint32_t data_bytes = 0;
  raft::EntryType type = raft::EntryType::kNormal;

  uint64_t bytes() const;
};

// What a group has stored beside its entries.
struct GroupState {
  raft::HardState hard_state;
  raft::EntryId base;                              // the last entry that is compacted away
  std::shared_ptr<const raft::Snapshot> snapshot;  // the newest one; null if there is none
};

enum class SectionKind : uint8_t {
  kHardState = 1,
  kState = 2,         // all of GroupState; entries up to its base are gone
  kEntries = 3,       // they replace what is at and after the first of them
  kMovedEntries = 4,  // copies of stored entries: only their places change
  kRemoved = 5,       // the group is gone
  kDigest = 6,        // alone in its record: what the records before it in the segment hold
};

// Takes the size of what SectionWriter would write for the same calls.
class SectionSizer {
 public:
  void HardState(GroupId group, const raft::HardState& state);
  void State(GroupId group, const GroupState& state, bool restores);
  void Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries);
  void Removed(GroupId group);
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

// Writes sections into memory that has room for what SectionSizer said.
class SectionWriter {
 public:
  // `place` is the position of `*out` in the log. The slots of all entries go to `slots`, in order.
  SectionWriter(char* out, wal::LogPosition place, std::vector<EntrySlot>* slots)
      : begin_(out), at_(out), place_(place), slots_(*slots) {}

  void HardState(GroupId group, const raft::HardState& state);
  // `restores`: all entries stored before are void.
  void State(GroupId group, const GroupState& state, bool restores);
  // The entries follow each other without a hole, and are not none.
  void Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries);
  void Removed(GroupId group);

 private:
  char* const begin_;
  char* at_;
  const wal::LogPosition place_;
  std::vector<EntrySlot>& slots_;
};

// Collects what the records of a segment hold without the data of their entries, which is enough to
// replay them. It takes the same calls as SectionWriter, after it.
class DigestBuilder {
 public:
  // A record follows whose entries are in `slots`, in order, and which adds up to `bytes`.
  void StartRecord(const EntrySlot* slots, uint64_t bytes);
  void HardState(GroupId group, const raft::HardState& state);
  void State(GroupId group, const GroupState& state, bool restores);
  void Entries(GroupId group, SectionKind kind, std::span<const raft::Entry> entries);
  void Removed(GroupId group);

  bool empty() const { return records_ == 0; }
  // The payload of a record that says all of it, and its size.
  std::string Payload() const;
  uint64_t bytes() const;
  void Clear();

 private:
  char* end() { return room_.data() + used_; }
  void set_end(const char* end) {
    used_ = static_cast<size_t>(end - room_.data());
    NOKV_CHECK(used_ <= room_.size()) << "a record adds more to the digest than was said";
  }

  uint64_t records_ = 0;
  const EntrySlot* slots_ = nullptr;
  std::string room_;  // the sections are the first used_ bytes of it
  size_t used_ = 0;
};

// What Entries adds to a digest, at most, and what anything else adds beyond its own size.
inline constexpr uint64_t kMaxDigestBytesOfEntry = 1 + 10 + 5;
inline constexpr uint64_t kMaxDigestBytesOfSection = 1 + 4 * 10;

// True if the payload is that of a digest; `records` is how many it covers, and what follows is for
// a SectionReader.
bool GetDigestHead(std::string_view* payload, uint64_t* records);

// A section as it was read. Which fields count depends on the kind.
struct Section {
  SectionKind kind = SectionKind::kHardState;
  GroupId group = 0;
  wal::LogPosition place;
  uint64_t bytes = 0;
  GroupState state;  // for kHardState its hard state alone
  bool restores = false;
  raft::LogIndex first_index = 0;
  std::vector<EntrySlot> slots;
};

// Reads the sections of a record's payload one by one.
class SectionReader {
 public:
  enum class Form : uint8_t { kRecord, kDigest };

  // `payload` lies at `place`, and outlives the reader.
  SectionReader(std::string_view payload, wal::LogPosition place, Form form = Form::kRecord)
      : rest_(payload), end_{place.segment, place.offset + payload.size()}, form_(form) {}

  bool done() const { return rest_.empty(); }
  // kDataLoss if there is no section, kUnimplemented if there is one of a newer format; the
  // messages name the position.
  Status Next(Section* section);

 private:
  wal::LogPosition place() const { return {end_.segment, end_.offset - rest_.size()}; }
  bool ReadState(Section* section);
  bool ReadEntries(Section* section);
  bool ReadSlots(uint64_t count, Section* section);
  bool ReadDigestSlots(uint64_t count, Section* section);

  std::string_view rest_;
  const wal::LogPosition end_;
  const Form form_;
};

// The entry `index` of `group` that `slot` describes, from its bytes. kDataLoss, without the
// position, if these are others.
Result<raft::Entry> DecodeEntry(GroupId group, raft::LogIndex index, const EntrySlot& slot,
                                std::string_view bytes);

}  // namespace nokv::raftlog
