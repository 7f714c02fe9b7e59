// TransportMetrics: what a transport counts, and the log lines that go with refusals.
//
// Thread safety: thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "metrics/registry.h"
#include "nokv/status.h"

namespace nokv::transport {

// Why a message was not sent.
enum class Drop : uint8_t { kUnknownNode, kBlocked, kQueueFull, kUnreachable, kTooLong };
inline constexpr size_t kDrops = 5;

// Why something that came was not taken.
enum class Refuse : uint8_t {
  kProtocol,
  kCluster,
  kWrongNode,
  kUnknownNode,
  kRemovedNode,
  kIdentity,
  kMalformed,
  kTooLong,
  kChunk,
  kBusy,
};
inline constexpr size_t kRefusals = 10;

// "queue_full", "unknown_node" and so on: the label `reason`.
std::string_view ToString(Drop why);
std::string_view ToString(Refuse why);

class TransportMetrics {
 public:
  // All borrowed.
  TransportMetrics(metrics::Registry& registry, base::Clock& clock, base::Logger& logger,
                   uint64_t log_interval_ms);

  void Dropped(Drop why, uint64_t count = 1) { dropped_[static_cast<size_t>(why)]->Add(count); }
  uint64_t dropped() const;
  // Counts it, logs it unless that was done lately for this reason, and returns the status with
  // which the call ends.
  Status Refused(Refuse why, const std::string& peer, const std::string& what) EXCLUDES(mu_);
  uint64_t refused() const;

  metrics::Counter& dials;
  metrics::Counter& dial_failures;
  metrics::Counter& sent;
  metrics::Counter& batches;
  metrics::Counter& sent_bytes;
  metrics::Counter& received;
  metrics::Counter& received_bytes;
  metrics::Counter& snapshots_sent;
  metrics::Counter& snapshots_failed;
  metrics::Counter& snapshots_received;
  metrics::Counter& snapshots_resumed;
  metrics::Counter& snapshot_bytes_kept;
  metrics::Gauge& blocked_peers;

 private:
  struct Line {
    uint64_t next_us = 0;
    uint64_t left_out = 0;
  };

  base::Clock& clock_;
  base::Logger& logger_;
  const uint64_t log_interval_us_;
  std::array<metrics::Counter*, kDrops> dropped_;
  std::array<metrics::Counter*, kRefusals> refused_;
  base::Mutex mu_;
  std::array<Line, kRefusals> lines_ GUARDED_BY(mu_);
};

}  // namespace nokv::transport
