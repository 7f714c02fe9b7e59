// ClusterNode: a Node whose members talk to those on other nodes over a Transport.
//
//   ClusterNode raft(runtime, *log, node_options, {.cluster = 1, .node = 2}, doors);
//   raft.transport().SetPeer(1, "10.0.0.1:20160");     // and every other node
//   server = rpc::grpc::Listen(address, {raft.MakeService()}, …);
//   raft.node().AddGroup({.group = 7, .id = 2, …}, done);
//   …
//   server.reset();
//   raft.node().Stop([] { … });                        // then `raft` may be destroyed
//
// Raft knows members of groups, the transport knows nodes. A member is on the node of the same
// number unless it was placed on another one, so a group that has the nodes' ids as its members'
// needs nothing more. Otherwise the owner places the members of each configuration that it applies.
// One that was not placed is taken to be where its first message came from that nobody passed on:
// so a new member can answer a leader of which its state machine has not heard yet.
//
// Thread safety: thread-safe, but for construction and destruction.
#pragma once

#include <map>
#include <vector>

#include "base/mutex.h"
#include "raftnode/node.h"
#include "transport/transport.h"

namespace nokv::raftnode {

class ClusterNode final : private Sender, transport::Receiver {
 public:
  // As for Node and Transport; what is borrowed outlives it. The executor of the channels that
  // `doors` dials should be rpc::AtOnce(); another one has to be stopped first.
  ClusterNode(runtime::Runtime& runtime, raftlog::RaftLog& log, const NodeOptions& node_options,
              const transport::TransportOptions& transport_options,
              transport::TransportDoors doors);
  // The node was stopped, and servers that offer its service have ended.
  ~ClusterNode() override;

  Node& node() { return node_; }
  // For the addresses of nodes, tests of partitions, and counts. Send is for the node only.
  transport::Transport& transport() { return transport_; }
  // What a server must offer so that others can reach this node.
  rpc::Service MakeService() { return transport_.MakeService(rpc::AtOnce()); }

  // `member` of `group` is on `node`, for good: the ids of members are not used again.
  void PlaceMember(GroupId group, raft::NodeId member, transport::NodeId node) EXCLUDES(mu_);
  // The group has been removed here.
  void ForgetMembers(GroupId group) EXCLUDES(mu_);
  // Where `member` is, as far as it is known here.
  transport::NodeId NodeOf(GroupId group, raft::NodeId member) const EXCLUDES(mu_);

 private:
  using Places = std::map<raft::NodeId, transport::NodeId>;

  // Sender.
  void Send(std::vector<Envelope> messages) override EXCLUDES(mu_);
  // transport::Receiver.
  void Receive(transport::NodeId from, transport::Batch messages) override EXCLUDES(mu_);
  void ReportUnreachable(GroupId group, raft::NodeId to) override;
  void ReportSnapshot(GroupId group, raft::NodeId to, bool arrived) override;

  transport::NodeId NodeOfLocked(GroupId group, raft::NodeId member) const REQUIRES(mu_);
  // Takes note of where members are that were not placed.
  void Learn(transport::NodeId from, const transport::Batch& messages) EXCLUDES(mu_);

  mutable base::Mutex mu_;
  std::map<GroupId, Places> places_ GUARDED_BY(mu_);
  // The transport ends first: what it reports goes to the node.
  Node node_;
  transport::Transport transport_;
};

}  // namespace nokv::raftnode
