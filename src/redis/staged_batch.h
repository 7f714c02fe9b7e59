// StagedBatch: writes that have been made and not been given to the engine yet, one batch for many
// commits, and the newest of them for each key.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/batch.h"

namespace nokv::redis {

class StagedBatch {
 public:
  // What decides about a key.
  struct Found {
    bool deleted = false;
    lsm::EntryAttributes attributes;
    std::string_view value;  // good until the next change
  };

  void Put(std::string_view engine_key, std::string_view value,
           const lsm::EntryAttributes& attributes);
  void Delete(std::string_view engine_key);
  // False if nothing here is about the key.
  bool Find(std::string_view engine_key, Found* found) const;
  void Clear();

  bool empty() const { return batch_.empty(); }
  size_t bytes() const { return batch_.bytes(); }
  const engine::Batch& batch() const { return batch_; }

 private:
  struct Entry {
    uint32_t hash;
    uint32_t key_offset;  // in the encoding, which is far below 4 GiB
    uint32_t key_bytes;
    uint32_t value_offset;
    uint32_t value_bytes;
    bool deleted;
    lsm::EntryAttributes attributes;
  };

  // The slot of the key, or the empty one in which it belongs.
  uint32_t& SlotOf(uint32_t hash, std::string_view engine_key);
  void Note(std::string_view engine_key, Entry entry);
  void Grow();

  engine::Batch batch_;
  std::vector<Entry> entries_;
  // Open addressing with linear steps: the number of an entry in entries_, from 1; 0: empty. At
  // least half are.
  std::vector<uint32_t> slots_ = std::vector<uint32_t>(64);
};

}  // namespace nokv::redis
