#include "sim/crash/raftlog_workload.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"

namespace nokv::sim {

namespace {

using raftlog::GroupId;
using raftlog::GroupWrite;
using raftlog::RaftLog;

constexpr char kDirectory[] = "/raft";
constexpr uint64_t kGroups = 6;
constexpr int kOpenAttempts = 5;

raftlog::RaftLogOptions TinyOptions(uint64_t seed) {
  base::Random random(base::MixSeed(seed));
  raftlog::RaftLogOptions options;
  options.segment_bytes = uint64_t{2048} << random.Uniform(3);
  options.cache_bytes = random.OneIn(3) ? 0 : uint64_t{500} << random.Uniform(6);
  options.salt_seed = seed;
  return options;
}

bool SameSnapshot(const raft::Snapshot* a, const raft::Snapshot* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->id() == b->id() && a->data == b->data && a->conf_state == b->conf_state;
}

}  // namespace

bool RaftLogWorkload::GroupModel::operator==(const GroupModel& other) const {
  return hard_state == other.hard_state && base == other.base && entries == other.entries &&
         SameSnapshot(snapshot.get(), other.snapshot.get());
}

// A write together with what it borrows.
struct RaftLogWorkload::Change {
  GroupWrite write;
  std::vector<raft::Entry> entries;
};

RaftLogWorkload::RaftLogWorkload(uint64_t seed, vfs::FileSystem& fs)
    : seed_(seed), fs_(fs), random_(seed) {}

void RaftLogWorkload::Violate(std::string text) {
  if (violation_.empty()) violation_ = std::move(text);
}

void RaftLogWorkload::Failed() {
  operations_failed_++;
  log_.reset();
}

Result<std::unique_ptr<RaftLog>> RaftLogWorkload::Open(vfs::FileSystem& fs) const {
  RETURN_IF_ERROR(fs.CreateDirs(kDirectory));
  RETURN_IF_ERROR(fs.SyncDir("/"));
  return RaftLog::Open(fs, kDirectory, TinyOptions(seed_));
}

void RaftLogWorkload::OpenIfClosed() {
  if (log_ != nullptr) return;
  Status last;
  // A fault may strike an open, or the reads of the check; the next one must succeed.
  for (int attempt = 0; attempt < kOpenAttempts && log_ == nullptr; attempt++) {
    auto log = Open(fs_);
    if (log.ok()) {
      log_ = *std::move(log);
    } else {
      last = log.status();
      operations_failed_++;
    }
  }
  if (log_ == nullptr) return Violate("the raft log does not open: " + last.ToString());
  std::string violation;
  uint64_t number = Check(*log_, acknowledged_, &violation);
  if (!violation.empty()) {
    violation.clear();
    number = Check(*log_, acknowledged_, &violation);
  }
  if (!violation.empty()) return Violate("after reopen: " + violation);
  // What is found is on disk; what was behind it never happened.
  states_.resize(number + 1);
  acknowledged_ = durable_ = number;
}

void RaftLogWorkload::Run(uint64_t ops) {
  for (; operations_done_ < ops && violation_.empty(); operations_done_++) {
    OpenIfClosed();
    if (violation_.empty()) Step();
  }
}

raft::Term RaftLogWorkload::SomeTerm(GroupModel* model) {
  if (random_.OneIn(3)) {
    model->hard_state.term++;
    model->hard_state.vote = random_.Uniform(4);
  }
  model->hard_state.term = std::max<raft::Term>(model->hard_state.term, 1);
  return model->hard_state.term;
}

void RaftLogWorkload::AddEntries(GroupModel* model, Change* change) {
  raft::LogIndex first = model->last_index() + 1;
  // Now and then a new leader replaces some.
  if (random_.OneIn(4)) first -= random_.Uniform(std::min<uint64_t>(model->entries.size(), 4) + 1);
  const raft::Term term = SomeTerm(model);
  model->entries.resize(first - model->base.index - 1);
  for (uint64_t n = 1 + random_.Uniform(4); n > 0; n--) {
    const size_t length = random_.OneIn(10) ? 3000 : random_.Uniform(200);
    const auto type = random_.OneIn(5) ? raft::EntryType::kConfChangeV2 : raft::EntryType::kNormal;
    const auto letter = static_cast<char>('a' + random_.Uniform(26));
    model->entries.push_back(
        {type, term, model->last_index() + 1, raft::Payload(std::string(length, letter))});
    change->entries.push_back(model->entries.back());
  }
  change->write.hard_state = model->hard_state;
}

RaftLogWorkload::Change RaftLogWorkload::RandomChange(GroupId group, GroupModel* model) {
  Change change;
  change.write.group = group;
  const auto snapshot_at = [&](raft::LogIndex index, raft::Term term) {
    auto snapshot = std::make_shared<raft::Snapshot>();
    snapshot->index = index;
    snapshot->term = term;
    snapshot->conf_state.voters = {1, 2, 1 + random_.Uniform(5)};
    snapshot->data = raft::Payload("snapshot " + std::to_string(random_.Next()));
    return snapshot;
  };
  const uint64_t dice = random_.Uniform(20);
  if (dice < 12 || model->entries.empty()) {
    AddEntries(model, &change);
  } else if (dice < 15) {
    SomeTerm(model);
    model->hard_state.commit = model->last_index();
    change.write.hard_state = model->hard_state;
  } else if (dice < 19) {
    const raft::LogIndex index = model->base.index + 1 + random_.Uniform(model->entries.size());
    const raft::Term term = model->entries[index - model->base.index - 1].term;
    if (model->snapshot == nullptr || model->snapshot->index <= index) {
      model->snapshot = change.write.snapshot = snapshot_at(index, term);
    }
    const raft::LogIndex dropped = index - model->base.index;
    change.write.compact_to = index;
    model->base = {term, index};
    model->entries.erase(model->entries.begin(),
                         model->entries.begin() + static_cast<ptrdiff_t>(dropped));
  } else {
    const raft::LogIndex index = model->last_index() + 1 + random_.Uniform(9);
    model->snapshot = change.write.install = snapshot_at(index, SomeTerm(model));
    model->base = model->snapshot->id();
    model->entries.clear();
    change.write.hard_state = model->hard_state;
    if (random_.OneIn(2)) AddEntries(model, &change);
  }
  return change;
}

void RaftLogWorkload::AppendSome() {
  State state = states_.back();
  std::vector<Change> changes;
  for (uint64_t n = 1 + random_.Uniform(3); n > 0; n--) {
    // The last group is seldom written to, and pins what it has.
    const GroupId group = 1 + (random_.OneIn(20) ? kGroups : random_.Uniform(kGroups));
    if (random_.OneIn(30) && state.contains(group)) {
      const bool again = std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        return change.write.group == group;
      });
      if (again) continue;
      state.erase(group);
      changes.push_back({{.group = group, .remove = true}, {}});
      break;
    }
    // A compaction takes only what was there before the append.
    const bool again = std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
      return change.write.group == group;
    });
    if (again) {
      Change change{{.group = group}, {}};
      AddEntries(&state[group], &change);
      changes.push_back(std::move(change));
    } else {
      changes.push_back(RandomChange(group, &state[group]));
    }
  }
  std::vector<GroupWrite> writes;
  for (const Change& change : changes) {
    writes.push_back(change.write);
    writes.back().entries = change.entries;
  }
  states_.push_back(std::move(state));
  const auto end = log_->Append(writes);
  if (!end.ok()) return Failed();
  acknowledged_ = states_.size() - 1;
}

void RaftLogWorkload::Sync() {
  const auto synced = log_->Sync();
  if (!synced.ok()) return Failed();
  durable_ = acknowledged_;
  if (!log_->MarkSynced().ok()) return Failed();
}

void RaftLogWorkload::CheckSomeReads() {
  const State& state = states_.back();
  if (state.empty()) return;
  auto it = state.begin();
  std::advance(it, static_cast<ptrdiff_t>(random_.Uniform(state.size())));
  const auto& [group, model] = *it;
  if (model.entries.empty()) return;
  const uint64_t from = random_.Uniform(model.entries.size());
  const uint64_t limit = random_.Uniform(2000);
  const auto read =
      log_->StorageOf(group).Entries(model.base.index + 1 + from, model.last_index() + 1, limit);
  if (!read.ok()) return Failed();
  std::vector<raft::Entry> expected(model.entries.begin() + static_cast<ptrdiff_t>(from),
                                    model.entries.end());
  raft::LimitSize(&expected, limit);
  if (*read != expected) {
    Violate("entries of group " + std::to_string(group) + " differ from the model");
  }
}

void RaftLogWorkload::Shut() {
  // Without a close it is as if the process had been killed.
  if (random_.OneIn(2)) {
    if (!log_->Close().ok()) return Failed();
    durable_ = acknowledged_;
  }
  log_.reset();
}

void RaftLogWorkload::Step() {
  const uint64_t dice = random_.Uniform(100);
  Status status;
  if (dice < 60) {
    AppendSome();
  } else if (dice < 75) {
    Sync();
  } else if (dice < 85) {
    status = log_->Collect();
  } else if (dice < 88) {
    // An error is not final here, but counts as one.
    status = log_->WriteAhead().status();
  } else if (dice < 96) {
    CheckSomeReads();
  } else {
    Shut();
  }
  if (!status.ok()) Failed();
}

Result<RaftLogWorkload::State> RaftLogWorkload::ReadState(RaftLog& log) {
  State state;
  for (const GroupId group : log.Groups()) {
    const raftlog::GroupStorage& storage = log.StorageOf(group);
    GroupModel& model = state[group];
    ASSIGN_OR_RETURN(const raft::Storage::Saved saved, storage.Load());
    model.hard_state = saved.hard_state;
    model.base.index = storage.FirstIndex() - 1;
    ASSIGN_OR_RETURN(model.base.term, storage.TermAt(model.base.index));
    ASSIGN_OR_RETURN(model.entries, storage.Entries(storage.FirstIndex(), storage.LastIndex() + 1,
                                                    raft::kNoLimit));
    ASSIGN_OR_RETURN(const auto snapshot, storage.LatestSnapshot());
    if (!snapshot->empty()) model.snapshot = snapshot;
  }
  return state;
}

uint64_t RaftLogWorkload::Match(const State& state, uint64_t must, std::string* violation) const {
  // The last one that fits: equal states are equal.
  for (uint64_t number = states_.size(); number-- > must;) {
    if (states_[number] == state) return number;
  }
  std::string groups;
  for (const auto& [group, model] : state) {
    groups += " " + std::to_string(group) + "(" + std::to_string(model.base.index) + ".." +
              std::to_string(model.last_index()) + " term " +
              std::to_string(model.hard_state.term) + ")";
  }
  *violation = "the groups are as after none of the appends " + std::to_string(must) + " to " +
               std::to_string(states_.size() - 1) + ":" + groups;
  return 0;
}

uint64_t RaftLogWorkload::Check(RaftLog& log, uint64_t must, std::string* violation) const {
  const Result<State> state = ReadState(log);
  if (state.ok()) return Match(*state, must, violation);
  *violation = "the groups cannot be read: " + state.status().ToString();
  return 0;
}

std::string RaftLogWorkload::CheckRemains(vfs::FileSystem& disk, Ending ending) const {
  auto log = Open(disk);
  if (!log.ok()) return "the raft log does not open: " + log.status().ToString();
  const uint64_t must = ending == Ending::kKill ? acknowledged_ : durable_;
  std::string violation;
  const uint64_t number = Check(**log, must, &violation);
  if (!violation.empty()) return violation;
  // Life goes on: segments are collected, something is synced, and all of it opens again.
  State state = states_[number];
  const std::vector<raft::Entry> entries = {
      {raft::EntryType::kNormal, 1, 1, raft::Payload("after the crash")}};
  const GroupWrite write{.group = 1000, .entries = entries};
  state[1000].entries = entries;
  for (int i = 0; i < 3; i++) {
    const auto end = (*log)->Append({&write, 1});
    if (!end.ok()) return "no append after the reopen: " + end.status().ToString();
    const auto synced = (*log)->Sync();
    if (!synced.ok()) return "no sync after the reopen: " + synced.status().ToString();
    const Status collected = (*log)->Collect();
    if (!collected.ok()) return "no collection after the reopen: " + collected.ToString();
  }
  log = Open(disk);
  if (!log.ok()) return "the raft log does not open twice: " + log.status().ToString();
  const Result<State> again = ReadState(**log);
  if (!again.ok()) return "second reopen: " + again.status().ToString();
  if (*again != state) return "the second reopen finds other groups than the first";
  return "";
}

std::unique_ptr<Subject> NewRaftLogWorkload(uint64_t seed, vfs::FileSystem& fs) {
  return std::make_unique<RaftLogWorkload>(seed, fs);
}

}  // namespace nokv::sim
