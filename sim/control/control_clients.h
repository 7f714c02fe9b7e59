// ControlClients: sessions that ask coordinators for ids and timestamps, publish changes of stores
// and of the layout, legal and not, and read routes of every freshness, and that judge what they
// are told.
//
// A session goes on after a while without an answer; what comes later is judged all the same.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/numbers.h"
#include "sim/control/control_cluster.h"
#include "sim/metaroot/root_history.h"

namespace nokv::sim {

class ControlClients {
 public:
  ControlClients(World& world, ControlCluster& cluster, size_t clients);
  ~ControlClients();

  // Requests are sent from now until `end_us`.
  void Run(uint64_t end_us);
  // When everything has been answered: what was shown must be what there was.
  void CheckRoutes();

  const std::vector<GivenNumbers>& numbers() const { return numbers_; }
  uint64_t acknowledged() const { return acknowledged_; }
  // What was answered, by its name.
  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  // When the first numbers that were asked for at or after `since_us` came.
  std::optional<uint64_t> FirstNumbersSince(uint64_t since_us) const;
  // Requests that have not ended.
  uint64_t under_way() const { return under_way_; }

 private:
  class Session;
  // What somebody was shown: at a revision, the region of a key, or all of them.
  struct Shown {
    uint64_t at_us = 0;
    uint64_t revision = 0;
    std::optional<std::string> key = std::nullopt;  // none: all keys
    LayoutHistory::Layout regions = {};
  };

  // What had ended for certain so long before `at_us`.
  uint64_t FloorBefore(uint64_t at_us, uint64_t age_ms) const;
  void CheckShown(const Shown& shown, const LayoutHistory& history) const;

  World& world_;
  ControlCluster& cluster_;
  RootHistory history_;
  std::map<uint64_t, uint64_t> floors_;  // at the times at which something was asked
  std::vector<std::unique_ptr<Session>> sessions_;
  uint64_t end_us_ = 0;
  std::vector<GivenNumbers> numbers_;
  std::vector<Shown> shown_;
  std::map<std::string, uint64_t> counts_;
  uint64_t acknowledged_ = 0;
  uint64_t under_way_ = 0;
};

}  // namespace nokv::sim
