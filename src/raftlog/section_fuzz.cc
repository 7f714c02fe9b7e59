// Feeds anything as the payload of a raft record, and of a digest, to what reads them at recovery.
// Whatever it holds, reading ends with a status; what is accepted names only bytes that are there.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "raftlog/format.h"
#include "raftlog/replay.h"

namespace nokv::raftlog {
namespace {

constexpr wal::LogPosition kPlace{3, 1000};

void ReadAll(std::string_view payload, SectionReader::Form form) {
  SectionReader reader(payload, kPlace, form);
  Section section;
  while (!reader.done()) {
    if (!reader.Next(&section).ok()) return;
    if (form == SectionReader::Form::kDigest) continue;
    for (size_t i = 0; i < section.slots.size(); i++) {
      const EntrySlot& slot = section.slots[i];
      const uint64_t offset = slot.place.offset - kPlace.offset;
      NOKV_CHECK(slot.place.segment == kPlace.segment && offset + slot.bytes() <= payload.size());
      // Damaged or not, never out of bounds.
      (void)DecodeEntry(section.group, section.first_index + i, slot,
                        payload.substr(offset, slot.bytes()));
    }
  }
}

}  // namespace
}  // namespace nokv::raftlog

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv::raftlog;  // NOLINT(google-build-using-namespace)
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  ReadAll(payload, SectionReader::Form::kRecord);
  ReadAll(payload, SectionReader::Form::kDigest);
  Replay replay;
  const nokv::wal::RecordView record{
      .type = nokv::wal::RecordType::kRaftEntries, .payload = payload, .start = kPlace};
  // Refused, or what Check can judge.
  if (replay.Visit(record).ok()) (void)replay.Check("/db");
  return 0;
}
