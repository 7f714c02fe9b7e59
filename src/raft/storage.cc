#include "raft/storage.h"

#include "base/coding.h"

namespace nokv::raft {
uint64_t EncodedSize(const Entry& entry) {
  return EncodedSize(entry.type, entry.id(), entry.data.size());
}

uint64_t EncodedSize(EntryType type, EntryId id, uint64_t data_bytes) {
  uint64_t size = 3 + base::VarintLength(static_cast<uint64_t>(type)) +
                  base::VarintLength(id.term) + base::VarintLength(id.index);
  if (data_bytes > 0) size += 1 + base::VarintLength(data_bytes) + data_bytes;
  return size;
}

uint64_t PayloadSize(const std::vector<Entry>& entries) {
  uint64_t size = 0;
  for (const Entry& entry : entries) size += entry.data.size();
  return size;
}

uint64_t EncodedSize(const std::vector<Entry>& entries) {
  uint64_t size = 0;
  for (const Entry& entry : entries) size += EncodedSize(entry);
  return size;
}

void LimitSize(std::vector<Entry>* entries, uint64_t max_bytes) {
  uint64_t size = 0;
  for (size_t i = 0; i < entries->size(); i++) {
    size += EncodedSize((*entries)[i]);
    if (i > 0 && size > max_bytes) return entries->resize(i);
  }
}

}  // namespace nokv::raft
