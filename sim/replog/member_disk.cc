// The disk of a member: its raft log and the checkpoints of its machine.
#include "base/macros.h"
#include "sim/replog/member.h"

namespace nokv::sim {
namespace {

constexpr char kLogDir[] = "/raft";
constexpr char kCheckpoint[] = "/raft/checkpoint";
constexpr uint64_t kMaxCheckpointBytes = 16 << 20;
constexpr raftlog::GroupId kGroup = 1;

}  // namespace

Status Member::Open(const raft::ConfState& founders, uint64_t seed) {
  vfs::FileSystem& fs = machine_.fs();
  RETURN_IF_ERROR(fs.CreateDirs(kLogDir));
  RETURN_IF_ERROR(fs.SyncDir("/"));
  ASSIGN_OR_RETURN(log_, raftlog::RaftLog::Open(fs, kLogDir, options_.log));
  if (log_->Groups().empty()) RETURN_IF_ERROR(Found(founders));
  storage_ = &log_->StorageOf(kGroup);
  RETURN_IF_ERROR(LoadMachine());
  durable_ = state_;
  storage_->SetConfState(state_.conf_state());
  ASSIGN_OR_RETURN(const raft::Storage::Saved saved, storage_->Load());
  appended_state_ = saved.hard_state;
  raft::Config config = options_.raft;
  config.id = id_;
  config.storage = storage_;
  config.applied = state_.applied();
  config.seed = seed;
  host_.invariants().Restart(id_, *storage_, state_.applied(), state_.conf_state());
  ASSIGN_OR_RETURN(node_, raft::RawNode::Open(config));
  return host_.invariants().Stepped(*node_);
}

Status Member::Found(const raft::ConfState& founders) {
  bool is_founder = false;
  for (const raft::NodeId voter : founders.voters) is_founder |= voter == id_;
  if (!is_founder) return Status::Ok();
  const raftlog::GroupWrite write{.group = kGroup,
                                  .install = RegisterMachine::Founded(founders).ToSnapshot(),
                                  .hard_state = {.term = 1, .commit = 1}};
  RETURN_IF_ERROR(log_->Append({&write, 1}).status());
  return log_->Sync().status();
}

// The checkpoint, or a snapshot that was installed since.
Status Member::LoadMachine() {
  ASSIGN_OR_RETURN(const bool exists, machine_.fs().Exists(kCheckpoint));
  if (exists) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     machine_.fs().ReadFile(kCheckpoint, kMaxCheckpointBytes));
    ASSIGN_OR_RETURN(state_, RegisterMachine::Decode(bytes));
  }
  if (state_.applied() + 1 >= storage_->FirstIndex()) return Status::Ok();
  ASSIGN_OR_RETURN(const auto snapshot, storage_->LatestSnapshot());
  ASSIGN_OR_RETURN(state_, RegisterMachine::Decode(snapshot->data.view()));
  return Status::Ok();
}

void Member::Store(const raft::HardState& state, const std::vector<raft::Entry>& entries,
                   const std::shared_ptr<const raft::Snapshot>& snapshot,
                   std::function<void()> done) {
  const bool changes = !state.empty() || !entries.empty() || snapshot != nullptr;
  wal::LogPosition end = log_->SyncedEnd();
  if (changes) {
    const raftlog::GroupWrite write{
        .group = kGroup, .install = snapshot, .entries = entries, .hard_state = state};
    const auto appended = log_->Append({&write, 1});
    if (!Check(appended.status())) return;
    end = *appended;
    if (!state.empty()) appended_state_ = state;
  }
  if (snapshot != nullptr) {
    installed_end_ = end;
    Install(*snapshot);
  }
  if (done) WhenSynced(end, std::move(done));
}

void Member::WhenSynced(wal::LogPosition end, std::function<void()> done) {
  if (!waiting_.empty()) end = std::max(end, waiting_.back().end);
  waiting_.push_back({end, std::move(done)});
  PostSync();
}

void Member::PostSync() {
  if (std::exchange(sync_posted_, true)) return;
  machine_.runtime().Post(runtime::Lane::kLog, [this] {
    sync_posted_ = false;
    Sync();
  });
}

void Member::Sync() {
  if (ended_) return;
  const auto synced = log_->Sync();
  if (!Check(synced.status())) return;
  CatchUp();
  while (!ended_ && !waiting_.empty() && waiting_.front().end <= *synced) {
    const std::function<void()> done = std::move(waiting_.front().done);
    waiting_.pop_front();
    done();
  }
  if (!ended_ && !waiting_.empty()) PostSync();
  Pump();
}

void Member::MaybeCheckpoint(bool now) {
  checkpoint_conf_ |= now;
  const bool due = state_.applied() >= durable_.applied() + options_.checkpoint_entries;
  if (checkpointing_ || !(due || checkpoint_conf_)) return;
  checkpointing_ = true;
  checkpoint_conf_ = false;
  machine_.runtime().Post(runtime::Lane::kFlush, [this, state = state_] {
    checkpointing_ = false;
    if (!ended_) WriteCheckpoint(state);
  });
}

void Member::WriteCheckpoint(const RegisterMachine& state) {
  // A checkpoint must not be ahead of the log. What was applied is durable, a snapshot may not be.
  if (log_->SyncedEnd() < installed_end_ && !Check(log_->Sync().status())) return;
  if (!Check(vfs::WriteFileAtomically(machine_.fs(), kCheckpoint, state.Encode()))) return;
  durable_ = state;
  host_.Note("checkpoint", {id_, state.applied()});
  // A snapshot that was installed in the meantime is newer.
  if (state.applied() + 1 < storage_->FirstIndex()) return;
  const raft::LogIndex compact_to =
      state.applied() - std::min(state.applied(), options_.kept_entries);
  const raftlog::GroupWrite write{
      .group = kGroup, .snapshot = state.ToSnapshot(), .compact_to = compact_to};
  if (!Check(log_->Append({&write, 1}).status())) return;
  if (!Check(log_->Collect())) return;
  MaybeCheckpoint(false);
}

}  // namespace nokv::sim
