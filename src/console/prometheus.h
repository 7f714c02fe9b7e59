// The statistics of a database and its gateway as Prometheus metrics. docs/cli.md lists the names.
//
// Thread safety: pure function.
#pragma once

#include "console/stats_json.h"
#include "metrics/text_writer.h"
#include "nokv/stats.h"

namespace nokv::console {

// Appends every metric. Those of the gateway come only if `gateway` is not null.
void WritePrometheus(metrics::TextWriter& writer, const nokv::Stats& stats,
                     const GatewayStats* gateway);

// Appends what concerns the process itself: its build, processor time, memory and limits.
void WriteProcess(metrics::TextWriter& writer, const BuildInfo& build);

}  // namespace nokv::console
