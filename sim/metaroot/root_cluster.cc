#include "sim/metaroot/root_cluster.h"

#include <utility>

#include "metaroot/state.h"
#include "sim/world/executor.h"

namespace nokv::sim {
namespace {

constexpr size_t kMaxViolations = 10;
constexpr uint16_t kDiskFailed = 2307;  // nokv help E2307
// A process that ended by itself is started again after this long, as by a supervisor.
constexpr uint64_t kRestartMicros = 150'000;
constexpr uint64_t kLookMicros = 5'000;
// The invariants of the state are looked at once in so many times.
constexpr uint64_t kLooksPerCheck = 20;
constexpr size_t kMaxMessageBytes = size_t{64} << 20;

// "2:raft" is on machine 2.
Network::Address MachineOf(const std::string& address) {
  return std::stoull(address);
}

// A disk that fails ends a process; damage, and what nobody can explain, ends none.
bool MustNotBe(const Status& status) {
  const bool disk_failed = status.error_number() == kDiskFailed;
  return status.IsCorruption() || (status.code() == StatusCode::kInternal && !disk_failed);
}

}  // namespace

RootCluster::RootCluster(World& world, Network& network, const RootClusterOptions& options)
    : world_(world),
      network_(network),
      options_(options),
      random_(world.random().Fork()),
      calls_(world.runtime(),
             [this](const std::string& from, const std::string& to) {
               return network_.Transit(MachineOf(from), MachineOf(to));
             }),
      slots_(kNodes) {
  for (size_t i = 0; i < kNodes; i++) {
    slots_[i].machine = std::make_unique<Machine>(world_, i + 1);
  }
}

RootCluster::~RootCluster() {
  for (size_t i = 0; i < kNodes; i++) Stop(i, End::kKill, Machine::Loss::kNothing);
}

void RootCluster::Begin() {
  for (size_t i = 0; i < kNodes; i++) Start(i);
  Look();
}

void RootCluster::Start(size_t number) {
  Slot& slot = slots_[number];
  if (slot.root != nullptr || slot.lost) return;
  world_.Note("start", {number + 1});
  slot.machine->Start();
  slot.starts++;
  slot.alive = std::make_shared<bool>(true);
  const Status status = Open(number);
  if (status.ok()) return;
  world_.Note("cannot start", {number + 1}, status.message());
  Stop(number, End::kKill, Machine::Loss::kNothing);
  if (MustNotBe(status)) {
    Violated("node " + std::to_string(number + 1) + ": " + status.ToString());
  } else {
    failures_++;
    StartSoon(number);
  }
}

Status RootCluster::Open(size_t number) {
  Slot& slot = slots_[number];
  const uint64_t node = number + 1;
  server::MetaRootOptions options;
  options.workdir = "/root";
  options.node = node;
  for (uint64_t id = 1; id <= kNodes; id++) options.peers[id] = std::to_string(id) + ":raft";
  options.tick_us = options_.tick_us;
  options.seed = random_.Next();
  options.cluster_id = 100 + node;
  options.snapshot_entries = options_.snapshot_entries;
  options.kept_entries = options_.kept_entries;
  options.segment_bytes = 64 << 10;
  const rpc::Executor executor = ExecutorOf(*slot.machine, slot.alive);
  const server::MetaRootDoors doors = {
      slot.machine->runtime(),
      slot.machine->fs(),
      base::NullLogger(),
      registry_,
      [this, executor, from = options.peers[node]](const std::string& address) {
        return calls_.NewChannel(from, address, executor, {.max_message_bytes = kMaxMessageBytes});
      },
      [this, number, start = slot.starts](const Status& why) { Failed(number, start, why); }};
  auto root = server::MetaRoot::Open(options, doors);
  if (!root.ok()) return root.status();
  slot.root = *std::move(root);
  auto server = calls_.Listen(ClientAddress(node), {slot.root->ClientService(executor)});
  if (!server.ok()) return server.status();
  slot.server = *std::move(server);
  rpc::Service messages = slot.root->TransportService();
  messages.executor = executor;  // a process that stands still takes none
  auto transport = calls_.Listen(options.peers[node], {std::move(messages)});
  if (!transport.ok()) return transport.status();
  slot.transport_server = *std::move(transport);
  slot.root->Start();
  return Status::Ok();
}

void RootCluster::StartSoon(size_t number) {
  world_.After(kRestartMicros, [this, number] { Start(number); });
}

// Not from within the process.
void RootCluster::Failed(size_t number, uint64_t start, const Status& status) {
  if (MustNotBe(status)) {
    Violated("node " + std::to_string(number + 1) + ": " + status.ToString());
  }
  world_.Note("failed", {number + 1}, status.message());
  world_.After(0, [this, number, start] {
    if (slots_[number].root == nullptr || slots_[number].starts != start) return;
    failures_++;
    Stop(number, End::kKill, Machine::Loss::kNothing);
    StartSoon(number);
  });
}

void RootCluster::Stop(size_t number, End end, Machine::Loss loss) {
  Slot& slot = slots_[number];
  if (!slot.machine->running()) return;
  world_.Note("stop", {number + 1, static_cast<uint64_t>(end), static_cast<uint64_t>(loss)});
  *slot.alive = false;
  slot.server = nullptr;
  slot.transport_server = nullptr;
  slot.root = nullptr;
  if (end == End::kKill) {
    slot.machine->EndByKill();
  } else {
    slot.machine->EndByPowerLoss(loss);
  }
}

void RootCluster::Restart(size_t number) {
  Start(number);
}

void RootCluster::RestartAll() {
  for (size_t i = 0; i < kNodes; i++) Restart(i);
}

bool RootCluster::LoseForGood(base::Random* random) {
  for (const Slot& slot : slots_) {
    // A new node takes part when all others remember it: before that, none may be lost.
    if (slot.lost || slot.root == nullptr || slot.root->machine().head().revision == 0)
      return false;
  }
  const size_t number = random->Uniform(kNodes);
  Stop(number, End::kKill, Machine::Loss::kNothing);
  slots_[number].lost = true;
  return true;
}

const metaroot::RootMachine* RootCluster::StateOf(size_t number) const {
  const server::MetaRoot* root = slots_[number].root.get();
  return root == nullptr ? nullptr : &root->machine();
}

std::optional<size_t> RootCluster::leader() {
  std::optional<size_t> newest;
  uint64_t term = 0;
  for (size_t i = 0; i < kNodes; i++) {
    if (slots_[i].root == nullptr) continue;
    const auto group = slots_[i].root->raft().node().GetStatus(metaroot::kRootGroup);
    if (!group.has_value() || group->raft.soft_state.role != raft::Role::kLeader) continue;
    if (group->raft.hard_state.term < term) continue;
    newest = i;
    term = group->raft.hard_state.term;
  }
  if (newest.has_value()) terms_.insert(term);
  return newest;
}

void RootCluster::Violated(const std::string& what) {
  world_.Note("violation", {}, what);
  if (violations_.size() >= kMaxViolations) return;
  violations_.push_back("at " + std::to_string(world_.now_us()) + " us, " + what);
}

void RootCluster::Look() {
  static_cast<void>(leader());
  const bool check = looks_++ % kLooksPerCheck == 0;
  for (size_t i = 0; i < kNodes; i++) {
    if (slots_[i].root == nullptr) continue;
    const metaroot::RootMachine& machine = slots_[i].root->machine();
    const uint64_t revision = machine.head().revision;
    // Hashing takes its time, and what has not changed has been looked at.
    if (std::exchange(slots_[i].looked_at, revision) == revision && !check) continue;
    const auto [index, hash] = machine.AppliedHash();
    const auto [known, is_new] = hashes_.emplace(index, hash);
    if (known->second != hash) {
      Violated("node " + std::to_string(i + 1) + ": its state after entry " +
               std::to_string(index) + " is not that of others");
    }
    if (!check) continue;
    const Status sound = metaroot::CheckState(machine.state());
    if (!sound.ok()) Violated("node " + std::to_string(i + 1) + ": " + sound.ToString());
  }
  world_.After(kLookMicros, [this] { Look(); });
}

std::string RootCluster::Standing() const {
  std::string text;
  for (size_t i = 0; i < kNodes; i++) {
    text += " node " + std::to_string(i + 1);
    if (slots_[i].root == nullptr) {
      text += " does not run;";
      continue;
    }
    const metaroot::NodeStatus status = slots_[i].root->status();
    text += " has applied " + std::to_string(status.applied_index) + " of " +
            std::to_string(status.committed_index) + " in term " + std::to_string(status.term) +
            ", follows " + std::to_string(status.leader) +
            (status.waits_for.empty() ? "" : ", waits for " + status.waits_for) + ";";
  }
  return text;
}

std::optional<metaroot::State> RootCluster::AgreedState() {
  std::optional<metaroot::State> state;
  for (Slot& slot : slots_) {
    if (slot.lost) continue;
    if (slot.root == nullptr) return std::nullopt;
    metaroot::State other = slot.root->machine().state();
    if (state.has_value() && !(*state == other)) return std::nullopt;
    state = std::move(other);
  }
  return state;
}

}  // namespace nokv::sim
