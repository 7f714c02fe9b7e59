// EngineCursor: turns the merged internal keys of memtables and tables into the live keys that a
// reader sees at one sequence number and one moment: newest visible entry per engine key, without
// the deleted, range-deleted and expired ones.
//
// Thread safety: thread-compatible.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/operation_times.h"
#include "engine/scattered_reads.h"
#include "lsm/iterator/internal_iterator.h"
#include "lsm/range_tombstone.h"
#include "lsm/version/version.h"

namespace nokv::engine {

// What a cursor reads, and until when it is allowed to.
struct CursorSource {
  std::unique_ptr<lsm::InternalIterator> iterator;
  std::vector<std::shared_ptr<const lsm::RangeTombstoneSet>> tombstones;
  const lsm::Version* version = nullptr;  // follows the pointers of its tables
  keys::SequenceNumber sequence = 0;
  uint64_t now_ms = 0;
  base::Clock* clock = nullptr;                     // tells whether values come from the disk
  std::shared_ptr<const void> pin;                  // keeps all of the above alive
  std::shared_ptr<const std::atomic<bool>> closed;  // set when the engine closes
  std::shared_ptr<OperationTimes> times;
  // Told of values that do not lie in the order of their keys; null: nobody is.
  std::shared_ptr<ScatteredReads> scattered;
  uint32_t scattered_in_memory = 0;  // of those in memory one in so many; 0: none
};

std::unique_ptr<Cursor> NewEngineCursor(CursorSource source, const CursorOptions& options);
// A cursor that is never valid.
std::unique_ptr<Cursor> NewFailedCursor(Status status);

}  // namespace nokv::engine
