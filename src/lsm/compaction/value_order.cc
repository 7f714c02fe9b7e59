#include "lsm/compaction/value_order.h"

namespace nokv::lsm {

uint64_t ValueBytesOf(const manifest::FileMetadata& table) {
  uint64_t bytes = 0;
  for (const manifest::ValueReference& reference : table.points_into) bytes += reference.bytes;
  return bytes;
}

}  // namespace nokv::lsm
