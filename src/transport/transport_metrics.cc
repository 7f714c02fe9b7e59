#include "transport/transport_metrics.h"

namespace nokv::transport {
namespace {

constexpr std::array<std::string_view, kDrops> kDropNames = {
    "unknown_node", "blocked", "queue_full", "unreachable", "too_long"};

struct RefusalKind {
  std::string_view name;
  StatusCode code;
};
constexpr std::array<RefusalKind, kRefusals> kRefusalKinds = {{
    {"protocol", StatusCode::kFailedPrecondition},
    {"cluster", StatusCode::kFailedPrecondition},
    {"wrong_node", StatusCode::kFailedPrecondition},
    {"unknown_node", StatusCode::kPermissionDenied},
    {"removed_node", StatusCode::kPermissionDenied},
    {"identity", StatusCode::kFailedPrecondition},
    {"malformed", StatusCode::kInvalidArgument},
    {"too_long", StatusCode::kResourceExhausted},
    {"chunk", StatusCode::kInvalidArgument},
    {"busy", StatusCode::kResourceExhausted},
}};

metrics::Counter& Counter(metrics::Registry& registry, std::string_view name,
                          std::string_view help) {
  return registry.GetCounter("nokv_transport_" + std::string(name), help);
}

}  // namespace

std::string_view ToString(Drop why) {
  return kDropNames[static_cast<size_t>(why)];
}

std::string_view ToString(Refuse why) {
  return kRefusalKinds[static_cast<size_t>(why)].name;
}

TransportMetrics::TransportMetrics(metrics::Registry& registry, base::Clock& clock,
                                   base::Logger& logger, uint64_t log_interval_ms)
    : dials(Counter(registry, "dials_total", "Streams to other nodes that were begun.")),
      dial_failures(Counter(registry, "dial_failures_total", "Streams to other nodes that ended.")),
      sent(Counter(registry, "sent_messages_total", "Raft messages given to the network.")),
      batches(Counter(registry, "sent_batches_total", "Batches in which they were.")),
      sent_bytes(Counter(registry, "sent_bytes_total", "Bytes of those batches.")),
      received(Counter(registry, "received_messages_total", "Raft messages of other nodes.")),
      received_bytes(Counter(registry, "received_bytes_total", "Bytes in which they came.")),
      snapshots_sent(Counter(registry, "snapshots_sent_total", "Snapshots that arrived.")),
      snapshots_failed(Counter(registry, "snapshots_failed_total", "Snapshots that did not.")),
      snapshots_received(
          Counter(registry, "snapshots_received_total", "Snapshots of other nodes.")),
      snapshots_resumed(Counter(registry, "snapshots_resumed_total",
                                "Snapshots of other nodes that went on where they broke.")),
      snapshot_bytes_kept(Counter(registry, "snapshot_bytes_kept_total",
                                  "Bytes of them that were not sent again.")),
      blocked_peers(
          registry.GetGauge("nokv_transport_blocked_peers", "Nodes to which nothing is sent.")),
      clock_(clock),
      logger_(logger),
      log_interval_us_(log_interval_ms * 1000) {
  for (size_t i = 0; i < kDrops; ++i) {
    dropped_[i] = &registry.GetCounter("nokv_transport_dropped_messages_total",
                                       "Raft messages that were not sent, by reason.",
                                       {{"reason", std::string(kDropNames[i])}});
  }
  for (size_t i = 0; i < kRefusals; ++i) {
    refused_[i] = &registry.GetCounter("nokv_transport_refused_total",
                                       "What came and was not taken, by reason.",
                                       {{"reason", std::string(kRefusalKinds[i].name)}});
  }
}

uint64_t TransportMetrics::dropped() const {
  uint64_t sum = 0;
  for (const metrics::Counter* counter : dropped_) sum += counter->value();
  return sum;
}

uint64_t TransportMetrics::refused() const {
  uint64_t sum = 0;
  for (const metrics::Counter* counter : refused_) sum += counter->value();
  return sum;
}

Status TransportMetrics::Refused(Refuse why, const std::string& peer, const std::string& what) {
  const auto index = static_cast<size_t>(why);
  refused_[index]->Add();
  uint64_t left_out = 0;
  bool log = false;
  {
    base::MutexLock lock(mu_);
    Line& line = lines_[index];
    const uint64_t now = clock_.MonotonicMicros();
    log = now >= line.next_us;
    if (log) {
      line.next_us = now + log_interval_us_;
      left_out = std::exchange(line.left_out, 0);
    } else {
      ++line.left_out;
    }
  }
  if (log) {
    const std::string more =
        left_out == 0 ? "" : " (and " + std::to_string(left_out) + " like it before)";
    logger_.Warning("transport: refused what came from " + peer + " [" +
                    std::string(ToString(why)) + "]: " + what + more);
  }
  return Status(kRefusalKinds[index].code, what);
}

}  // namespace nokv::transport
