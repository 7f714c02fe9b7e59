// ScanCursors: what the numbers mean that SCAN hands out.
//
// A SCAN cursor is a number below 2^53 (so that clients that read it as a double keep it):
//
//   scan id, 32 bits | step, 20 bits       0 is the start
//
// The key at which a scan goes on is kept in the store, in a ring of slots by scan id, and so a
// cursor survives writes, expiry and restarts of the gateway. A slot holds the last two steps of
// its scan: a client may repeat the call whose answer it lost. A cursor whose slot has gone to a
// later scan, or that was never handed out, is invalid.
//
// Thread safety: thread-compatible; owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "redis/transaction.h"

namespace nokv::redis {

class ScanCursors {
 public:
  // `generation` tells the scans of one run of the gateway from those of others.
  explicit ScanCursors(uint64_t generation) : generation_(generation) {}

  // The data key where the scan goes on; nullopt if the cursor is invalid for `db`.
  Result<std::optional<std::string>> Find(Transaction& txn, int db, uint64_t cursor);
  // The cursor for going on at `position`: the next step of `cursor`'s scan, or a new scan if it
  // is 0. Saved with the transaction; if the store refuses writes, kept in memory only.
  Result<uint64_t> Save(Backend& backend, Transaction& txn, int db, uint64_t cursor,
                        std::string_view position);

 private:
  struct Scan {
    uint32_t id = 0;
    uint8_t db = 0;
    uint32_t step = 0;
    std::string position;
    std::string previous;  // of the step before
  };

  Result<std::optional<Scan>> Load(Transaction& txn, uint32_t id);
  static std::string Encode(const Scan& scan);
  static std::optional<Scan> Decode(std::string_view bytes);

  uint64_t generation_;
  uint32_t started_ = 0;
  std::map<uint16_t, Scan> unsaved_;  // by slot; only while the store refuses writes
};

}  // namespace nokv::redis
