// Transport: carries the messages of raft groups between the nodes of a cluster. docs/transport.md
// explains the ideas.
//
//   Transport transport(options, doors, receiver);
//   server = rpc::grpc::Listen(address, {transport.MakeService(executor)}, …);
//   transport.SetPeer(2, "10.0.0.2:20160");
//   transport.Send(2, {{group, message}, …});
//
// Messages to one node share one stream, whatever groups they are of: one write is under way, and
// what comes meanwhile is the next one. A snapshot has a stream, and a connection, of its own.
// Sending never waits. What cannot be sent is dropped and reported: queues are bounded, and while a
// node cannot be reached there is none. Raft sends again what matters.
//
// Both ends of a stream say who they are. Whoever is no peer, and whatever no correct node sends,
// is refused, counted by reason, and logged once in a while.
//
// Thread safety: thread-safe, but for construction and destruction. Servers that offer its service
// end before it does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "metrics/registry.h"
#include "rpc/call.h"
#include "rpc/service.h"
#include "runtime/runtime.h"
#include "transport/codec.h"
#include "transport/identity.h"
#include "vfs/vfs.h"

namespace nokv::transport {

struct TransportOptions {
  uint64_t cluster = 0;  // its id; the same on all nodes
  NodeId node = 0;       // this one
  // Of messages to one node that wait for the stream.
  size_t max_queued_messages = 16'384;
  size_t max_queued_bytes = size_t{64} << 20;
  // A batch ends when it has so many bytes; one message may be longer.
  size_t max_batch_bytes = size_t{1} << 20;
  // A longer request is refused. Raft's messages must be shorter, with some room for its fields.
  size_t max_request_bytes = size_t{16} << 20;
  size_t snapshot_chunk_bytes = size_t{256} << 10;
  // Of the data of one snapshot that is taken.
  uint64_t max_snapshot_bytes = uint64_t{256} << 20;
  size_t max_queued_snapshots = 16;   // to one node
  size_t max_incoming_snapshots = 4;  // at a time, from all nodes
  // Of a snapshot that breaks so much is kept at a time, so that it goes on there: all of them in
  // this folder, which is the transport's own, up to so much, and for so long.
  std::string snapshot_folder = {};
  size_t snapshot_part_bytes = size_t{4} << 20;
  uint64_t max_partial_bytes = uint64_t{1} << 30;
  uint64_t partial_kept_ms = 600'000;
  // How long a node that could not be reached is left alone.
  uint64_t min_backoff_ms = 50;
  uint64_t max_backoff_ms = 2'000;
  uint64_t log_interval_ms = 10'000;  // between two lines for one reason
};

// Who is told of what happens. Thread safety: called by any thread; must not wait.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // Messages of `from`, in order.
  virtual void Receive(NodeId from, Batch messages) = 0;
  // A message of the group to this member was lost: raft::RawNode::ReportUnreachable.
  virtual void ReportUnreachable(GroupId group, raft::NodeId to) = 0;
  // How sending a kSnap ended; comes for each: raft::RawNode::ReportSnapshot.
  virtual void ReportSnapshot(GroupId group, raft::NodeId to, bool arrived) = 0;
};

// The way to the node at an address: rpc::grpc::NewChannel, or one of an InProcessNetwork. With
// limits of at least max_request_bytes.
using Dial = std::function<std::unique_ptr<rpc::Channel>(const std::string& address)>;

// Borrowed; they outlive the transport and what it has put into executors.
struct TransportDoors {
  base::Clock& clock;
  base::Logger& logger;
  metrics::Registry& registry;
  Dial dial;
  Identity* identity = nullptr;  // null: numbers are enough
  // Where what has come of snapshots is kept, and by whom. Null: nowhere, they begin again.
  vfs::FileSystem* files = nullptr;
  runtime::Runtime* runtime = nullptr;
};

struct TransportStats {
  uint64_t dials = 0;          // streams that were begun
  uint64_t dial_failures = 0;  // that ended, or never were
  uint64_t sent_messages = 0;  // given to the network
  uint64_t dropped_messages = 0;
  uint64_t received_messages = 0;
  uint64_t refused = 0;
  uint64_t blocked_peers = 0;
  // Some node could not be reached three times in a row; why, the last time.
  bool watchdog_active = false;
  std::string watchdog_reason;
};

class Inbound;
class Peer;
struct TransportCore;

class Transport {
 public:
  Transport(const TransportOptions& options, TransportDoors doors, Receiver& receiver);
  // Ends its streams, and waits until the network is done with them; nothing is reported any more.
  // Executors may be stopped then, and the doors afterwards.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // What a server must offer so that others can reach this node.
  rpc::Service MakeService(rpc::Executor executor);

  // Makes `node` one to which may be sent, and from which is received; or gives it another address.
  // Then it waits for calls to the old one that are being opened, and ends them: not to be called
  // by a handler of a call to that node, nor by the Receiver.
  void SetPeer(NodeId node, const std::string& address) EXCLUDES(mu_);
  // It has left the cluster and is refused from now on; its id is never used again.
  void RemovePeer(NodeId node) EXCLUDES(mu_);
  // Drops what is sent to `node`, for tests of partitions.
  void BlockPeer(NodeId node) EXCLUDES(mu_);
  void UnblockPeer(NodeId node) EXCLUDES(mu_);

  // Never waits. Messages to the same member of a group, which is on `node`, arrive in order, or
  // not at all.
  void Send(NodeId node, Batch messages) EXCLUDES(mu_);

  TransportStats stats() const EXCLUDES(mu_);

 private:
  std::shared_ptr<Peer> FindPeer(NodeId node) const EXCLUDES(mu_);

  const std::shared_ptr<TransportCore> core_;
  const std::shared_ptr<Inbound> inbound_;
  mutable base::Mutex mu_;
  std::map<NodeId, std::shared_ptr<Peer>> peers_ GUARDED_BY(mu_);
};

}  // namespace nokv::transport
