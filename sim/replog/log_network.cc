#include "sim/replog/log_network.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "sim/replog/wire.h"
#include "sim/world/executor.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kCluster = 1;
// Until the sender of a raw message learns what became of it.
constexpr uint64_t kReportMicros = 30'000;
// Until everybody has heard of an address.
constexpr uint64_t kMostTellMicros = 500'000;
constexpr size_t kMaxMessageBytes = size_t{64} << 20;
constexpr char kSnapshotFolder[] = "/snapshots";

// "2:17" is on machine 2.
Network::Address MachineOf(const std::string& address) {
  return std::stoull(address);
}

}  // namespace

// Each message on its own.
class LogNetwork::RawSender final : public raftnode::Sender {
 public:
  RawSender(LogNetwork& wires, raft::NodeId id, Machine& machine)
      : wires_(wires), id_(id), machine_(machine) {}
  RawSender(const RawSender&) = delete;
  RawSender& operator=(const RawSender&) = delete;
  ~RawSender() override { wires_.parties_[id_].receiver = nullptr; }

  void Send(std::vector<raftnode::Envelope> messages) override {
    for (raftnode::Envelope& envelope : messages) {
      const bool is_snapshot = envelope.message.type == raft::MessageType::kSnap;
      const transport::GroupId group = envelope.group;
      const raft::NodeId to = envelope.message.to;
      const auto bytes = std::make_shared<const std::string>(EncodeForWire(std::move(envelope)));
      const bool arrives = wires_.SendRaw(id_, to, bytes);
      if (!arrives || is_snapshot) ReportLater(group, to, is_snapshot, arrives);
    }
  }

 private:
  void ReportLater(transport::GroupId group, raft::NodeId to, bool is_snapshot, bool arrives) {
    machine_.runtime().PostAfter(
        runtime::Lane::kUrgent, kReportMicros, [this, group, to, is_snapshot, arrives] {
          transport::Receiver* const receiver = wires_.parties_[id_].receiver;
          if (is_snapshot) {
            receiver->ReportSnapshot(group, to, arrives);
          } else {
            receiver->ReportUnreachable(group, to);
          }
        });
  }

  LogNetwork& wires_;
  const raft::NodeId id_;
  Machine& machine_;
};

// A transport, and the server by which others reach it.
class LogNetwork::StreamSender final : public raftnode::Sender {
 public:
  StreamSender(LogNetwork& wires, raft::NodeId id, Machine& machine, transport::Receiver& receiver)
      : wires_(wires), id_(id) {
    const StreamOptions& streams = *wires.streams_;
    Party& party = wires.parties_[id];
    const rpc::Executor executor = ExecutorOf(machine, alive_);
    transport::TransportOptions options = streams.transport;
    options.cluster = kCluster;
    options.node = id;
    options.snapshot_folder = kSnapshotFolder;
    const transport::TransportDoors doors = {
        .clock = machine.runtime().clock(),
        .logger = base::NullLogger(),
        .registry = wires.registry_,
        .dial =
            [&calls = wires.calls_, from = wires.AddressOf(party),
             executor](const std::string& to) {
              return calls.NewChannel(from, to, executor, {.max_message_bytes = kMaxMessageBytes});
            },
        .files = &machine.fs(),
        .runtime = &machine.runtime()};
    transport_ = std::make_unique<transport::Transport>(options, doors, receiver);
    rpc::Service service = transport_->MakeService(executor);
    service.limits.read_ahead_bytes = streams.read_ahead_bytes;
    std::vector<rpc::Service> services;
    services.push_back(std::move(service));
    auto server = wires.calls_.Listen(wires.AddressOf(party), std::move(services));
    NOKV_CHECK(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    party.transport = transport_.get();
  }
  StreamSender(const StreamSender&) = delete;
  StreamSender& operator=(const StreamSender&) = delete;
  ~StreamSender() override {
    Party& party = wires_.parties_[id_];
    party.receiver = nullptr;
    party.transport = nullptr;
    *alive_ = false;
    server_ = nullptr;
    transport_ = nullptr;
  }

  void Send(std::vector<raftnode::Envelope> messages) override {
    std::map<transport::NodeId, transport::Batch> by_node;
    for (raftnode::Envelope& envelope : messages) {
      by_node[envelope.message.to].push_back(std::move(envelope));
    }
    for (auto& [node, batch] : by_node) transport_->Send(node, std::move(batch));
  }

 private:
  LogNetwork& wires_;
  const raft::NodeId id_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<rpc::Server> server_;
};

LogNetwork::LogNetwork(World& world, Network& network, const std::optional<StreamOptions>& streams,
                       Violated violated)
    : world_(world),
      network_(network),
      streams_(streams),
      violated_(std::move(violated)),
      random_(world.random().Fork()),
      calls_(
          world.runtime(),
          [this](const std::string& from, const std::string& to) {
            return network_.Transit(MachineOf(from), MachineOf(to));
          },
          streams.value_or(StreamOptions()).window_bytes) {}

std::string LogNetwork::AddressOf(const Party& party) const {
  const bool moves = streams_.has_value() && streams_->moves;
  return std::to_string(party.machine) + ":" + std::to_string(moves ? party.starts : 0);
}

void LogNetwork::Add(raft::NodeId id, Machine& machine) {
  parties_[id] = {.machine = machine.id()};
  machines_[machine.id()] = &machine;
}

void LogNetwork::Remove(raft::NodeId id) {
  parties_.erase(id);
  for (const auto& [other, party] : parties_) {
    if (party.transport != nullptr) party.transport->RemovePeer(id);
  }
}

std::unique_ptr<raftnode::Sender> LogNetwork::Join(raft::NodeId id, Machine& machine,
                                                   transport::Receiver& receiver) {
  Party& party = parties_[id];
  party.starts++;
  party.receiver = &receiver;
  if (!has_streams()) return std::make_unique<RawSender>(*this, id, machine);
  auto sender = std::make_unique<StreamSender>(*this, id, machine, receiver);
  for (const auto& [other, at] : parties_) {
    if (other != id) party.transport->SetPeer(other, AddressOf(at));
  }
  if (party.starts == 1) Tell(id);
  if (streams_->moves) world_.After(random_.Uniform(kMostTellMicros), [this, id] { Tell(id); });
  return sender;
}

void LogNetwork::Tell(raft::NodeId id) {
  const auto found = parties_.find(id);
  if (found == parties_.end()) return;
  for (const auto& [other, party] : parties_) {
    if (other == id || party.transport == nullptr) continue;
    party.transport->SetPeer(id, AddressOf(found->second));
  }
}

bool LogNetwork::SendRaw(raft::NodeId from, raft::NodeId to,
                         const std::shared_ptr<const std::string>& bytes) {
  const auto found = parties_.find(to);
  if (found == parties_.end()) return false;
  return network_.Send(parties_[from].machine, found->second.machine, [this, to, bytes] {
    const auto now = parties_.find(to);
    if (now == parties_.end() || now->second.receiver == nullptr) return;
    machines_[now->second.machine]->runtime().Arrive([this, to, bytes] {
      Result<raftnode::Envelope> received = DecodeFromWire(*bytes);
      if (!received.ok()) return violated_(to, received.status());
      transport::Batch batch;
      const transport::NodeId sender = received->message.from;
      batch.push_back(*std::move(received));
      parties_[to].receiver->Receive(sender, std::move(batch));
    });
  });
}

}  // namespace nokv::sim
