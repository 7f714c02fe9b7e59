// TransportCore: what the parts of a transport share. It lives as long as the last call does.
// Private to transport.
//
// Thread safety: immutable, but for the metrics, which are thread-safe.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "transport/partial_snapshots.h"
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
        metrics(doors.registry, doors.clock, doors.logger, options.log_interval_ms) {
    if (doors.files == nullptr || doors.runtime == nullptr) return;
    partials = std::make_shared<PartialSnapshots>(
        *doors.runtime, *doors.files,
        PartialOptions{.folder = options.snapshot_folder,
                       .max_bytes = options.max_partial_bytes,
                       .max_data_bytes = options.max_snapshot_bytes,
                       .kept_ms = options.partial_kept_ms});
    partials->Begin();
  }

  const TransportOptions options;
  const TransportDoors doors;
  Receiver& receiver;
  TransportMetrics metrics;
  std::shared_ptr<PartialSnapshots> partials;  // null: nothing is kept of what breaks
};

}  // namespace nokv::transport
