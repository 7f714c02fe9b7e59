// Transaction: reads and writes over one state of the database that take effect together, at one
// moment, or not at all. Optimistic: nothing is locked, nobody waits for anybody; Commit finds out
// whether somebody else was faster.
//
//   for (;;) {
//     auto txn = db->BeginTransaction({.isolation = nokv::Isolation::kSerializable});
//     auto stock = txn->Get("stock");
//     …
//     Status status = txn->Put("stock", …);
//     if (status.ok()) status = txn->Commit({.sync = true});
//     if (status.code() != StatusCode::kAborted) return status;
//   }                                                   // somebody else was faster: again
//
// Isolation. A transaction reads the state that was visible when it began, plus its own writes.
//   kSnapshot      Commit refuses if a key that the transaction writes (a range that it deletes, a
//                  key that it read with GetForUpdate) was changed by anybody after it began: the
//                  first to commit wins. There are no lost updates, no dirty and no torn reads.
//                  Write skew is possible: of two transactions that each read what the other
//                  writes, both may commit. GetForUpdate on what was read prevents it.
//   kSerializable  Commit also refuses if anything that was read has changed: keys read by Get and
//                  MultiGet, whether they were there or not, and the ranges over which iterators
//                  moved, gaps and ends included, so there are no phantoms. Transactions that
//                  commit have the effect of running one after the other, in the order of their
//                  commits; those that write nothing, at the moment at which they began.
// Plain writes (DB::Put and the like) are changes like any other: they never conflict themselves,
// and transactions see theirs.
//
// A change is any write, whatever value was there before and after: putting the same value is one,
// so is deleting a key that is not there, and a range deletion changes every key of its range.
// Expiry is no change: it follows the clock, not the transaction. A key that expires between two
// reads is gone for the second, and conflicts with nobody.
//
// Conflicts are found when they are real, and seldom when they are not: a false one may happen, a
// missed one may not. They are kAborted, with a message that names the key, and retryable(). By the
// time Commit says so, what was in the way is visible, and a transaction that begins then sees it.
//
// Durability is that of DB::Write: a commit is one batch. Reads see acknowledged writes only.
//
// Ownership: destroying a transaction rolls it back. It keeps what it reads from being compacted
// away, as a snapshot does, so it should be short. It may outlive the database: every call then
// answers that the database is closed.
//
// Thread safety: thread-compatible, together with its iterators. Different transactions may be used
// by different threads at any time.
//
// Errors of any call, beside those of DB:
//   kFailedPrecondition  the transaction has ended (Commit, whatever it answered, or Rollback), or
//                        the database is closed
//   kInvalidArgument     a key or value is over its limit, a range is empty, or the transaction
//                        would hold more than TransactionOptions::max_bytes; nothing was changed,
//                        and the transaction goes on
//
// The method is optimistic concurrency control with backward validation (Kung and Robinson, 1981),
// over the sequence numbers of a multi-version store; RocksDB's OptimisticTransactionDB validates
// written keys that way. docs/transactions.md walks through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/iterator.h"
#include "nokv/options.h"
#include "nokv/status.h"
#include "nokv/value.h"

namespace nokv {

enum class Isolation : uint8_t { kSnapshot, kSerializable };

struct TransactionOptions {
  Isolation isolation = Isolation::kSnapshot;
  // What the transaction may hold: keys and values that it writes, keys and bounds that it has to
  // check, and what it needs to go back to its savepoints.
  size_t max_bytes = size_t{64} << 20;
};

class Transaction {
 public:
  virtual ~Transaction() = default;

  // As in DB, over this transaction's state.
  virtual Result<std::optional<Value>> Get(std::string_view key) = 0;
  virtual Result<std::vector<std::optional<Value>>> MultiGet(
      std::span<const std::string_view> keys) = 0;
  // As Get; Commit refuses if `key` was changed by somebody else after the transaction began, with
  // either isolation. In a transaction that writes nothing it is a plain Get.
  virtual Result<std::optional<Value>> GetForUpdate(std::string_view key) = 0;
  // Never null; errors show as an invalid iterator with a status. options.snapshot must be null.
  // The iterator shows the transaction's writes as they are at each of its moves, also those made
  // while it is in use; what it stands on does not change under it. It may outlive the transaction,
  // and is invalid once that has ended.
  virtual std::unique_ptr<Iterator> NewIterator(const IteratorOptions& options = {}) = 0;

  // Nobody else sees these before Commit.
  virtual Status Put(std::string_view key, std::string_view value,
                     const PutOptions& put_options = {}) = 0;
  virtual Status Delete(std::string_view key) = 0;
  virtual Status DeleteRange(std::string_view begin, std::string_view end) = 0;

  // Savepoints are a stack.
  virtual Status SetSavepoint() = 0;
  // Takes back the writes since the newest savepoint, which stays. What was read stays read, and is
  // checked. kFailedPrecondition if there is none.
  virtual Status RollbackToSavepoint() = 0;
  // Forgets the newest savepoint and keeps the writes. kFailedPrecondition if there is none.
  virtual Status ReleaseSavepoint() = 0;

  // Makes the writes take effect, and ends the transaction. kAborted: a conflict, nothing was
  // written. Otherwise errors are those of DB::Write. Without writes there is nothing to check.
  virtual Status Commit(const WriteOptions& options = {}) = 0;
  // Ends the transaction without effect.
  virtual Status Rollback() = 0;
};

}  // namespace nokv
