#include "redis/latency_monitor.h"

#include <algorithm>

namespace nokv::redis {

namespace {
constexpr size_t kSamples = 160;
}

void LatencyMonitor::Add(std::string_view name, uint64_t unix_seconds, uint64_t ms) {
  auto found = events_.find(name);
  if (found == events_.end()) found = events_.try_emplace(std::string(name)).first;
  Event& event = found->second;
  event.longest_ms = std::max(event.longest_ms, ms);
  if (!event.samples.empty() && event.samples.back().unix_seconds == unix_seconds) {
    event.samples.back().ms = std::max(event.samples.back().ms, ms);
    return;
  }
  event.samples.push_back({unix_seconds, ms});
  if (event.samples.size() > kSamples) event.samples.pop_front();
}

bool LatencyMonitor::Reset(std::string_view name) {
  const auto found = events_.find(name);
  if (found == events_.end()) return false;
  events_.erase(found);
  return true;
}

}  // namespace nokv::redis
