// Value: what a read found.
#pragma once

#include <cstdint>
#include <string>

namespace nokv {

struct Value {
  std::string data;
  uint64_t expiry_ms = 0;  // 0: never
  uint8_t user_meta = 0;
};

}  // namespace nokv
