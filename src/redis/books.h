// Books: makes the key counts and the expiry index right before the gateway serves.
//
// The gateway that keeps them leaves the store generation of its run beside them. If the store was
// opened for writing by anybody else since, or never by a gateway, they are counted anew.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "redis/backend.h"
#include "redis/transaction.h"
#include "rpc/stream/stream.h"

namespace nokv::redis {

// The counts as the store holds them; nullopt if they are malformed.
Result<std::optional<AllCounts>> ReadCounts(Backend& backend);

class Books {
 public:
  // All are borrowed, and so is this object until `done` was called.
  Books(Backend& backend, rpc::stream::Loop& loop, base::Logger& logger)
      : backend_(backend), loop_(loop), logger_(logger) {}

  using Done = std::function<void(Status, const AllCounts&)>;
  // Calls `done` from the loop, with the counts. Nothing else may write meanwhile.
  void Open(Done done);

 private:
  // Reads the counts; false if they cannot be trusted.
  Result<bool> Load();
  // The steps of a recount; each ends in a commit, whose completion starts the next.
  void DropIndex();
  void CountSome();
  void Close();
  void CommitThen(const std::vector<Write>& writes, void (Books::*next)());
  void Fail(Status status) { done_(std::move(status), counts_); }

  Backend& backend_;
  rpc::stream::Loop& loop_;
  base::Logger& logger_;
  Done done_;
  AllCounts counts_{};
  // Progress of a recount.
  int db_ = 0;
  size_t range_ = 0;
  std::unique_ptr<KeyCursor> cursor_;
  uint64_t counted_ = 0;
};

}  // namespace nokv::redis
