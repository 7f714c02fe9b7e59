// Watches: the keys that clients watch, and whether they have changed.
//
// That a key has changed is for the store to say, so writers that do not come through the gateway
// count too: it is asked for changes after a position that the client took with WATCH. Two things
// are known here only, since to the store they look the other way round:
//
//   - a key that was there and has expired since has changed, though nobody wrote it;
//   - a key that was not there has not changed when it is flushed, or when what an expired key left
//     behind is removed, though that is a write. Such a commit moves the position of those who
//     watch the key behind itself.
//
// A position keeps old versions alive in the store, so all are renewed every second.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "redis/backend.h"
#include "redis/transaction.h"

namespace nokv::redis {

class Watches {
 public:
  // Borrows `backend`.
  explicit Watches(Backend& backend) : backend_(backend) {}

  // Watches a data key for `client`, from now on. kInvalidArgument if its keys would take more than
  // `limit_bytes` of memory.
  Status Add(uint64_t client, const std::string& data_key, uint64_t now_ms, size_t limit_bytes);
  void Forget(uint64_t client);
  // Forgets the client. kAborted if a key that it watched has changed; otherwise what a commit has
  // to depend on, null for nothing, to be refused if one changes before it.
  Result<std::shared_ptr<const Dependency>> Take(uint64_t client, uint64_t now_ms);

  // True if a key of `client` has been written since; one that has expired may not be noticed.
  bool Changed(uint64_t client);

  // Must be called before and after a commit is made. One that then waits for room moves nobody, so
  // that no change in between is missed.
  void BeforeCommit(const Transaction& txn);
  void AfterCommit();
  // To be called every second.
  void Renew();

  size_t clients() const { return watches_.size(); }
  size_t keys() const;

 private:
  // How a key was when the client began to watch it.
  struct Seen {
    bool live = false;
    uint64_t expiry_ms = 0;
  };
  struct Watch {
    std::unique_ptr<Position> since;   // null: changed
    std::map<std::string, Seen> keys;  // data keys
    size_t bytes = 0;
    bool moves = false;  // behind the commit that is being made
  };

  // kAborted, and no position any more, if a key has changed in the store.
  Status Check(Watch& watch);
  // kAborted also if one has expired.
  Status Check(Watch& watch, uint64_t now_ms);

  Backend& backend_;
  std::map<uint64_t, Watch> watches_;  // by client
  bool any_moves_ = false;
};

}  // namespace nokv::redis
