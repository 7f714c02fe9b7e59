// ScatteredReads: what scans pay for values that do not lie in the order of their keys, by table.
//
// Rent or buy: a scan pays rent for each value that the disk has to bring from a place of its own.
// One in memory costs far less, so only some of those count, for all (value_order_memory_reads).
// Moving all values of a table into the order of its keys costs about as much as reading them once
// in that way, and ends the rent. So a table is due when the rent for it has come to that price,
// and never costs more than twice what the best choice in hindsight would have. Values that lie in
// order pay nothing: a table that was rewritten is not due again before others have come into it.
//
// One in kSample reads is named, and stands for all of them. It is credited to the table of the
// deepest level if the entry is in there: what lies higher up is a tenth, and moves down anyway.
// Tables that take the place of others have their credits, by their share of the entries. The close
// of the database forgets them all; that costs only time.
//
// Thread safety: thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "keys/keys.h"
#include "lsm/version/version.h"
#include "vlog/value_pointer.h"

namespace nokv::engine {

class ScatteredReads {
 public:
  static constexpr uint64_t kSample = 256;

  // A table is due when the rent is `ratio` times its price; `ratio` is above 0.
  explicit ScatteredReads(double ratio) : ratio_(ratio) {}

  // Counts a read; true if it is the turn of this one to be named.
  bool Count() { return reads_.fetch_add(1, std::memory_order_relaxed) % kSample == kSample - 1; }
  // Names a read that counted: of the entry of `engine_key` that a reader at `sequence` sees, in
  // one of the tables of `version`. May read a block of a table; what ails it is not told here.
  void Credit(const lsm::Version& version, std::string_view engine_key,
              keys::SequenceNumber sequence, const vlog::ValuePointer& pointer) EXCLUDES(mu_);
  // The table of the deepest level of `version` that is due, the first of several by number.
  // Forgets tables that are not there.
  std::optional<uint64_t> Due(const lsm::Version& version) EXCLUDES(mu_);

  // A compaction that left values where they lie has replaced the tables `before` by `after`, and
  // no version with these was seen by Due yet.
  void Inherit(const std::vector<uint64_t>& before,
               const std::vector<manifest::FileMetadata>& after) EXCLUDES(mu_);

  // `wake` is called, with a lock held, when a table becomes due, and not again before WakeTaken.
  void WakeBy(std::function<void()> wake) EXCLUDES(mu_);
  void WakeTaken() EXCLUDES(mu_);
  // No `wake` begins any more.
  void StopWaking() { WakeBy(nullptr); }
  // True between `wake` and WakeTaken.
  bool waking() const EXCLUDES(mu_);

 private:
  struct Rent {
    uint64_t reads = 0;
    uint64_t bytes = 0;
  };

  bool IsDue(const Rent& rent, const manifest::FileMetadata& table) const;

  const double ratio_;
  // Relaxed: it orders nothing.
  std::atomic<uint64_t> reads_{0};
  mutable base::Mutex mu_;
  std::map<uint64_t, Rent> rents_ GUARDED_BY(mu_);  // by the number of the table
  std::function<void()> wake_ GUARDED_BY(mu_);
  bool waking_ GUARDED_BY(mu_) = false;
};

}  // namespace nokv::engine
