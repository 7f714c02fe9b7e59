// What a public transaction is made of. Its calls are in transaction.cc, its cursor in
// transaction_iterator.cc.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/write_set.h"
#include "nokv/db.h"
#include "runtime/runtime.h"

namespace nokv::engine {

// The engine and the runtime it lives on. A transaction that outlives its database shares it.
struct Core {
  std::unique_ptr<Engine> engine;
  runtime::Runtime& runtime;
  // Destroyed before the engine: its tasks end first. Null if the runtime is borrowed.
  std::unique_ptr<runtime::Runtime> owned_runtime;
};

// A range of plain keys that was read.
struct ReadRange {
  std::string begin;
  std::string end;  // exclusive; empty: the end of all keys
};

// What the transaction has to check beside its writes. Ranges keep their address.
struct ReadLog {
  std::set<std::string, std::less<>> keys;
  std::deque<ReadRange> ranges;
  size_t bytes = 0;
};

// Thread safety: thread-compatible; shared by a transaction and its iterators.
struct TransactionState {
  // OK, or why calls are refused: the transaction has ended, or the database is closed.
  Status CheckOpen() const;
  // kInvalidArgument if `more` bytes would be too many.
  Status CheckRoom(size_t more) const;
  // False if the entry has expired.
  bool Live(const WriteSet::Entry& entry) const;

  // First, so that it is destroyed last.
  std::shared_ptr<Core> core;
  TransactionOptions options;
  Status ended;                              // how; OK while the transaction is open
  std::unique_ptr<EngineSnapshot> snapshot;  // null after the end
  WriteSet writes;
  ReadLog reads;
};

std::unique_ptr<Transaction> NewTransaction(std::shared_ptr<Core> core,
                                            const TransactionOptions& options);

// The state's writes over `base`, which shows the snapshot within the same bounds.
std::unique_ptr<Iterator> NewTransactionIterator(std::shared_ptr<TransactionState> state,
                                                 std::unique_ptr<Iterator> base,
                                                 const IteratorOptions& options);

}  // namespace nokv::engine
