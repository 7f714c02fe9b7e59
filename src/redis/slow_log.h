// SlowLog: the commands that took longest, newest first, for SLOWLOG.
//
// An entry holds at most 32 words of 128 bytes each, so that memory is bounded whatever clients
// send.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::redis {

class SlowLog {
 public:
  struct Entry {
    uint64_t id;
    uint64_t unix_seconds;
    uint64_t duration_us;
    std::vector<std::string> words;
    std::string address;
    std::string client_name;
  };

  // Drops the oldest entries beyond `max_entries`. Shortens the words; gives the entry its id.
  void Add(Entry entry, std::span<const std::string_view> words, size_t max_entries);
  // Ids go on.
  void Clear() { entries_.clear(); }
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;
  uint64_t next_id_ = 0;
};

}  // namespace nokv::redis
