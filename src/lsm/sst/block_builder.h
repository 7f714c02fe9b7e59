// BlockBuilder: packs sorted (internal key, payload) pairs into the content of one block. Internal
// to lsm/sst; block.h reads what it writes.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"

namespace nokv::lsm::internal {

class BlockBuilder {
 public:
  // Every `restart_interval`-th key is stored whole, and each that begins kRestartBytes or more
  // after the last whole one: a search walks from a whole key on, and beside large payloads each
  // step costs a cache miss while the bytes that keys share are nothing.
  static constexpr size_t kRestartBytes = 512;
  explicit BlockBuilder(int restart_interval);

  // REQUIRES: `key` sorts after the one added before.
  void Add(std::string_view key, std::string_view payload);
  // Appends the restart array and returns the content, which stays valid until Reset.
  std::string_view Finish();
  void Reset();

  bool empty() const { return buffer_.empty(); }
  // Of the last restart point: at or before the entry that was added last.
  uint32_t last_restart() const { return restarts_.back(); }
  // Length that Finish would return now.
  size_t bytes() const { return buffer_.size() + (restarts_.size() + 1) * sizeof(uint32_t); }
  // By how much Add may make that longer, at most.
  static size_t MaxEntryBytes(std::string_view key, std::string_view payload) {
    return 3 * base::kMaxVarint32Bytes + key.size() + payload.size() + sizeof(uint32_t);
  }
  const std::string& last_key() const { return last_key_; }

 private:
  const int restart_interval_;
  std::string buffer_;
  std::string last_key_;
  std::vector<uint32_t> restarts_;
  int since_restart_ = 0;
};

}  // namespace nokv::lsm::internal
