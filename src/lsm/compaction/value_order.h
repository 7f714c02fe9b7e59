// Values in the order of their keys: which are worth it, and how much of them a table has.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>

#include "manifest/version_edit.h"

namespace nokv::lsm {

// A longer value is a read of its own wherever it lies: it is not worth moving.
inline constexpr uint32_t kLongestOrdered = 64 << 10;

// Of all values that the table points to.
uint64_t ValueBytesOf(const manifest::FileMetadata& table);

}  // namespace nokv::lsm
