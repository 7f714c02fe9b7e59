// ControlCluster: the machines of a control plane: three nodes of the metadata root and three
// coordinators, as they ship, which talk to it by its client; and what holds over all of them.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/client/client.h"
#include "coordinator/client_root.h"
#include "coordinator/coordinator.h"
#include "sim/control/layout_history.h"
#include "sim/metaroot/root_cluster.h"
#include "sim/nemesis/cluster.h"

namespace nokv::sim {

struct ControlOptions {
  RootClusterOptions root = {};
  uint64_t lease_ttl_ms = 2'000;
  uint64_t id_window = 1'000;
  uint64_t timestamp_window_ms = 1'000;
  bool may_lose_a_root = false;
};

// Between the fastest and the slowest clock there is as much as the lease allows for.
inline constexpr uint64_t kMostDriftPermille = coordinator::kDriftPermille / 2;

class ControlCluster : public Cluster {
 public:
  static constexpr size_t kCoordinators = 3;

  ControlCluster(World& world, Network& network, const ControlOptions& options);
  ~ControlCluster() override;

  void Begin();

  // Cluster. The first machines are those of the root.
  World& world() override { return world_; }
  Network& network() override { return network_; }
  size_t machines() const override { return RootCluster::kNodes + kCoordinators; }
  Machine& machine(size_t number) override;
  // Of the root, and then for a while who holds the lease, in turns.
  std::optional<size_t> leader() override;
  void Stop(size_t number, End end, Machine::Loss loss) override;
  void Restart(size_t number) override;
  void RestartAll() override;
  bool LoseForGood(base::Random* random) override;

  // As an operator does who restarts a coordinator: the holder gives the lease back before it ends.
  void HandOver();

  RootCluster& roots() { return roots_; }
  // What has happened at the root, as far as any node of it has said.
  const LayoutHistory& CatchUp();
  // Where clients reach a coordinator.
  static std::string AddressOf(size_t coordinator);
  // A client at an address of its own in the network, which asks the coordinator `first` first.
  std::unique_ptr<coordinator::Client> NewClient(Network::Address address, size_t first);
  // The number of the process that runs there; 0: none does.
  uint64_t ProcessOf(size_t coordinator) const { return slots_[coordinator].process; }

  // Empty once everybody has the same: who does not, and why.
  std::string Divergence();

 private:
  struct Slot {
    std::unique_ptr<Machine> machine;
    uint64_t process = 0;  // its number; 0: none runs
    std::shared_ptr<bool> alive;
    std::shared_ptr<coordinator::Coordinator> coordinator;
    std::unique_ptr<coordinator::ClientRoot> root;
    std::unique_ptr<rpc::Server> server;
  };

  void Start(size_t coordinator);
  void End(Slot* slot, End end, Machine::Loss loss);
  std::optional<size_t> holder() const;
  // Looks at who holds the lease, again and again.
  void Look();

  World& world_;
  Network& network_;
  base::Random random_;
  const ControlOptions options_;
  RootCluster roots_;
  LayoutHistory history_;
  std::vector<Slot> slots_;
  uint64_t next_process_ = 1;
  std::map<uint64_t, uint64_t> holders_;  // by generation
};

}  // namespace nokv::sim
