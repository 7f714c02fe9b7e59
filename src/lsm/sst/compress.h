// Block compression: varint32 uncompressed length, then an lz4 block or a zstd frame. Internal to
// lsm/sst.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lsm/sst/table_builder.h"

namespace nokv::lsm::internal {

// Appends `contents` compressed. False, `*out` then unspecified behind its old end, if that would
// take more than `max_bytes`. REQUIRES: compression is not kNone.
bool AppendCompressed(Compression compression, std::string_view contents, size_t max_bytes,
                      std::string* out);
// False if `stored` is damaged, or would expand to more than `max_bytes`, or to more than the
// format can reach from its length; nothing large is allocated then.
bool Decompress(Compression compression, std::string_view stored, uint64_t max_bytes,
                std::string* contents);

}  // namespace nokv::lsm::internal
