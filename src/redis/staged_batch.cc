#include "redis/staged_batch.h"

#include <algorithm>

#include "base/hash.h"

namespace nokv::redis {

namespace {
// A table that grew beyond this for one large batch is given back.
constexpr size_t kKeptSlots = 4096;

uint32_t HashOf(std::string_view engine_key) {
  return static_cast<uint32_t>(base::Hash64(engine_key));
}
}  // namespace

uint32_t& StagedBatch::SlotOf(uint32_t hash, std::string_view engine_key) {
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    uint32_t& slot = slots_[i];
    if (slot == 0) return slot;
    const Entry& entry = entries_[slot - 1];
    if (entry.hash != hash || entry.key_bytes != engine_key.size()) continue;
    const std::string_view encoding = batch_.encoding();
    if (encoding.substr(entry.key_offset, entry.key_bytes) == engine_key) return slot;
  }
}

void StagedBatch::Note(std::string_view engine_key, Entry entry) {
  entry.hash = HashOf(engine_key);
  entry.key_bytes = static_cast<uint32_t>(engine_key.size());
  uint32_t& slot = SlotOf(entry.hash, engine_key);
  if (slot != 0) {
    entries_[slot - 1] = entry;
    return;
  }
  entries_.push_back(entry);
  slot = static_cast<uint32_t>(entries_.size());
  if (2 * entries_.size() > slots_.size()) Grow();
}

void StagedBatch::Grow() {
  slots_.assign(2 * slots_.size(), 0);
  const size_t mask = slots_.size() - 1;
  for (uint32_t number = 1; number <= entries_.size(); ++number) {
    size_t i = entries_[number - 1].hash & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    slots_[i] = number;
  }
}

void StagedBatch::Put(std::string_view engine_key, std::string_view value,
                      const lsm::EntryAttributes& attributes) {
  const size_t key_offset = batch_.Put(engine_key, value, attributes);
  Entry entry{};
  entry.key_offset = static_cast<uint32_t>(key_offset);
  entry.value_offset = static_cast<uint32_t>(batch_.bytes() - value.size());
  entry.value_bytes = static_cast<uint32_t>(value.size());
  entry.attributes = attributes;
  Note(engine_key, entry);
}

void StagedBatch::Delete(std::string_view engine_key) {
  Entry entry{};
  entry.key_offset = static_cast<uint32_t>(batch_.Delete(engine_key));
  entry.deleted = true;
  Note(engine_key, entry);
}

bool StagedBatch::Find(std::string_view engine_key, Found* found) const {
  if (empty()) return false;
  const uint32_t slot =
      const_cast<StagedBatch*>(this)->SlotOf(HashOf(engine_key), engine_key);  // changes nothing
  if (slot == 0) return false;
  const Entry& entry = entries_[slot - 1];
  *found = {entry.deleted, entry.attributes,
            std::string_view(batch_.encoding()).substr(entry.value_offset, entry.value_bytes)};
  return true;
}

void StagedBatch::Clear() {
  batch_.Clear();
  entries_.clear();
  if (slots_.size() > kKeptSlots) slots_.resize(kKeptSlots);
  std::fill(slots_.begin(), slots_.end(), 0);
}

}  // namespace nokv::redis
