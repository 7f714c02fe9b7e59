#include "sim/raft/random_group.h"

#include "base/check.h"
#include "base/coding.h"
#include "base/macros.h"
#include "raft/describe.h"

namespace nokv::sim {
namespace {

constexpr raft::NodeId kNodes = 5;
// Messages on their way; the network drops what is more.
constexpr size_t kMaxMessages = 2000;
// Rounds of ticks in which a healed group must elect a leader and commit.
constexpr int kHealRounds = 400;

}  // namespace

Result<raft::Storage::Saved> RandomGroup::Disk::Load() const {
  return Saved{hard_state, machine.conf_state};
}

Result<std::shared_ptr<const raft::Snapshot>> RandomGroup::Disk::LatestSnapshot() const {
  if (machine.applied == 0) return Status::Unavailable("nothing is applied yet");
  auto snapshot = std::make_shared<raft::Snapshot>();
  std::string hash;
  base::PutFixed64(&hash, machine.hash);
  snapshot->data = hash;
  snapshot->conf_state = machine.conf_state;
  snapshot->index = machine.applied;
  snapshot->term = machine.term;
  return std::shared_ptr<const raft::Snapshot>(snapshot);
}

RandomGroup::RandomGroup(uint64_t seed) : seed_(seed), random_(base::MixSeed(seed)) {
  raft::Config config;
  config.election_ticks = 6;
  config.heartbeat_ticks = 1 + static_cast<int>(random_.Uniform(2));
  config.async_storage_writes = random_.OneIn(2);
  config.pre_vote = random_.OneIn(2);
  config.check_quorum = random_.OneIn(2);
  config.step_down_on_removal = random_.OneIn(2);
  config.max_message_bytes = random_.OneIn(2) ? 64 : 1 << 20;
  config.max_inflight_messages = 1 + random_.Uniform(4);
  config.max_inflight_bytes = random_.OneIn(2) ? config.max_message_bytes : raft::kNoLimit;
  config.max_committed_bytes_per_ready = random_.OneIn(2) ? 40 : 0;
  config.max_uncommitted_bytes = 2000;
  processes_.resize(kNodes);
  for (raft::NodeId id = 1; id <= kNodes; id++) {
    Process& process = processes_[id - 1];
    process.config = config;
    process.config.id = id;
    process.synced = std::make_unique<Disk>();
    if (id > 3) continue;  // the others join later
    raft::Snapshot first;
    first.index = 2;
    first.term = 1;
    first.conf_state.voters = {1, 2, 3};
    NOKV_CHECK(process.synced->ApplySnapshot(std::make_shared<const raft::Snapshot>(first)).ok());
    process.synced->machine = {2, 1, 0, first.conf_state};
    process.synced->hard_state = {1, raft::kNoNode, 2};
  }
}

void RandomGroup::Trace(uint64_t value) {
  report_.trace_hash = base::MixSeed(report_.trace_hash ^ value);
}

Status RandomGroup::Start(Process* process) {
  process->disk = std::make_unique<Disk>(*process->synced);
  process->machine = process->disk->machine;
  process->config.storage = process->disk.get();
  process->config.applied = process->machine.applied;
  process->config.seed = random_.Next();
  invariants_.Restart(process->config.id, *process->disk, process->machine.applied,
                      process->machine.conf_state);
  ASSIGN_OR_RETURN(process->node, raft::RawNode::Open(process->config));
  return invariants_.Stepped(*process->node);
}

void RandomGroup::Crash(Process* process) {
  report_.crashes++;
  process->node = nullptr;
  process->appends.clear();
  process->applies.clear();
  process->overtaken = false;
}

RandomGroup::Process* RandomGroup::RandomLive() {
  for (int tries = 0; tries < 20; tries++) {
    Process& process = processes_[random_.Uniform(kNodes)];
    if (process.node != nullptr) return &process;
  }
  return nullptr;
}

Result<RandomGroupReport> RandomGroup::Run(int steps) {
  const std::string context = "seed " + std::to_string(seed_);
  for (Process& process : processes_) {
    RETURN_IF_ERROR(Start(&process).Prefixed(context));
  }
  for (int step = 0; step < steps; step++) {
    RETURN_IF_ERROR(RandomStep().Prefixed(context + ", step " + std::to_string(step)));
  }
  RETURN_IF_ERROR(Heal().Prefixed(context + ", healing"));
  report_.committed = invariants_.committed();
  report_.leaders = leaders_.size();
  report_.conf_changes = changes_.size();
  return report_;
}

Status RandomGroup::RandomStep() {
  if (random_.OneIn(40)) return RandomFault();
  Process* process = RandomLive();
  if (process == nullptr) return RandomFault();
  switch (random_.Uniform(10)) {
    case 0:
      process->node->Tick();
      return invariants_.Stepped(*process->node);
    case 1:
      return RandomProposal(process);
    case 2:
      return RunAppend(process);
    case 3:
      return RunApply(process);
    case 4:
    case 5:
    case 6:
      return HandleReady(process);
    default:
      if (network_.empty()) return Status::Ok();
      // Mostly in order, sometimes not; sometimes twice.
      return Deliver(random_.OneIn(3) ? random_.Uniform(network_.size()) : 0, random_.OneIn(20));
  }
}

Status RandomGroup::RandomFault() {
  Process& process = processes_[random_.Uniform(kNodes)];
  switch (random_.Uniform(6)) {
    case 0:
      if (process.node != nullptr) Crash(&process);
      return Status::Ok();
    case 1:
    case 2:
      return process.node == nullptr ? Start(&process) : Status::Ok();
    case 3: {
      // Both ways, or one: a link that is cut silently.
      const raft::NodeId other = 1 + random_.Uniform(kNodes);
      cut_.emplace(process.config.id, other);
      if (random_.OneIn(2)) cut_.emplace(other, process.config.id);
      return Status::Ok();
    }
    case 4:
      cut_.clear();
      return Status::Ok();
    default:
      if (process.node != nullptr) Compact(&process);
      return Status::Ok();
  }
}

Status RandomGroup::RandomProposal(Process* process) {
  raft::RawNode& node = *process->node;
  const uint64_t kind = random_.Uniform(20);
  const std::string value = "v" + std::to_string(next_value_++);
  if (kind == 0) {
    raft::ConfChange change;
    change.transition = static_cast<raft::Transition>(random_.Uniform(3));
    for (uint64_t count = random_.Uniform(3); count > 0; count--) {
      change.steps.push_back(
          {static_cast<raft::ConfChangeType>(random_.Uniform(4)), 1 + random_.Uniform(kNodes)});
    }
    (void)node.ProposeConfChange(change);
  } else if (kind == 1) {
    (void)node.TransferLeader(1 + random_.Uniform(kNodes));
  } else if (kind == 2) {
    (void)node.ForgetLeader();
  } else if (kind == 3) {
    (void)node.Campaign();
  } else if (kind == 4) {
    node.ReportUnreachable(1 + random_.Uniform(kNodes));
  } else if (kind == 5) {
    node.ReportSnapshot(1 + random_.Uniform(kNodes), random_.OneIn(2));
  } else if (kind < 10) {
    reads_[value] = invariants_.committed();
    (void)node.ReadIndex(value);
  } else {
    (void)node.Propose(value);
  }
  return invariants_.Stepped(node);
}

Status RandomGroup::Deliver(size_t at, bool keep) {
  raft::Message message = network_[at];
  if (!keep) network_.erase(network_.begin() + static_cast<ptrdiff_t>(at));
  if (random_.OneIn(30) || cut_.contains({message.from, message.to})) return Status::Ok();
  Process& process = processes_[message.to - 1];
  return process.node == nullptr ? Status::Ok() : Step(&process, std::move(message));
}

Status RandomGroup::Step(Process* process, raft::Message message) {
  Status stepped = process->node->Step(std::move(message));
  if (stepped.IsCorruption() || stepped.code() == StatusCode::kInvalidArgument) return stepped;
  return invariants_.Stepped(*process->node);
}

Status RandomGroup::Send(Process* from, raft::Message message) {
  RETURN_IF_ERROR(invariants_.Sent(message));
  Trace(message.from << 48 ^ message.to << 32 ^ message.index << 8 ^
        static_cast<uint64_t>(message.type));
  if (message.to == from->config.id) return Step(from, std::move(message));
  if (message.to >= 1 && message.to <= kNodes && network_.size() < kMaxMessages) {
    network_.push_back(std::move(message));
  }
  return Status::Ok();
}

Status RandomGroup::CheckReads(const raft::Ready& ready) {
  for (const raft::ReadState& read : ready.read_states) {
    report_.reads++;
    RETURN_IF_ERROR(invariants_.Read(read.index, reads_.at(read.context)));
  }
  return Status::Ok();
}

Status RandomGroup::HandleReady(Process* process) {
  if (!process->node->HasReady()) return Status::Ok();
  raft::Ready ready = process->node->TakeReady();
  RETURN_IF_ERROR(process->node->failure());
  RETURN_IF_ERROR(invariants_.Took(*process->node, ready));
  RETURN_IF_ERROR(CheckReads(ready));
  if (ready.soft_state && ready.soft_state->role == raft::Role::kLeader) {
    leaders_[process->node->GetBasicStatus().hard_state.term] = process->config.id;
  }
  const bool async = process->config.async_storage_writes;
  if (!async) {
    RETURN_IF_ERROR(Store(process, ready.hard_state, ready.entries, ready.snapshot,
                          ready.must_sync || random_.OneIn(2)));
    if (random_.OneIn(200)) {  // dies after storing, before sending
      Crash(process);
      return Status::Ok();
    }
  }
  for (raft::Message& message : ready.messages) {
    if (message.to == raft::kAppendThread) {
      process->appends.push_back(std::move(message));
    } else if (message.to == raft::kApplyThread) {
      process->applies.push_back(std::move(message));
    } else {
      RETURN_IF_ERROR(Send(process, std::move(message)));
    }
  }
  if (async) return Status::Ok();
  RETURN_IF_ERROR(Apply(process, ready.committed_entries));
  RETURN_IF_ERROR(process->node->Advance());
  return invariants_.Stepped(*process->node);
}

Status RandomGroup::Store(Process* process, const raft::HardState& state,
                          const std::vector<raft::Entry>& entries,
                          const std::shared_ptr<const raft::Snapshot>& snapshot, bool sync) {
  Disk& disk = *process->disk;
  if (snapshot != nullptr) {
    RETURN_IF_ERROR(disk.ApplySnapshot(snapshot));
    RETURN_IF_ERROR(invariants_.Installed(process->config.id, *snapshot));
    report_.snapshots++;
    process->machine = {snapshot->index, snapshot->term,
                        base::LoadFixed64(snapshot->data.view().data()), snapshot->conf_state};
    disk.machine = process->machine;
    process->overtaken = false;
  }
  RETURN_IF_ERROR(disk.Append(entries));
  if (!state.empty()) disk.hard_state = state;
  if (!sync && snapshot == nullptr) return Status::Ok();
  process->synced = std::make_unique<Disk>(disk);
  return invariants_.Stored(process->config.id, disk.hard_state);
}

Status RandomGroup::Apply(Process* process, const std::vector<raft::Entry>& entries) {
  for (const raft::Entry& entry : entries) {
    Machine& machine = process->machine;
    if (process->overtaken || entry.index <= machine.applied) continue;
    if (entry.IsConfChange()) {
      ASSIGN_OR_RETURN(const raft::ConfChange change, raft::DecodeConfChange(entry));
      const auto changed = process->node->ApplyConfChange(change);
      process->overtaken = changed.status().code() == StatusCode::kAborted;
      if (process->overtaken) continue;
      // What does not fit is struck out by everybody alike.
      if (changed.ok()) {
        machine.conf_state = *changed;
        changes_.insert(entry.index);
      }
      RETURN_IF_ERROR(invariants_.Stepped(*process->node));
    }
    machine.applied = entry.index;
    machine.term = entry.term;
    for (const char c : entry.data.view()) {
      machine.hash = base::MixSeed(machine.hash ^ static_cast<unsigned char>(c));
    }
    RETURN_IF_ERROR(invariants_.Applied(process->config.id, entry, machine.conf_state));
    Trace(machine.hash);
  }
  return Status::Ok();
}

Status RandomGroup::RunAppend(Process* process) {
  if (process->appends.empty()) return Status::Ok();
  raft::Message work = std::move(process->appends.front());
  process->appends.pop_front();
  RETURN_IF_ERROR(Store(process, {work.term, work.vote, work.commit}, work.entries, work.snapshot,
                        !work.responses.empty() || random_.OneIn(2)));
  for (raft::Message& response : work.responses)
    RETURN_IF_ERROR(Send(process, std::move(response)));
  return Status::Ok();
}

Status RandomGroup::RunApply(Process* process) {
  if (process->applies.empty()) return Status::Ok();
  raft::Message work = std::move(process->applies.front());
  process->applies.pop_front();
  RETURN_IF_ERROR(Apply(process, work.entries));
  for (raft::Message& response : work.responses)
    RETURN_IF_ERROR(Send(process, std::move(response)));
  return Status::Ok();
}

// Saves the applied state and drops the entries that led to it.
void RandomGroup::Compact(Process* process) {
  process->disk->machine = process->machine;
  process->synced->machine = process->machine;
  if (random_.OneIn(2)) return;
  (void)process->disk->Compact(process->machine.applied);
  (void)process->synced->Compact(process->machine.applied);
}

raft::NodeId RandomGroup::Leader() const {
  raft::Term newest = 0;
  raft::NodeId leader = raft::kNoNode;
  for (const Process& process : processes_) {
    const raft::BasicStatus status = process.node->GetBasicStatus();
    if (status.soft_state.role != raft::Role::kLeader || status.hard_state.term < newest) continue;
    newest = status.hard_state.term;
    leader = status.id;
  }
  return leader;
}

Status RandomGroup::Settle(Process* process) {
  while (process->node->HasReady() || !process->appends.empty() || !process->applies.empty()) {
    RETURN_IF_ERROR(HandleReady(process));
    if (process->node == nullptr) return Start(process);
    RETURN_IF_ERROR(RunAppend(process));
    RETURN_IF_ERROR(RunApply(process));
  }
  return Status::Ok();
}

Status RandomGroup::Heal() {
  cut_.clear();
  for (Process& process : processes_) {
    if (process.node == nullptr) RETURN_IF_ERROR(Start(&process));
  }
  const raft::LogIndex before = invariants_.committed();
  for (int round = 0; round < kHealRounds; round++) {
    for (Process& process : processes_) {
      process.node->Tick();
      RETURN_IF_ERROR(Settle(&process));
      // A member that was added since the last snapshot can only use a newer one.
      process.disk->machine = process.machine;
    }
    for (size_t count = network_.size(); count > 0; count--) RETURN_IF_ERROR(Deliver(0, false));
    const raft::NodeId leader = Leader();
    if (leader == raft::kNoNode) continue;
    // One that was removed and goes on leading is for its caller to stop.
    const raft::FullStatus status = processes_[leader - 1].node->GetStatus();
    if (!status.progress.contains(leader)) {
      Crash(&processes_[leader - 1]);
      RETURN_IF_ERROR(Start(&processes_[leader - 1]));
      continue;
    }
    // One that was sent a snapshot waits for the report of the transport.
    for (raft::NodeId id = 1; id <= kNodes; id++) {
      processes_[leader - 1].node->ReportSnapshot(id, true);
    }
    (void)processes_[leader - 1].node->Propose(std::string("healed"));
    if (invariants_.committed() > before + 2) return Status::Ok();
  }
  std::string states;
  for (const Process& process : processes_) {
    const raft::FullStatus status = process.node->GetStatus();
    states += "\n" + std::to_string(status.basic.id) + ": " +
              ToString(status.basic.soft_state.role) + " " +
              raft::Describe(status.basic.hard_state) +
              " applied:" + std::to_string(status.basic.applied) +
              " last:" + std::to_string(status.basic.last_index) + " " + ToString(status.config) +
              "\n" + ToString(status.progress);
  }
  return Status::Internal("no entry is committed although everything has healed" + states);
}

}  // namespace nokv::sim
