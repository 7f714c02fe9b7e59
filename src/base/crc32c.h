// CRC-32C (Castagnoli), the checksum of every nokv file. Computed by isa-l, which picks the
// instruction set at run time.
#pragma once

#include <cstdint>
#include <string_view>

namespace nokv::base {

// CRC-32C of `data`; with `seed` = the CRC of what came before, of the concatenation.
uint32_t Crc32c(std::string_view data, uint32_t seed = 0);

// A stored CRC is masked so that the CRC of data that itself holds CRCs stays well distributed.
inline uint32_t MaskCrc(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}
inline uint32_t UnmaskCrc(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8U;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace nokv::base
