// PrintRecoveryMetric: what a recovery scenario saw, for scripts/recovery_scenarios.sh.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace nokv::testing {

// Prints `RECOVERY_METRIC NAME=JSON` on a line of its own if RECOVERY_TRACE_METRICS is set.
inline void PrintRecoveryMetric(const std::string& name, const std::string& json) {
  const char* wanted = std::getenv("RECOVERY_TRACE_METRICS");
  if (wanted == nullptr || *wanted == '\0') return;
  std::printf("RECOVERY_METRIC %s=%s\n", name.c_str(), json.c_str());
}

}  // namespace nokv::testing
