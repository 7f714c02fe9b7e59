#include "raft/tracker/inflights.h"

#include "base/check.h"

namespace nokv::raft {

void Inflights::Add(LogIndex index, uint64_t bytes) {
  NOKV_CHECK(!Full()) << "no room for one more message in flight";
  NOKV_INVARIANT(messages_.empty() || messages_.back().index < index) << "indexes must rise";
  messages_.push_back({index, bytes});
  bytes_ += bytes;
}

void Inflights::FreeUpTo(LogIndex index) {
  while (!messages_.empty() && messages_.front().index <= index) {
    bytes_ -= messages_.front().bytes;
    messages_.pop_front();
  }
}

void Inflights::Clear() {
  messages_.clear();
  bytes_ = 0;
}

}  // namespace nokv::raft
