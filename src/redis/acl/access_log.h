// AccessLog: what was refused lately, newest first, for ACL LOG.
//
// The same refusal within a minute is one entry with a count, so that one client in a loop does
// not push everything else out.
//
// Thread safety: thread-compatible; owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace nokv::redis::acl {

// Where a command was refused.
enum class Where : uint8_t { kToplevel, kMulti, kScript };

class AccessLog {
 public:
  static constexpr size_t kMaxEntries = 128;
  // No more of a key, or of a name, is kept.
  static constexpr size_t kObjectBytes = 1024;

  struct Entry {
    std::string_view reason;  // "command", "key", "channel", "auth", "tls-cert"
    Where where = Where::kToplevel;
    std::string object;  // the command, key or channel; empty if there was none
    std::string user;
    std::string client;  // as CLIENT LIST shows it
    uint64_t count = 1;
    uint64_t id = 0;
    uint64_t created_ms = 0;
    uint64_t updated_ms = 0;
  };

  void Add(Entry entry, uint64_t now_ms);
  void Clear() { entries_.clear(); }
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;
  uint64_t next_id_ = 0;
};

}  // namespace nokv::redis::acl
