// ControlCluster: three coordinators on machines of their own, around a metadata root on another,
// and what holds over all of them.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "sim/control/ideal_root.h"
#include "sim/nemesis/cluster.h"

namespace nokv::sim {

struct ControlOptions {
  uint64_t lease_ttl_ms = 2'000;
  uint64_t id_window = 1'000;
  uint64_t timestamp_window_ms = 1'000;
};

class ControlCluster : public Cluster {
 public:
  static constexpr size_t kRoot = 0;  // the machine of the root; the others have coordinators
  static constexpr size_t kMachines = 4;

  ControlCluster(World& world, Network& network, const ControlOptions& options);
  ~ControlCluster() override;

  void Begin();

  // Cluster.
  World& world() override { return world_; }
  Network& network() override { return network_; }
  size_t machines() const override { return slots_.size(); }
  Machine& machine(size_t number) override { return *slots_[number].machine; }
  std::optional<size_t> leader() override;  // who holds the lease
  void Stop(size_t number, End end, Machine::Loss loss) override;
  void Restart(size_t number) override;

  void RestartAll();
  // As an operator does who restarts a coordinator: it gives the lease back before it ends.
  void HandOver(size_t number);

  // Brings `ask` from `from` in the network to the coordinator of a machine, which is given to it
  // with the number of its process; nothing happens if none runs there.
  using AskCoordinator =
      std::function<void(coordinator::Coordinator& coordinator, uint64_t process)>;
  void Ask(Network::Address from, size_t number, AskCoordinator ask);
  // From a coordinator, to the root and back: `ask` runs there, and what it returns here, if the
  // process is still the same.
  using AskRoot = std::function<std::function<void()>(IdealRoot& root, uint64_t now_us)>;
  void CallRoot(size_t number, AskRoot ask);

  const metaroot::State& root_state() const { return root_.state(); }
  // Coordinators whose copy is not the state of the root; empty: none.
  std::string Divergence();

 private:
  class WireRoot;
  struct Slot {
    std::unique_ptr<Machine> machine;
    uint64_t process = 0;  // its number; 0: none runs
    std::unique_ptr<WireRoot> root;
    std::shared_ptr<coordinator::Coordinator> coordinator;
  };

  void Start(size_t number);
  Slot* Running(size_t number, uint64_t process);

  World& world_;
  Network& network_;
  base::Random random_;
  const ControlOptions options_;
  IdealRoot root_;
  std::vector<Slot> slots_;
  uint64_t next_process_ = 1;
};

}  // namespace nokv::sim
