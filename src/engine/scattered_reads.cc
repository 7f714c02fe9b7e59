#include "engine/scattered_reads.h"

#include <utility>

#include "lsm/compaction/value_order.h"
#include "lsm/entry.h"

namespace nokv::engine {

namespace {

// True if the table has the entry that points there.
bool Holds(const lsm::FileHandle& file, std::string_view engine_key, keys::SequenceNumber sequence,
           const vlog::ValuePointer& pointer) {
  const auto table = file.Open();
  if (!table.ok()) return false;
  lsm::TableEntry entry;
  const Result<bool> found = (*table)->Get({engine_key, sequence}, &entry);
  lsm::ParsedPayload parsed;
  return found.ok() && *found && lsm::ParseEntryPayload(entry.payload, &parsed) &&
         parsed.pointer == pointer;
}

}  // namespace

bool ScatteredReads::IsDue(const Rent& rent, const manifest::FileMetadata& table) const {
  // Each is at least the price: not every entry has a value that lies apart, and the values that
  // scans meet may be shorter than others.
  const auto reaches = [this](uint64_t paid, uint64_t price) {
    return static_cast<double>(paid) >= ratio_ * static_cast<double>(price);
  };
  return reaches(rent.reads, table.entries) || reaches(rent.bytes, lsm::ValueBytesOf(table));
}

void ScatteredReads::Credit(const lsm::Version& version, std::string_view engine_key,
                            keys::SequenceNumber sequence, const vlog::ValuePointer& pointer) {
  const int level = version.DeepestLevel();
  if (level <= 0) return;
  const lsm::FileHandle* const file = version.FindFile(level, keys::PrefixOf(engine_key));
  if (file == nullptr || !Holds(*file, engine_key, sequence, pointer)) return;
  base::MutexLock lock(mu_);
  Rent& rent = rents_[file->number()];
  rent.reads += kSample;
  rent.bytes += kSample * pointer.length;
  if (waking_ || wake_ == nullptr || !IsDue(rent, file->meta())) return;
  waking_ = true;
  wake_();
}

std::optional<uint64_t> ScatteredReads::Due(const lsm::Version& version) {
  base::MutexLock lock(mu_);
  if (rents_.empty()) return std::nullopt;
  std::map<uint64_t, Rent> known;
  std::optional<uint64_t> due;
  for (const auto& file : version.files(version.DeepestLevel())) {
    const auto rent = rents_.find(file->number());
    if (rent == rents_.end()) continue;
    known.insert(*rent);
    const bool first = !due.has_value() || rent->first < *due;
    if (first && IsDue(rent->second, file->meta())) due = rent->first;
  }
  rents_ = std::move(known);
  return due;
}

void ScatteredReads::Inherit(const std::vector<uint64_t>& before,
                             const std::vector<manifest::FileMetadata>& after) {
  base::MutexLock lock(mu_);
  Rent sum;
  for (const uint64_t number : before) {
    const auto rent = rents_.find(number);
    if (rent == rents_.end()) continue;
    sum.reads += rent->second.reads;
    sum.bytes += rent->second.bytes;
    rents_.erase(rent);
  }
  uint64_t entries = 0;
  for (const manifest::FileMetadata& table : after) entries += table.entries;
  if (entries == 0 || sum.reads == 0) return;
  for (const manifest::FileMetadata& table : after) {
    const double share = static_cast<double>(table.entries) / static_cast<double>(entries);
    rents_[table.number] = {static_cast<uint64_t>(share * static_cast<double>(sum.reads)),
                            static_cast<uint64_t>(share * static_cast<double>(sum.bytes))};
  }
}

void ScatteredReads::WakeBy(std::function<void()> wake) {
  base::MutexLock lock(mu_);
  wake_ = std::move(wake);
}

void ScatteredReads::WakeTaken() {
  base::MutexLock lock(mu_);
  waking_ = false;
}

bool ScatteredReads::waking() const {
  base::MutexLock lock(mu_);
  return waking_;
}

}  // namespace nokv::engine
