#include "lsm/sst/block_builder.h"

#include <algorithm>

#include "base/coding.h"

namespace nokv::lsm::internal {

BlockBuilder::BlockBuilder(int restart_interval)
    : restart_interval_(std::max(1, restart_interval)) {
  Reset();
}

void BlockBuilder::Reset() {
  buffer_.clear();
  last_key_.clear();
  restarts_.assign(1, 0);
  since_restart_ = 0;
}

void BlockBuilder::Add(std::string_view key, std::string_view payload) {
  size_t shared = 0;
  if (since_restart_ == restart_interval_ || buffer_.size() - restarts_.back() >= kRestartBytes) {
    restarts_.push_back(static_cast<uint32_t>(buffer_.size()));
    since_restart_ = 0;
  } else if (since_restart_ > 0) {
    const size_t limit = std::min(key.size(), last_key_.size());
    while (shared < limit && key[shared] == last_key_[shared]) shared++;
  }
  since_restart_++;
  base::PutVarint32(&buffer_, static_cast<uint32_t>(shared));
  base::PutVarint32(&buffer_, static_cast<uint32_t>(key.size() - shared));
  base::PutVarint32(&buffer_, static_cast<uint32_t>(payload.size()));
  buffer_.append(key.substr(shared));
  buffer_.append(payload);
  last_key_.resize(shared);
  last_key_.append(key.substr(shared));
}

std::string_view BlockBuilder::Finish() {
  for (const uint32_t restart : restarts_) base::PutFixed32(&buffer_, restart);
  base::PutFixed32(&buffer_, static_cast<uint32_t>(restarts_.size()));
  return buffer_;
}

}  // namespace nokv::lsm::internal
