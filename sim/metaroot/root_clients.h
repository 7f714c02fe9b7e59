// RootClients: clients of the metadata root, each with the shipped client (metaroot/client) and a
// copy of the state that it follows. They tell the root of stores, ask for the lease and for
// windows, split and merge regions, legally and not, with conditions and without, and read.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metaroot/client/client.h"
#include "sim/metaroot/root_cluster.h"
#include "sim/metaroot/root_history.h"

namespace nokv::sim {

class RootClients {
 public:
  RootClients(World& world, RootCluster& cluster, RootHistory& history, size_t clients);
  ~RootClients();

  // They ask until `end_us`.
  void Run(uint64_t end_us);

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t refused() const { return refused_; }
  uint64_t unknown() const { return unknown_; }
  uint64_t reloads() const { return reloads_; }
  // When the first command that was asked for at or after `since_us` was answered.
  std::optional<uint64_t> FirstAnswerSince(uint64_t since_us) const;
  // Which copy is not `state`; empty: all are.
  std::string Divergence(const metaroot::State& state) const;

 private:
  class Session;

  World& world_;
  RootCluster& cluster_;
  RootHistory& history_;
  std::vector<std::unique_ptr<Session>> sessions_;
  uint64_t end_us_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t refused_ = 0;
  uint64_t unknown_ = 0;
  uint64_t reloads_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> answers_;  // asked at, answered at
};

}  // namespace nokv::sim
