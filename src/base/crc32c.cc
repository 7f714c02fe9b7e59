#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <climits>

namespace nokv::base {

uint32_t Crc32c(std::string_view data, uint32_t seed) {
  uint32_t crc = ~seed;
  while (!data.empty()) {
    const size_t piece = std::min<size_t>(data.size(), INT_MAX);
    // isa-l reads only; its signature predates const.
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));
    crc = crc32_iscsi(bytes, static_cast<int>(piece), crc);
    data.remove_prefix(piece);
  }
  return ~crc;
}

}  // namespace nokv::base
