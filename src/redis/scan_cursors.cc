#include "redis/scan_cursors.h"

#include "base/coding.h"
#include "base/macros.h"

namespace nokv::redis {

namespace {

constexpr uint32_t kSlots = 4096;
constexpr int kStepBits = 20;
constexpr uint32_t kMaxStep = (1U << kStepBits) - 1;
constexpr int kIdBits = 32;

uint16_t SlotOf(uint32_t id) {
  return static_cast<uint16_t>(id % kSlots);
}

uint32_t StepAfter(uint32_t step) {
  return step == kMaxStep ? 1 : step + 1;
}

}  // namespace

std::string ScanCursors::Encode(const Scan& scan) {
  std::string out;
  base::PutFixed32(&out, scan.id);
  out.push_back(static_cast<char>(scan.db));
  base::PutFixed32(&out, scan.step);
  base::PutLengthPrefixed(&out, scan.position);
  base::PutLengthPrefixed(&out, scan.previous);
  return out;
}

std::optional<ScanCursors::Scan> ScanCursors::Decode(std::string_view bytes) {
  Scan scan;
  std::string_view position;
  std::string_view previous;
  if (!base::GetFixed32(&bytes, &scan.id) || bytes.empty()) return std::nullopt;
  scan.db = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  if (!base::GetFixed32(&bytes, &scan.step) || !base::GetLengthPrefixed(&bytes, &position) ||
      !base::GetLengthPrefixed(&bytes, &previous)) {
    return std::nullopt;
  }
  scan.position = position;
  scan.previous = previous;
  return scan;
}

Result<std::optional<ScanCursors::Scan>> ScanCursors::Load(Transaction& txn, uint32_t id) {
  if (const auto unsaved = unsaved_.find(SlotOf(id)); unsaved != unsaved_.end()) {
    if (unsaved->second.id == id) return std::optional<Scan>(unsaved->second);
  }
  Record record;
  ASSIGN_OR_RETURN(const bool found, txn.FindRaw(CursorKey(SlotOf(id)), &record));
  std::optional<Scan> scan;
  if (found) scan = Decode(record.value);
  if (scan.has_value() && scan->id != id) scan.reset();
  return scan;
}

Result<std::optional<std::string>> ScanCursors::Find(Transaction& txn, int db, uint64_t cursor) {
  std::optional<std::string> position;
  if (cursor >> (kIdBits + kStepBits) != 0) return position;
  const auto step = static_cast<uint32_t>(cursor & kMaxStep);
  ASSIGN_OR_RETURN(const auto scan, Load(txn, static_cast<uint32_t>(cursor >> kStepBits)));
  if (!scan.has_value() || scan->db != db || step == 0) return position;
  if (step == scan->step) {
    position = scan->position;
  } else if (StepAfter(step) == scan->step) {
    position = scan->previous;
  }
  return position;
}

Result<uint64_t> ScanCursors::Save(Backend& backend, Transaction& txn, int db, uint64_t cursor,
                                   std::string_view position) {
  Scan scan;
  scan.db = static_cast<uint8_t>(db);
  scan.step = 1;
  if (cursor == 0) {
    scan.id = static_cast<uint32_t>(generation_ << 16 | (started_++ & 0xffff));
  } else {
    scan.id = static_cast<uint32_t>(cursor >> kStepBits);
    scan.step = StepAfter(static_cast<uint32_t>(cursor & kMaxStep));
    ASSIGN_OR_RETURN(const auto previous, Find(txn, db, cursor));
    scan.previous = previous.value_or("");
  }
  scan.position = position;
  const uint16_t slot = SlotOf(scan.id);
  const uint64_t id = scan.id;
  const uint64_t next = id << kStepBits | scan.step;
  if (backend.WriteError().ok()) {
    unsaved_.erase(slot);
    txn.PutRaw(CursorKey(slot), txn.Keep(Encode(scan)));
  } else {
    unsaved_[slot] = std::move(scan);
  }
  return next;
}

}  // namespace nokv::redis
