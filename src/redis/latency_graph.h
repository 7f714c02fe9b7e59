// LATENCY GRAPH: the samples of an event as a picture of characters, as Redis draws it.
//
// Thread safety: pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "redis/latency_monitor.h"

namespace nokv::redis {

// A line with the extremes, and columns of four rows with their ages below, the oldest at the left,
// 80 beside each other. `event` has at least one sample.
std::string DrawLatencyGraph(std::string_view name, const LatencyMonitor::Event& event,
                             uint64_t unix_seconds);

}  // namespace nokv::redis
