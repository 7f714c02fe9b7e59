// Cluster: what can be broken: machines with processes on them, and the network between them.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstddef>
#include <optional>

#include "sim/world/machine.h"
#include "sim/world/network.h"
#include "sim/world/world.h"

namespace nokv::sim {

enum class End { kKill, kPowerLoss };

class Cluster {
 public:
  virtual ~Cluster() = default;
  virtual World& world() = 0;
  virtual Network& network() = 0;
  virtual size_t machines() const = 0;
  // Its address in the network is its id.
  virtual Machine& machine(size_t number) = 0;
  // The machine that leads now; a fault that hits it says more than one that does not.
  virtual std::optional<size_t> leader() = 0;
  // Ends the process; `loss` says what a power loss takes. No effect if none runs.
  virtual void Stop(size_t number, End end, Machine::Loss loss) = 0;
  // Starts it again, unless it runs or has nothing to run.
  virtual void Restart(size_t number) = 0;
  // Everything is mended: starts what does not run.
  virtual void RestartAll() = 0;
  // A machine breaks with its disk, and never runs again. False if there is none of which that
  // could be asked.
  virtual bool LoseForGood(base::Random* /*random*/) { return false; }
  // Flips a bit on the disk of a machine on which nothing runs. False if it must not be: not every
  // cluster can tell a process that damage ends from one that is broken.
  virtual bool Rot(size_t /*number*/, uint64_t /*luck*/) { return false; }
};

}  // namespace nokv::sim
