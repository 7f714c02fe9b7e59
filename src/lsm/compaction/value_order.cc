#include "lsm/compaction/value_order.h"

#include <utility>

#include "lsm/entry.h"

namespace nokv::lsm {

uint64_t ValueBytesOf(const manifest::FileMetadata& table) {
  uint64_t bytes = 0;
  for (const manifest::ValueReference& reference : table.points_into) bytes += reference.bytes;
  return bytes;
}

OrderedReadAhead::OrderedReadAhead(const Version& version,
                                   std::unique_ptr<InternalIterator> entries, Moves moves)
    : version_(version), entries_(std::move(entries)), moves_(std::move(moves)) {
  entries_->SeekToFirst();
  Passed(0);
}

void OrderedReadAhead::Passed(uint64_t entries) {
  // What is damaged is the job's to tell.
  for (; taken_ < entries + kEntries && entries_->Valid(); taken_++, entries_->Next()) {
    ParsedPayload parsed;
    if (!ParseEntryPayload(entries_->value(), &parsed) || !parsed.pointer.has_value()) continue;
    if (!moves_(*parsed.pointer)) continue;
    const vlog::ValueFile* const file = version_.FindValueFile(parsed.pointer->file);
    if (file != nullptr) file->Fetch(parsed.pointer->offset, parsed.pointer->length);
  }
}

}  // namespace nokv::lsm
