// Records: what the benchmarks store. Record i has the key "user" and the 20 digits of a hash of i,
// so that records are inserted in an order that is not that of their keys; its value begins with i,
// so that a read that brings the wrong value is found out.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "bench/engines/engine.h"

namespace nokv::bench {

inline constexpr size_t kKeyBytes = 24;
using KeyBuffer = std::array<char, kKeyBytes>;

// The key of a record, written into `buffer`.
std::string_view HashedKey(uint64_t record, KeyBuffer* buffer);
// A key that sorts as records do.
std::string_view OrderedKey(uint64_t record, KeyBuffer* buffer);

// Makes values that compress to about two thirds: half of every hundred bytes is random.
//
// Thread safety: thread-compatible; one for each thread.
class ValueMaker {
 public:
  // `value_bytes` > 0.
  ValueMaker(uint64_t seed, uint64_t value_bytes);
  // Good until the next call.
  std::string_view Make(uint64_t record);

 private:
  base::Random random_;
  std::string pool_;
  std::string value_;
};

// Looks at everything that is read, once in each cache line, so that engines that only hand out
// pointers do the work of fetching the bytes too; and checks it.
class ValueCheck : public RowSink {
 public:
  explicit ValueCheck(uint64_t value_bytes) : value_bytes_(value_bytes) {}

  void Row(std::string_view key, std::string_view value) override;
  // True if the last value is one that Make returned for `record`, whichever.
  bool IsOf(uint64_t record) const;
  // True if every value had the right length.
  bool lengths_right() const { return lengths_right_; }

 private:
  const uint64_t value_bytes_;
  uint64_t stamp_ = 0;  // the record that the last value names
  bool lengths_right_ = true;
};

}  // namespace nokv::bench
