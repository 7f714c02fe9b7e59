// TransportCore: what the parts of a transport share. It lives as long as the last call does.
// Private to transport.
//
// Thread safety: immutable, but for the metrics, which are thread-safe.
#pragma once

#include <string_view>

#include "transport/transport.h"
#include "transport/transport_metrics.h"

namespace nokv::transport {

inline constexpr std::string_view kServiceName = "nokv.raft.v1.RaftTransport";
// Beside the data of a message: what its fields need at most.
inline constexpr size_t kFieldBytes = 64;

struct TransportCore {
  TransportCore(const TransportOptions& all_options, TransportDoors all_doors,
                Receiver& all_receiver)
      : options(all_options),
        doors(std::move(all_doors)),
        receiver(all_receiver),
        metrics(doors.registry, doors.clock, doors.logger, options.log_interval_ms) {}

  const TransportOptions options;
  const TransportDoors doors;
  Receiver& receiver;
  TransportMetrics metrics;
};

}  // namespace nokv::transport
