#include "transport/transport.h"

#include <utility>

#include "transport/core.h"
#include "transport/inbound.h"
#include "transport/peer.h"

namespace nokv::transport {

Transport::Transport(const TransportOptions& options, TransportDoors doors, Receiver& receiver)
    : core_(std::make_shared<TransportCore>(options, std::move(doors), receiver)),
      inbound_(std::make_shared<Inbound>(core_)) {}

Transport::~Transport() {
  std::map<NodeId, std::shared_ptr<Peer>> peers;
  {
    base::MutexLock lock(mu_);
    peers.swap(peers_);
  }
  inbound_->Close();
  for (const auto& [node, peer] : peers) peer->Close();
}

rpc::Service Transport::MakeService(rpc::Executor executor) {
  return inbound_->MakeService(std::move(executor));
}

std::shared_ptr<Peer> Transport::FindPeer(NodeId node) const {
  base::MutexLock lock(mu_);
  const auto it = peers_.find(node);
  return it == peers_.end() ? nullptr : it->second;
}

void Transport::SetPeer(NodeId node, const std::string& address) {
  inbound_->Allow(node);
  if (const std::shared_ptr<Peer> known = FindPeer(node)) return known->SetAddress(address);
  auto peer = std::make_shared<Peer>(core_, node, address);
  base::MutexLock lock(mu_);
  peers_.emplace(node, std::move(peer));
}

void Transport::RemovePeer(NodeId node) {
  inbound_->Remove(node);
  std::shared_ptr<Peer> peer;
  {
    base::MutexLock lock(mu_);
    const auto it = peers_.find(node);
    if (it == peers_.end()) return;
    peer = std::move(it->second);
    peers_.erase(it);
  }
  if (peer->blocked()) core_->metrics.blocked_peers.Add(-1);
  peer->Close();
}

void Transport::BlockPeer(NodeId node) {
  const std::shared_ptr<Peer> peer = FindPeer(node);
  if (peer == nullptr || peer->blocked()) return;
  core_->metrics.blocked_peers.Add(1);
  peer->SetBlocked(true);
}

void Transport::UnblockPeer(NodeId node) {
  const std::shared_ptr<Peer> peer = FindPeer(node);
  if (peer == nullptr || !peer->blocked()) return;
  core_->metrics.blocked_peers.Add(-1);
  peer->SetBlocked(false);
}

void Transport::Send(NodeId node, Batch messages) {
  if (const std::shared_ptr<Peer> peer = FindPeer(node)) return peer->Send(std::move(messages));
  core_->metrics.Dropped(Drop::kUnknownNode, messages.size());
  for (const GroupMessage& lost : messages) {
    if (lost.message.type == raft::MessageType::kSnap) {
      core_->receiver.ReportSnapshot(lost.group, lost.message.to, /*arrived=*/false);
    } else {
      core_->receiver.ReportUnreachable(lost.group, lost.message.to);
    }
  }
}

TransportStats Transport::stats() const {
  const TransportMetrics& metrics = core_->metrics;
  TransportStats stats = {
      .dials = metrics.dials.value(),
      .dial_failures = metrics.dial_failures.value(),
      .sent_messages = metrics.sent.value(),
      .dropped_messages = metrics.dropped(),
      .received_messages = metrics.received.value(),
      .refused = metrics.refused(),
      .blocked_peers = static_cast<uint64_t>(metrics.blocked_peers.value()),
      .watchdog_reason = {},
  };
  base::MutexLock lock(mu_);
  for (const auto& [node, peer] : peers_) {
    if (std::string alarm = peer->Alarm(); !alarm.empty()) {
      stats.watchdog_active = true;
      stats.watchdog_reason = std::move(alarm);
    }
  }
  return stats;
}

}  // namespace nokv::transport
