// InternalIterator: a cursor over internal keys in CompareInternalKeys order. Memtables, sstable
// blocks, tables, levels and merges of them all are one.
//
// Thread safety: thread-compatible. key() and value() stay valid until the next move.
#pragma once

#include <string_view>

#include "nokv/status.h"

namespace nokv::lsm {

class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first entry at or after `target` (an internal key).
  virtual void Seek(std::string_view target) = 0;
  // Seek in steps: after each the processor fetches what the next one looks at, so that iterators
  // whose seeks are taken in turns wait for memory together. StartSeek begins, ContinueSeek goes
  // on; both return false once the iterator stands where Seek(target) would have put it. REQUIRES:
  // the target is the same in all steps, and between them there is no other move.
  virtual bool StartSeek(std::string_view target) {
    Seek(target);
    return false;
  }
  virtual bool ContinueSeek(std::string_view /*target*/) { return false; }
  // To the last entry at or before `target` (an internal key).
  virtual void SeekForPrev(std::string_view target) = 0;
  // REQUIRES: Valid().
  virtual void Next() = 0;
  // REQUIRES: Valid().
  virtual void Prev() = 0;
  // REQUIRES: Valid().
  virtual std::string_view key() const = 0;
  // The entry payload (entry.h). REQUIRES: Valid().
  virtual std::string_view value() const = 0;
  // Why the cursor is not valid, if reading failed; OK at a plain end. An iterator that failed
  // stays invalid until the next Seek.
  virtual Status status() const = 0;
};

}  // namespace nokv::lsm
