#include "lsm/compaction/entries_ahead.h"

#include <utility>

#include "base/check.h"
#include "lsm/entry.h"
#include "vlog/value_file.h"

namespace nokv::lsm {

EntriesAhead::EntriesAhead(Moves moves, Fetch fetch, bool on_disk)
    : moves_(std::move(moves)), fetch_(std::move(fetch)), cold_(on_disk ? kColdValues : 0) {}

void EntriesAhead::Push(std::string_view internal_key, std::string_view payload) {
  NOKV_CHECK(!full()) << "an entry more than fits";
  Entry& entry = entries_[(first_ + count_) % kEntries];
  count_++;
  bytes_ += internal_key.size() + payload.size();
  entry.internal_key.assign(internal_key);
  entry.payload.assign(payload);
  entry.moved.reset();
  ParsedPayload parsed;
  // What is damaged is the job's to tell.
  if (!ParseEntryPayload(entry.payload, &parsed) || !parsed.pointer.has_value()) return;
  if (!moves_(*parsed.pointer)) return;
  entry.moved = parsed.pointer;
  runs_.Add(*entry.moved);
  if (!asks()) return;
  cold_--;
  Ask(*entry.moved);
}

void EntriesAhead::Pop() {
  NOKV_CHECK(!empty()) << "nothing is ahead";
  bytes_ -= internal_key().size() + payload().size();
  // It keeps its memory for another, but not that of a long one.
  std::string& gone = entries_[first_].payload;
  if (gone.capacity() > kBytes / kEntries) std::string().swap(gone);
  first_ = (first_ + 1) % kEntries;
  count_--;
}

void EntriesAhead::Ask(const vlog::ValuePointer& pointer) {
  const vlog::ValueRuns::Extent ahead = runs_.Ahead(pointer);
  if (ahead.begin != ahead.end) fetch_(pointer.file, ahead);
}

void EntriesAhead::NoteRead(uint64_t micros) {
  slow_reads_ = micros < vlog::kFromDiskMicros ? 0 : slow_reads_ + 1;
  if (slow_reads_ < kSlowReads) return;
  for (size_t i = 1; i < count_ && !asks(); i++) {
    const Entry& entry = entries_[(first_ + i) % kEntries];
    if (entry.moved.has_value()) Ask(*entry.moved);
  }
  cold_ = kColdValues;
}

}  // namespace nokv::lsm
