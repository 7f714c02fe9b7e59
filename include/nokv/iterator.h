// Iterator: a cursor over the live keys of a database, in bytewise key order, as of the moment it
// was made. It pins the files that it reads; destroy it when done, and before the database.
//
//   auto it = db->NewIterator();
//   for (it->Seek("user/"); it->Valid(); it->Next()) Use(it->key(), it->value());
//   if (!it->status().ok()) …   // an end that is an error
//
// Thread safety: thread-compatible. Views stay valid until the next move. After the database was
// closed every cursor is invalid and its status says so.
#pragma once

#include <cstdint>
#include <string_view>

#include "nokv/status.h"

namespace nokv {

class Iterator {
 public:
  virtual ~Iterator() = default;

  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first key at or after `target`.
  virtual void Seek(std::string_view target) = 0;
  // To the last key at or before `target`.
  virtual void SeekForPrev(std::string_view target) = 0;
  // REQUIRES: Valid(), for these and all below but status().
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view key() const = 0;
  // Empty if the iterator was made with key_only.
  virtual std::string_view value() const = 0;
  virtual uint64_t expiry_ms() const = 0;
  virtual uint8_t user_meta() const = 0;
  // OK at a plain end; otherwise why the cursor stopped.
  virtual Status status() const = 0;
};

}  // namespace nokv
