#include "raftnode/cluster_node.h"

#include <utility>

namespace nokv::raftnode {
namespace {

// A follower passes these on to the leader in the name of whoever asked, who is elsewhere.
bool IsPassedOn(raft::MessageType type) {
  return type == raft::MessageType::kProp || type == raft::MessageType::kReadIndex ||
         type == raft::MessageType::kTransferLeader;
}

}  // namespace

ClusterNode::ClusterNode(runtime::Runtime& runtime, raftlog::RaftLog& log,
                         const NodeOptions& node_options,
                         const transport::TransportOptions& transport_options,
                         transport::TransportDoors doors)
    : node_(runtime, log, *this, node_options),
      transport_(transport_options, std::move(doors), *this) {}

ClusterNode::~ClusterNode() = default;

void ClusterNode::PlaceMember(GroupId group, raft::NodeId member, transport::NodeId node) {
  const base::MutexLock lock(mu_);
  places_[group][member] = node;
}

void ClusterNode::ForgetMembers(GroupId group) {
  const base::MutexLock lock(mu_);
  places_.erase(group);
}

transport::NodeId ClusterNode::NodeOf(GroupId group, raft::NodeId member) const {
  const base::MutexLock lock(mu_);
  return NodeOfLocked(group, member);
}

transport::NodeId ClusterNode::NodeOfLocked(GroupId group, raft::NodeId member) const {
  const auto places = places_.find(group);
  if (places == places_.end()) return member;
  const auto place = places->second.find(member);
  return place == places->second.end() ? member : place->second;
}

void ClusterNode::Send(std::vector<Envelope> messages) {
  std::map<transport::NodeId, transport::Batch> by_node;
  {
    const base::MutexLock lock(mu_);
    for (Envelope& envelope : messages) {
      transport::Batch& batch = by_node[NodeOfLocked(envelope.group, envelope.message.to)];
      // A leader has about as many for each of its followers.
      if (batch.empty()) batch.reserve(messages.size() / 2 + 1);
      batch.push_back(std::move(envelope));
    }
  }
  for (auto& [node, batch] : by_node) transport_.Send(node, std::move(batch));
}

void ClusterNode::Learn(transport::NodeId from, const transport::Batch& messages) {
  std::vector<std::pair<GroupId, raft::NodeId>> strangers;
  {
    const base::MutexLock lock(mu_);
    for (const Envelope& envelope : messages) {
      const raft::NodeId member = envelope.message.from;
      if (member == from || IsPassedOn(envelope.message.type)) continue;
      const auto places = places_.find(envelope.group);
      if (places != places_.end() && places->second.contains(member)) continue;
      strangers.emplace_back(envelope.group, member);
    }
  }
  for (const auto& [group, member] : strangers) {
    // No memory for what is said of groups that are not here.
    if (!node_.GetStatus(group).has_value()) continue;
    const base::MutexLock lock(mu_);
    Places& places = places_[group];
    if (places.size() < transport::kMaxMembers) places.try_emplace(member, from);
  }
}

void ClusterNode::Receive(transport::NodeId from, transport::Batch messages) {
  Learn(from, messages);
  node_.Receive(std::move(messages));
}

void ClusterNode::ReportUnreachable(GroupId group, raft::NodeId to) {
  node_.ReportUnreachable(group, to);
}

void ClusterNode::ReportSnapshot(GroupId group, raft::NodeId to, bool arrived) {
  node_.ReportSnapshot(group, to, arrived);
}

}  // namespace nokv::raftnode
