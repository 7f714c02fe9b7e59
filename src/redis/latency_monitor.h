// LatencyMonitor: the latest moments at which something took longer than
// latency-monitor-threshold, for LATENCY.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace nokv::redis {

class LatencyMonitor {
 public:
  struct Sample {
    uint64_t unix_seconds;
    uint64_t ms;
  };
  struct Event {
    std::deque<Sample> samples;  // oldest first; one for each second, the longest; at most 160
    uint64_t longest_ms = 0;     // of all since the last reset
  };

  // `event` is one of the few literals of the gateway.
  void Add(std::string_view event, uint64_t unix_seconds, uint64_t ms);
  // False if there is nothing of this name.
  bool Reset(std::string_view event);
  const std::map<std::string, Event, std::less<>>& events() const { return events_; }

 private:
  std::map<std::string, Event, std::less<>> events_;
};

}  // namespace nokv::redis
