// Batch: changes in terms of engine keys, encoded as they are logged and replicated.
//
//   header  first sequence number fixed64 | count fixed32
//   entry   kind byte | engine key length-prefixed | then
//           put: entry header (lsm/entry.h) length byte and bytes | value length varint64 |
//                value CRC-32C masked fixed32 | value bytes
//           range delete (key = start prefix): end prefix length-prefixed
//           delete: nothing
//
// A value lies raw at a known offset of the encoding with its own CRC, so that a pointer into the
// log can be followed and checked without the record around it.
//
// Entry i has sequence number first + i. Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keys/keys.h"
#include "lsm/entry.h"
#include "nokv/status.h"

namespace nokv::engine {

// One change, as seen by a reader of a batch. Views point into the encoding.
struct BatchEntry {
  keys::Kind kind = keys::Kind::kPut;
  std::string_view key;    // engine key; the start prefix of a range delete
  std::string_view value;  // kRangeDelete: the end prefix
  lsm::EntryAttributes attributes;
  uint64_t value_offset = 0;  // of the value bytes, from the start of the encoding
  uint32_t value_crc = 0;
};

class Batch {
 public:
  Batch();

  // Both return where the key lies in the encoding. A value that is put is its end.
  size_t Put(std::string_view engine_key, std::string_view value,
             const lsm::EntryAttributes& attributes = {});
  size_t Delete(std::string_view engine_key);
  // Prefixes as in lsm/range_tombstone.h, half-open.
  void DeleteRange(std::string_view start_prefix, std::string_view end_prefix);

  void Clear();
  uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return rep_.size(); }
  // The encoding; its sequence number is 0 until the engine assigns one.
  const std::string& encoding() const { return rep_; }

 private:
  std::string rep_;
  uint32_t count_ = 0;
};

inline constexpr size_t kBatchHeaderBytes = 12;

// Walks an encoded batch. Bytes may come from disk: malformed ones end the walk with an error.
class BatchReader {
 public:
  // `encoding` must outlive the reader.
  explicit BatchReader(std::string_view encoding);

  keys::SequenceNumber first_sequence() const { return first_sequence_; }
  uint32_t count() const { return count_; }
  // False at the end and on error; status() tells which. `verify_values` checks value CRCs.
  bool Next(BatchEntry* entry, bool verify_values);
  const Status& status() const { return status_; }

 private:
  bool Fail(std::string_view what);

  std::string_view encoding_;
  std::string_view rest_;
  keys::SequenceNumber first_sequence_ = 0;
  uint32_t count_ = 0;
  uint32_t read_ = 0;
  Status status_;
};

}  // namespace nokv::engine
