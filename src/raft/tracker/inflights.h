// Inflights: the append messages on their way to one follower, oldest first, limited by count and
// by bytes.
//
// Invariant: indexes rise. Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <deque>

#include "raft/types.h"

namespace nokv::raft {

class Inflights {
 public:
  // `max_bytes` is soft: one message may cross it, so that an entry larger than the limit passes.
  Inflights(size_t max_messages, uint64_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  bool Full() const { return messages_.size() >= max_messages_ || bytes_ >= max_bytes_; }
  size_t count() const { return messages_.size(); }

  // A message whose last entry is `index` left. Not to be called when Full.
  void Add(LogIndex index, uint64_t bytes);
  // Everything up to `index` arrived.
  void FreeUpTo(LogIndex index);
  void Clear();

 private:
  struct Sent {
    LogIndex index;
    uint64_t bytes;
  };
  size_t max_messages_;
  uint64_t max_bytes_;
  uint64_t bytes_ = 0;
  std::deque<Sent> messages_;
};

}  // namespace nokv::raft
