#include "sim/replog/log_cluster.h"

#include <algorithm>
#include <utility>

#include "raft/describe.h"

namespace nokv::sim {
namespace {

constexpr size_t kMaxViolations = 10;
// A process that ended by itself is started again after this long, as by a supervisor.
constexpr uint64_t kRestartMicros = 150'000;

}  // namespace

LogCluster::LogCluster(World& world, Network& network, size_t founders, size_t spares,
                       const MemberOptions& options, const std::optional<StreamOptions>& streams)
    : world_(world),
      network_(network),
      random_(world.random().Fork()),
      options_(options),
      wires_(world, network, streams,
             [this](raft::NodeId id, const Status& status) { Violated(id, status); }) {
  slots_.resize(founders + spares);
  for (size_t i = 0; i < slots_.size(); i++) {
    slots_[i].machine = std::make_unique<Machine>(world_, i + 1);
    if (i >= founders) continue;
    slots_[i].id = next_id_++;
    hosts_[slots_[i].id] = i;
    wires_.Add(slots_[i].id, *slots_[i].machine);
    founders_.voters.push_back(slots_[i].id);
  }
}

LogCluster::~LogCluster() {
  for (size_t i = 0; i < slots_.size(); i++) {
    LogCluster::Stop(i, End::kKill, Machine::Loss::kNothing);
  }
}

void LogCluster::Begin() {
  for (Slot& slot : slots_) {
    if (slot.id != raft::kNoNode) Start(&slot);
  }
}

LogCluster::Slot* LogCluster::SlotOf(raft::NodeId id) {
  const auto found = hosts_.find(id);
  return found == hosts_.end() ? nullptr : &slots_[found->second];
}

void LogCluster::Start(Slot* slot) {
  if (slot->id == raft::kNoNode || slot->id == lost_ || slot->member != nullptr) return;
  world_.Note("start", {slot->machine->id(), slot->id});
  slot->machine->Start();
  auto member = Member::Start(*this, *slot->machine, slot->id, options_, founders_, random_.Next());
  if (member.ok()) {
    slot->member = *std::move(member);
    return;
  }
  const Status& status = member.status();
  slot->machine->EndByKill();
  if (NoteLoss(slot->id, status)) return;
  if (status.IsCorruption() || status.code() == StatusCode::kInternal) {
    Violated(slot->id, status);
  } else {
    failures_++;
    StartSoon(hosts_[slot->id]);
  }
}

void LogCluster::StartSoon(size_t number) {
  world_.After(kRestartMicros, [this, number, id = slots_[number].id] {
    if (slots_[number].id == id) Start(&slots_[number]);
  });
}

std::optional<size_t> LogCluster::leader() {
  std::optional<size_t> newest;
  raft::Term term = 0;
  for (size_t i = 0; i < slots_.size(); i++) {
    if (slots_[i].member == nullptr) continue;
    const raft::BasicStatus status = slots_[i].member->status();
    if (status.soft_state.role != raft::Role::kLeader || status.hard_state.term < term) continue;
    newest = i;
    term = status.hard_state.term;
  }
  return newest;
}

void LogCluster::Stop(size_t number, End end, Machine::Loss loss) {
  Slot& slot = slots_[number];
  if (slot.member == nullptr) return;
  world_.Note("stop", {slot.machine->id(), slot.id, static_cast<uint64_t>(end),
                       static_cast<uint64_t>(loss)});
  slot.member = nullptr;
  if (end == End::kKill) {
    slot.machine->EndByKill();
  } else {
    slot.machine->EndByPowerLoss(loss);
  }
}

void LogCluster::Restart(size_t number) {
  Start(&slots_[number]);
}

void LogCluster::RestartAll() {
  for (size_t i = 0; i < slots_.size(); i++) Restart(i);
}

bool LogCluster::Rot(size_t number, uint64_t luck) {
  Slot& slot = slots_[number];
  if (rotten_ != raft::kNoNode || slot.id == raft::kNoNode || slot.member != nullptr) return false;
  if (!slot.machine->Rot(Member::kFolder, luck).ok()) return false;
  rotten_ = slot.id;
  world_.Note("rot", {slot.machine->id(), slot.id});
  return true;
}

bool LogCluster::NoteLoss(raft::NodeId id, const Status& status) {
  // A flipped bit of a version number looks like a newer format.
  const bool damage = status.IsCorruption() || status.code() == StatusCode::kUnimplemented;
  if (id != rotten_ || !damage) return false;
  lost_ = id;
  world_.Note("lost", {id}, status.message());
  return true;
}

std::vector<uint64_t> LogCluster::Addresses() {
  std::vector<uint64_t> addresses;
  for (const Slot& slot : slots_) {
    if (slot.id != raft::kNoNode) addresses.push_back(slot.machine->id());
  }
  return addresses;
}

void LogCluster::Arrive(uint64_t address, const Request& request, SendReply reply) {
  Slot& slot = slots_[address - 1];
  if (slot.member == nullptr) return;
  slot.machine->runtime().Arrive([this, number = address - 1, request, reply = std::move(reply)] {
    slots_[number].member->Arrive(request, reply);
  });
}

std::unique_ptr<raftnode::Sender> LogCluster::Join(raft::NodeId id, Machine& machine,
                                                   transport::Receiver& receiver) {
  return wires_.Join(id, machine, receiver);
}

void LogCluster::Sending(const raft::Message& message) {
  if (message.type == raft::MessageType::kSnap) snapshots_++;
  world_.Note("send", {message.from, message.to, static_cast<uint64_t>(message.type), message.term,
                       message.index, message.entries.size()});
}

// Not from within the member.
void LogCluster::Failed(raft::NodeId id, const Status& status) {
  failures_++;
  world_.Note("failed", {id}, status.message());
  world_.After(0, [this, id] {
    Slot* slot = SlotOf(id);
    if (slot == nullptr || slot->member == nullptr) return;
    Stop(hosts_[id], End::kKill, Machine::Loss::kNothing);
    StartSoon(hosts_[id]);
  });
}

void LogCluster::Violated(raft::NodeId id, const Status& status) {
  if (NoteLoss(id, status)) {
    // Not from within the member.
    return world_.After(0, [this, id] {
      if (SlotOf(id) != nullptr) Stop(hosts_[id], End::kKill, Machine::Loss::kNothing);
    });
  }
  world_.Note("violation", {id}, status.message());
  if (violations_.size() < kMaxViolations) {
    violations_.push_back("at " + std::to_string(world_.now_us()) + " us, node " +
                          std::to_string(id) + ": " + status.ToString());
  }
}

void LogCluster::Applied(raft::NodeId id, const RegisterMachine& machine) {
  const auto [known, is_new] = digests_.emplace(machine.applied(), machine.digest());
  if (known->second == machine.digest()) return;
  Violated(id, Status::Internal("its state after entry " + std::to_string(machine.applied()) +
                                " is not that of others"));
}

void LogCluster::Led(raft::NodeId id, raft::Term term) {
  leaders_.insert(term);
  world_.Note("leads", {id, term});
}

std::optional<uint64_t> LogCluster::AddressOf(raft::NodeId id) {
  const Slot* slot = SlotOf(id);
  return slot == nullptr ? std::nullopt : std::optional(slot->machine->id());
}

raft::NodeId LogCluster::Host(size_t number) {
  Slot& slot = slots_[number];
  slot.id = next_id_++;
  hosts_[slot.id] = number;
  wires_.Add(slot.id, *slot.machine);
  Start(&slot);
  return slot.id;
}

void LogCluster::Wipe(size_t number) {
  Slot& slot = slots_[number];
  world_.Note("wipe", {slot.machine->id(), slot.id});
  Stop(number, End::kKill, Machine::Loss::kNothing);
  hosts_.erase(slot.id);
  wires_.Remove(slot.id);
  slot.id = raft::kNoNode;
  slot.machine->ReplaceDisk();
}

std::string LogCluster::Divergence() {
  const auto leading = leader();
  if (!leading) return "nobody leads";
  std::string text;
  slots_[*leading].member->Inspect([&](const raft::FullStatus& status) {
    const raft::LogIndex wanted = slots_[*leading].member->machine_state().applied();
    for (const auto& [id, progress] : status.progress) {
      if (id == lost_) continue;
      const Slot* slot = SlotOf(id);
      const raft::LogIndex applied =
          slot == nullptr || slot->member == nullptr ? 0 : slot->member->machine_state().applied();
      if (applied == wanted) continue;
      text += (text.empty() ? "" : ", ") + ("node " + std::to_string(id)) + " has applied " +
              std::to_string(applied) + " of " + std::to_string(wanted) + " (" +
              ToString(progress) + ")";
    }
  });
  world_.RunUntil(world_.now_us() + 1);
  return text;
}

}  // namespace nokv::sim
