// RootCluster: the machines of a metadata root, with the shipped node (server/meta_root.h) on each,
// and what holds over all of them: nodes that applied as much are in the same state, which no
// event may make one that cannot be.
//
// Calls between processes go through the simulated network: a message that it loses breaks its
// call, as a broken connection does.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "metrics/registry.h"
#include "rpc/in_process.h"
#include "server/meta_root.h"
#include "sim/nemesis/cluster.h"

namespace nokv::sim {

struct RootClusterOptions {
  uint64_t tick_us = 20'000;
  uint64_t snapshot_entries = 50;
  uint64_t kept_entries = 10;
};

class RootCluster : public Cluster {
 public:
  static constexpr size_t kNodes = 3;

  RootCluster(World& world, Network& network, const RootClusterOptions& options);
  ~RootCluster() override;

  void Begin();

  // Cluster.
  World& world() override { return world_; }
  Network& network() override { return network_; }
  size_t machines() const override { return slots_.size(); }
  Machine& machine(size_t number) override { return *slots_[number].machine; }
  std::optional<size_t> leader() override;
  void Stop(size_t number, End end, Machine::Loss loss) override;
  void Restart(size_t number) override;
  void RestartAll() override;
  // Once at most: the others are a quorum, and whoever comes back without what it has promised
  // could promise something else.
  bool LoseForGood(base::Random* random) override;

  // For calls of whoever is not a node. Ends before this.
  rpc::InProcessNetwork& calls() { return calls_; }
  // Where clients reach a node.
  static std::string ClientAddress(uint64_t node) { return std::to_string(node) + ":client"; }
  // The state of the node that runs there; null: none does.
  const metaroot::RootMachine* StateOf(size_t number) const;
  // Something that must not happen did.
  void Violated(const std::string& what);

  uint64_t leaders() const { return terms_.size(); }
  uint64_t failures() const { return failures_; }  // processes that ended by an error of the disk
  const std::vector<std::string>& violations() const { return violations_; }
  // How far each node is, and what it waits for.
  std::string Standing() const;
  // What running nodes have applied; they agree.
  std::optional<metaroot::State> AgreedState();

 private:
  struct Slot {
    std::unique_ptr<Machine> machine;
    uint64_t starts = 0;
    bool lost = false;       // for good
    uint64_t looked_at = 0;  // the revision when it was last looked at
    // Of the process that runs; false once it has ended.
    std::shared_ptr<bool> alive;
    std::unique_ptr<server::MetaRoot> root;
    std::unique_ptr<rpc::Server> server;
    std::unique_ptr<rpc::Server> transport_server;
  };

  void Start(size_t number);
  Status Open(size_t number);
  void StartSoon(size_t number);
  void Failed(size_t number, uint64_t start, const Status& status);
  // Compares the nodes, again and again.
  void Look();

  World& world_;
  Network& network_;
  const RootClusterOptions options_;
  base::Random random_;
  metrics::Registry registry_;
  rpc::InProcessNetwork calls_;
  std::vector<Slot> slots_;
  std::map<uint64_t, uint64_t> hashes_;  // of the state, by the entry applied last
  std::set<uint64_t> terms_;             // in which somebody led
  uint64_t looks_ = 0;
  uint64_t failures_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace nokv::sim
