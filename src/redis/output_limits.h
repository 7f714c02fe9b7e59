// How much output may wait for a client before it is disconnected: Redis's
// client-output-buffer-limit.
//
//   normal   clients that get replies only; their commands also wait for the output they caused
//   slave    replicas; kept as a setting, there are none
//   pubsub   clients that get messages: subscribers and monitors
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nokv::redis {

enum class OutputClass : uint8_t { kNormal, kReplica, kPubSub };

struct OutputLimit {
  uint64_t hard_bytes;    // more is never kept; 0: no limit
  uint64_t soft_bytes;    // not for longer than soft_seconds; 0: no limit
  uint64_t soft_seconds;  // 0: not at all
};

struct OutputLimits {
  // By OutputClass.
  std::array<OutputLimit, 3> classes{{
      {uint64_t{1} << 30, 0, 0},
      {uint64_t{256} << 20, uint64_t{64} << 20, 60},
      {uint64_t{32} << 20, uint64_t{8} << 20, 60},
  }};

  const OutputLimit& of(OutputClass which) const { return classes[static_cast<size_t>(which)]; }
};

// "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60".
std::string FormatOutputLimits(const OutputLimits& limits);
// Changes the classes that `text` names, all or none. Returns why not, in Redis's words; empty: it
// did.
std::string_view ParseOutputLimits(std::string_view text, OutputLimits* limits);

// Watches the waiting output of one client.
//
// Thread safety: thread-compatible.
class OutputWatch {
 public:
  // True if the client must go, now that `bytes` wait.
  bool Exceeds(const OutputLimit& limit, uint64_t bytes, uint64_t now_ms);

 private:
  bool above_soft_ = false;
  uint64_t above_soft_since_ms_ = 0;
};

}  // namespace nokv::redis
