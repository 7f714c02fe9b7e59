// What a coordinator shows of itself: the document "nokv_coordinator" of /debug/vars, and its
// metrics. docs/coordinator.md lists both.
//
// Thread safety: thread-safe, as the coordinator is.
#pragma once

#include <string>

#include "coordinator/coordinator.h"
#include "metrics/text_writer.h"

namespace nokv::console {

// Keys and nesting are an interface: keys may be added, none renamed or removed.
std::string CoordinatorToJson(coordinator::Coordinator& coordinator);

void WriteCoordinator(metrics::TextWriter& writer, coordinator::Coordinator& coordinator);

}  // namespace nokv::console
