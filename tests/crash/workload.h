// What the writer that gets killed writes, and what must be found of it afterwards.
//
// Each writer thread numbers its batches from 1 and owns the keys below its prefix. Batch n puts
// some entries whose content follows from (thread, n), and always the thread's *last* key with n in
// it. Now and then a batch also deletes, as a range, the entries of old batches, and puts where it
// stopped into the *low* key. So a directory tells by itself what it must hold: of every thread the
// entries of the batches low to last, all of them, and nothing else.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "nokv/db.h"

namespace nokv::crash {

inline constexpr uint32_t kThreads = 4;

// An acknowledgement, as the writer reports it: a write of this size to a pipe is not torn.
struct Acknowledgement {
  uint32_t thread = 0;
  uint32_t batch = 0;
};

// Memtables, segments and tables so small that a second of writing flushes and compacts.
Options SmallOptions();

std::string LastKey(uint32_t thread);
std::string LowKey(uint32_t thread);
// Where the entries of batch `batch` begin; those of all others are before or after.
std::string BatchPrefix(uint32_t thread, uint32_t batch);

// Every fifth batch has none: it is a plain Put of the last key.
uint32_t EntryCount(uint32_t batch);
std::string EntryKey(uint32_t thread, uint32_t batch, uint32_t entry);
std::string EntryValue(uint32_t thread, uint32_t batch, uint32_t entry);
// The first batch that is kept once `batch` is written, if `batch` deletes old ones; else 0.
uint32_t TrimmedTo(uint32_t batch);

// The number in a last or low key; 0 if it is not there.
Result<uint32_t> ReadNumber(DB& db, const std::string& key);

}  // namespace nokv::crash
