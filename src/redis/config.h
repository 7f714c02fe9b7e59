// Settings of the gateway, as CONFIG GET shows them and CONFIG SET changes some of them.
//
// Thread safety: thread-compatible; owned by the gateway's loop once it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "redis/key_events.h"
#include "redis/output_limits.h"

namespace nokv::redis {

// When an acknowledged write is on stable storage, as in Redis.
enum class SyncPolicy : uint8_t {
  kAlways,    // before it is acknowledged
  kEverySec,  // within a second or two
  kNo,        // when the engine or the operating system gets to it
};

struct Config {
  SyncPolicy sync = SyncPolicy::kEverySec;
  uint64_t max_clients = 10000;
  uint64_t timeout_seconds = 0;  // idle connections are closed after; 0: never
  // A client that has to authenticate and has not is disconnected after so long; 0: never.
  uint64_t authentication_timeout_seconds = 60;
  // A client is at first the user whose name is the common name in its certificate.
  bool user_from_certificate = false;
  // Refuse clients from other machines while the default user needs no password.
  bool protected_mode = true;
  // SHA-256 of the default user's password, as ACL rules write it; empty: it needs none.
  std::string requirepass_hash;
  // Where ACL SAVE and ACL LOAD keep the users; empty: nowhere.
  std::string acl_file;
  // The longest argument.
  uint64_t max_bulk_bytes = uint64_t{512} << 20;
  // Of all clients together: requests that have arrived in part or are queued by MULTI, and
  // replies that wait. Beyond it the client that holds most is disconnected. 0: no limit.
  uint64_t max_buffered_bytes = uint64_t{1} << 30;
  // Commands of a client wait while this much output of it has not been taken by its socket.
  size_t output_pause_bytes = size_t{8} << 20;
  // One reply to MGET or EXEC is not larger.
  uint64_t reply_limit_bytes = uint64_t{512} << 20;
  // The longest request, and the most memory for what one client queues between MULTI and EXEC.
  uint64_t query_buffer_limit_bytes = uint64_t{1} << 30;
  OutputLimits output_limits;
  // Commands that take so long are in the slow log; 0: all, -1: none.
  int64_t slow_log_slower_than_us = 10000;
  uint64_t slow_log_max_entries = 128;
  // What takes so long is a sample of LATENCY; 0: nothing is.
  uint64_t latency_monitor_threshold_ms = 0;
  // What subscribers hear of that happens to keys.
  KeyEvents key_events = 0;
  // A client that takes nothing of its waiting output for so long is disconnected.
  uint64_t stalled_reader_seconds = 60;
  // Parameters that change nothing, by name, as a client set them (redis/parameters.h).
  std::map<std::string, std::string, std::less<>> stored;
  // A script that has run for so long lets others run in between.
  uint64_t script_slice_us = 5000;
  // A script that runs for longer, or for more instructions of its machine, is stopped.
  uint64_t script_time_limit_ms = 60'000;
  uint64_t script_step_limit = 20'000'000'000;
  // Of all scripts together. Fixed at the start.
  uint64_t script_memory_limit_bytes = uint64_t{256} << 20;
  // For INFO and CONFIG GET.
  std::string address;
  std::string workdir;
  std::string version = "7.2.0";  // of Redis, whose behaviour this follows
  std::string product_version;
};

}  // namespace nokv::redis
