#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <climits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nokv::base {

namespace {

#if defined(__x86_64__)
// isa-l leaves the upper halves of the vector registers in use. As long as they are, some
// processors need hundreds of cycles for each step from AVX to SSE code and back (Intel's
// optimization manual, "Mixing AVX code with SSE code"), wherever that is.
[[gnu::target("avx")]] void ClearUpperHalves() {
  _mm256_zeroupper();
}
void LeaveVectorCode() {
  if (__builtin_cpu_supports("avx")) ClearUpperHalves();
}
#else
void LeaveVectorCode() {}
#endif

}  // namespace

uint32_t Crc32c(std::string_view data, uint32_t seed) {
  uint32_t crc = ~seed;
  while (!data.empty()) {
    const size_t piece = std::min<size_t>(data.size(), INT_MAX);
    // isa-l reads only; its signature predates const.
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));
    crc = crc32_iscsi(bytes, static_cast<int>(piece), crc);
    data.remove_prefix(piece);
  }
  LeaveVectorCode();
  return ~crc;
}

}  // namespace nokv::base
