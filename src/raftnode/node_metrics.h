// NodeMetrics: what the driver of raft groups counts.
//
// Thread safety: thread-safe.
#pragma once

#include "metrics/registry.h"
#include "raftnode/outcome.h"

namespace nokv::raftnode {

// Why a message of another member went nowhere.
enum class Drop : uint8_t { kQueueFull, kUnknownGroup, kStopped, kRefused };

class NodeMetrics {
 public:
  explicit NodeMetrics(metrics::Registry& registry);

  void Dropped(Drop why, uint64_t count = 1) { dropped_[static_cast<size_t>(why)]->Add(count); }
  void Refused(Refusal why) { refused_[static_cast<size_t>(why)]->Add(); }

  metrics::Counter& passes;
  metrics::Counter& appends;
  metrics::Counter& proposals;
  metrics::Counter& reads;
  metrics::Counter& applied;
  metrics::Counter& sent;
  metrics::Counter& received;
  metrics::Gauge& groups;
  metrics::Gauge& stopped_groups;
  metrics::Histogram& sync_us;

 private:
  metrics::Counter* dropped_[4];
  metrics::Counter* refused_[9];
};

}  // namespace nokv::raftnode
