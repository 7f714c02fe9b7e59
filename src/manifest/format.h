// The numbered on-disk format versions of a database. Nothing changes bytes without a new number
// here and a page in docs/formats/. The manifest's header records the number.
#pragma once

#include <cstdint>

namespace nokv::manifest {

enum class FormatVersion : uint32_t {
  // The first format: log, tables and manifest as docs/formats/ describes them.
  kInitial = 1,
  // Tables may point to values that lie in log segments.
  kValuePointers = 2,
};

// What this build writes, and the newest that it reads.
inline constexpr FormatVersion kNewestFormat = FormatVersion::kValuePointers;

// The order of keys. A database keeps the one it was created with.
inline constexpr char kComparatorName[] = "nokv.split-aware.1";

}  // namespace nokv::manifest
