// Value: what a read found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nokv {

struct Value {
  std::string data;
  uint64_t expiry_ms = 0;  // 0: never
  uint8_t user_meta = 0;
};

// A value where it lies: in a block, a memtable or a mapped file, which `pin` keeps there, so that
// nothing is copied. What is pinned takes memory and disk space beyond all budgets; let go of it
// soon. It may outlive the database.
struct PinnedValue {
  std::string_view data;
  uint64_t expiry_ms = 0;  // 0: never
  uint8_t user_meta = 0;
  std::shared_ptr<const void> pin;
};

}  // namespace nokv
