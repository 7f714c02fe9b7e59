// Values in the order of their keys: what a rewrite of a table needs that moves them.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "lsm/iterator/internal_iterator.h"
#include "lsm/version/version.h"
#include "manifest/version_edit.h"
#include "vlog/value_pointer.h"

namespace nokv::lsm {

// A longer value is a read of its own wherever it lies: it is not worth moving.
inline constexpr uint32_t kLongestOrdered = 64 << 10;

// Of all values that the table points to.
uint64_t ValueBytesOf(const manifest::FileMetadata& table);

// Walks ahead of a job that reads the values of a table in the order of its keys, wherever they
// lie, and has the system bring them into memory meanwhile: so many that a disk has always enough
// to do, and that those who wait for the same disk still find it.
class OrderedReadAhead {
 public:
  using Moves = std::function<bool(const vlog::ValuePointer&)>;

  // `entries` are those that the job reads, all of `version`, which is borrowed; `moves` says which
  // of their values it reads.
  OrderedReadAhead(const Version& version, std::unique_ptr<InternalIterator> entries, Moves moves);

  // The job has come past so many entries.
  void Passed(uint64_t entries);

 private:
  static constexpr uint64_t kEntries = 64;

  const Version& version_;
  const std::unique_ptr<InternalIterator> entries_;
  const Moves moves_;
  uint64_t taken_ = 0;
};

}  // namespace nokv::lsm
