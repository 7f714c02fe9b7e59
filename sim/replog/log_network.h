// LogNetwork: how the members of a replicated log reach each other. A run takes one of two ways:
//
// - Streams: the shipped transport (src/transport/) of each process over calls through the
// simulated
//   network. A message that the network loses breaks its stream, as a broken connection does, and
//   so does one that it would repeat or reorder. Each member is a node of its own, since its id is
//   never used again: nodes come, move to other addresses, and are removed.
// - Raw: each message is on its own, as the bytes that the transport makes of it, and may be lost,
//   repeated and reordered.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "metrics/registry.h"
#include "raftnode/sender.h"
#include "rpc/in_process.h"
#include "sim/world/machine.h"
#include "sim/world/network.h"
#include "transport/transport.h"

namespace nokv::sim {

struct StreamOptions {
  transport::TransportOptions transport;  // but for cluster and node
  // How much may be under way in a stream before its sender has to wait.
  size_t window_bytes = size_t{1} << 20;
  // How much a process takes from a stream before it has looked at what came before.
  size_t read_ahead_bytes = size_t{1} << 20;
  // Each process listens at an address of its own, of which the others hear a while later.
  bool moves = false;
};

class LogNetwork {
 public:
  using Violated = std::function<void(raft::NodeId, const Status&)>;

  // Without `streams`: raw. `violated` is told of bytes that no correct node sends.
  LogNetwork(World& world, Network& network, const std::optional<StreamOptions>& streams,
             Violated violated);

  // A member that others may talk to, on a machine where it will run.
  void Add(raft::NodeId id, Machine& machine);
  // It has left for good, and does not run.
  void Remove(raft::NodeId id);
  // Its process has begun: how it sends. `receiver` hears until that is destroyed.
  std::unique_ptr<raftnode::Sender> Join(raft::NodeId id, Machine& machine,
                                         transport::Receiver& receiver);

  bool has_streams() const { return streams_.has_value(); }
  // Of all processes: nokv_transport_*.
  metrics::Registry& registry() { return registry_; }

 private:
  class RawSender;
  class StreamSender;
  struct Party {
    uint64_t machine = 0;
    uint64_t starts = 0;
    transport::Receiver* receiver = nullptr;    // null: it does not run
    transport::Transport* transport = nullptr;  // null: nor by streams
  };

  std::string AddressOf(const Party& party) const;
  bool SendRaw(raft::NodeId from, raft::NodeId to, const std::shared_ptr<const std::string>& bytes);
  // All that run learn where `id` is.
  void Tell(raft::NodeId id);

  World& world_;
  Network& network_;
  const std::optional<StreamOptions> streams_;
  const Violated violated_;
  base::Random random_;
  metrics::Registry registry_;
  rpc::InProcessNetwork calls_;
  std::map<raft::NodeId, Party> parties_;
  std::map<uint64_t, Machine*> machines_;
};

}  // namespace nokv::sim
