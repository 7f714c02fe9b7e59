// Tidier: the operator of a control plane who, in the end, looks at every change of the layout that
// is under way and ends it: finishes what the stores have executed, and cancels the rest.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/control/control_cluster.h"

namespace nokv::sim {

class Tidier {
 public:
  Tidier(World& world, ControlCluster& cluster);

  // From `begin_us` on, again and again.
  void Run(uint64_t begin_us);

 private:
  void Look();
  void Tidy(const std::string& answer);
  void Tell(const std::string& method, std::string request);

  World& world_;
  ControlCluster& cluster_;
  const std::unique_ptr<coordinator::Client> client_;
};

}  // namespace nokv::sim
