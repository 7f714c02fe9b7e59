// TestTree: tables on a memory disk, a memtable in front, and a model that knows what every read
// must answer. For tests only.
//
// Thread safety: thread-compatible.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lsm/compaction/compaction_picker.h"
#include "lsm/compaction/merge_job.h"
#include "lsm/iterator/merging_iterator.h"
#include "lsm/memtable/memtable.h"
#include "lsm/version/version_state.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::lsm {

class TestTree {
 public:
  TestTree() : memory_(vfs::NewMemoryFileSystem()), fs_(vfs::NewFaultFileSystem(*memory_)) {
    EXPECT_TRUE(fs_->CreateDirs("/db").ok() && fs_->SyncDir("/").ok());
    options_.l0_trigger_files = 3;
    options_.base_level_bytes = 4000;
    options_.level_multiplier = 2;
    options_.target_file_bytes = 700;
    Reopen();
  }

  vfs::MemoryFileSystem& memory() { return *memory_; }
  vfs::FaultFileSystem& fs() { return *fs_; }
  VersionState& state() { return *state_; }
  std::shared_ptr<const Version> version() { return state_->current(); }

  // Drops everything that is not in tables.
  void Reopen() {
    state_.reset();
    VersionStateOptions options;
    options.max_open_tables = max_open_tables_;
    auto opened = VersionState::Open(*fs_, "/db", cache_, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    state_ = std::move(*opened);
  }

  // --- changes: to the memtable and the model ---

  void Put(const std::string& key, const std::string& value, uint64_t version = 0,
           uint64_t expiry_ms = 0) {
    const std::string engine_key = Key(key, version);
    sequence_++;
    EntryAttributes attributes;
    attributes.expiry_ms = expiry_ms;
    memtable_->Add(sequence_, keys::Kind::kPut, engine_key, attributes, value);
    history_[engine_key].push_back({sequence_, value, expiry_ms});
  }
  void Delete(const std::string& key, uint64_t version = 0) {
    const std::string engine_key = Key(key, version);
    sequence_++;
    memtable_->Add(sequence_, keys::Kind::kDelete, engine_key, {}, {});
    history_[engine_key].push_back({sequence_, std::nullopt, 0});
  }
  void DeleteRange(const std::string& begin, const std::string& end) {
    sequence_++;
    memtable_->AddRangeTombstone({Prefix(begin), Prefix(end), sequence_});
    for (auto& [engine_key, changes] : history_) {
      const std::string_view prefix = keys::PrefixOf(engine_key);
      if (prefix >= Prefix(begin) && prefix < Prefix(end)) {
        changes.push_back({sequence_, std::nullopt, 0});
      }
    }
  }
  void Advance(uint64_t millis) { now_ms_ += millis; }
  keys::SequenceNumber TakeSnapshot() {
    snapshots_.insert(sequence_);
    return sequence_;
  }
  void ReleaseSnapshot(keys::SequenceNumber snapshot) {
    snapshots_.erase(snapshots_.find(snapshot));
  }
  const std::multiset<keys::SequenceNumber>& snapshots() const { return snapshots_; }

  // --- background work ---

  Status Run(MergeJob& job) {
    for (int i = 0; i < 100000; i++) {
      Result<bool> done = job.Step(64);
      if (!done.ok()) return done.status();
      if (!*done) continue;
      const Status installed = state_->LogAndApply({job.edit()});
      if (!installed.ok() && state_->failure().ok()) job.RemoveOutputs();
      return installed;
    }
    return Status::Internal("the job does not end");
  }
  // All slices a step each in turn, and installed together.
  Status RunSlices(const CompactionPlan& plan) {
    std::vector<std::unique_ptr<MergeJob>> jobs;
    KeySlice slice;
    for (const std::string& bound : SliceBounds(plan, slices_, 1)) {
      slice.end = bound;
      jobs.push_back(NewCompactionJob(plan, Context(), slice));
      slice = {bound, std::nullopt};
    }
    jobs.push_back(NewCompactionJob(plan, Context(), slice));
    if (jobs.size() == 1) return Run(*jobs.front());
    manifest::EditGroup group;
    std::set<const MergeJob*> done;
    while (done.size() < jobs.size()) {
      for (const auto& job : jobs) {
        Result<bool> ended = job->Step(64);
        if (!ended.ok()) return ended.status();
        if (*ended && done.insert(job.get()).second) group.push_back(job->edit());
      }
    }
    return state_->LogAndApply(std::move(group));
  }
  Status Flush() {
    const auto job = NewFlushJob({memtable_}, Context());
    Status status = Run(*job);
    if (status.ok()) memtable_ = std::make_shared<Memtable>();
    return status;
  }
  Status Compact(const CompactionPlan& plan) {
    compactions_.Register(plan);
    Status status;
    if (plan.trivial_move) {
      status = state_->LogAndApply({TrivialMoveEdit(plan)});
    } else {
      status = RunSlices(plan);
    }
    compactions_.Unregister(plan);
    return status;
  }
  // Takes effect at the next Reopen.
  void SetMaxOpenTables(size_t tables) { max_open_tables_ = tables; }
  // From now on compactions are carried out in up to so many slices.
  void SetSlices(size_t slices) { slices_ = slices; }
  std::optional<CompactionPlan> Pick() {
    const PickContext context{now_ms_,
                              snapshots_.empty() ? keys::kMaxSequence : *snapshots_.begin()};
    return PickCompaction(version(), options_, compactions_, context);
  }
  // Of everything in `level`, or in [begin, end].
  std::optional<CompactionPlan> Manual(int level, const PrefixRange& range = {"", "\xff", true}) {
    return PlanManual(version(), options_, level, range);
  }
  // Everything, level by level, until it is all in one.
  void CompactAll() {
    for (int level = 0; level < kLevels; level++) {
      const auto plan = Manual(level);
      if (!plan) continue;
      const Status status = Compact(*plan);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  MergeJobContext Context() {
    MergeJobContext context;
    context.fs = fs_.get();
    context.dir = "/db";
    context.new_file_number = [this] { return state_->NewFileNumber(); };
    context.target_file_bytes = options_.target_file_bytes;
    for (TableOptions& options : context.table_options) {
      options.block_bytes = 128;
      options.compression = Compression::kNone;
    }
    context.snapshots.assign(snapshots_.begin(), snapshots_.end());
    context.now_ms = now_ms_;
    return context;
  }

  // --- checks ---

  // Compares every key, at every live snapshot and now, through Get and through a scan, with the
  // model. REQUIRES: the memtable was flushed.
  void Check() {
    const std::shared_ptr<const Version> current = version();
    const Status invariants = current->CheckInvariants();
    ASSERT_TRUE(invariants.ok()) << invariants;
    std::set<keys::SequenceNumber> views(snapshots_.begin(), snapshots_.end());
    views.insert(sequence_);
    for (const keys::SequenceNumber view : views) {
      const std::map<std::string, std::string> scanned = Scan(*current, view);
      for (const auto& [engine_key, changes] : history_) {
        const std::optional<std::string> expected = Expected(changes, view);
        ASSERT_EQ(Read(*current, engine_key, view), expected)
            << engine_key << " at snapshot " << view << " of " << sequence_;
        const auto found = scanned.find(engine_key);
        ASSERT_EQ(found == scanned.end() ? std::nullopt : std::optional(found->second), expected)
            << engine_key << " scanned at snapshot " << view;
      }
    }
  }

  static std::string Key(const std::string& key, uint64_t version = 0) {
    return keys::EncodeEngineKey(keys::Keyspace::kData, key, version);
  }
  static std::string Prefix(const std::string& key) {
    return keys::EncodePrefix(keys::Keyspace::kData, key);
  }

 private:
  struct Change {
    keys::SequenceNumber sequence;
    std::optional<std::string> value;  // nullopt: deleted
    uint64_t expiry_ms;
  };

  std::optional<std::string> Expected(const std::vector<Change>& changes,
                                      keys::SequenceNumber view) const {
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      if (change->sequence > view) continue;
      const bool expired = change->expiry_ms != 0 && change->expiry_ms <= now_ms_;
      return expired ? std::nullopt : change->value;
    }
    return std::nullopt;
  }

  std::optional<std::string> ValueOf(std::string_view payload) const {
    ParsedPayload parsed;
    EXPECT_TRUE(ParseEntryPayload(payload, &parsed));
    if (parsed.attributes.ExpiredAt(now_ms_)) return std::nullopt;
    return std::string(parsed.value);
  }

  std::optional<std::string> Read(const Version& version, const std::string& engine_key,
                                  keys::SequenceNumber view) const {
    LookupResult result;
    const Status status = version.Get(engine_key, view, &result);
    EXPECT_TRUE(status.ok()) << status;
    if (result.state != LookupResult::State::kFound) return std::nullopt;
    return ValueOf(result.payload);
  }

  std::map<std::string, std::string> Scan(const Version& version, keys::SequenceNumber view) const {
    std::vector<std::unique_ptr<InternalIterator>> children;
    version.AddIterators(/*fill_cache=*/false, &children);
    const auto tombstones = *version.CollectTombstones();
    const auto cursor = NewMergingIterator(std::move(children));
    std::map<std::string, std::string> result;
    std::string decided;
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      const std::string engine_key(keys::EngineKeyOf(cursor->key()));
      const keys::SequenceNumber sequence = keys::SequenceOf(cursor->key());
      if (sequence > view || engine_key == decided) continue;
      decided = engine_key;
      const bool covered = std::any_of(tombstones.begin(), tombstones.end(), [&](const auto& set) {
        return set->MaxCovering(keys::PrefixOf(engine_key), view) > sequence;
      });
      if (covered || keys::KindOf(cursor->key()) == keys::Kind::kDelete) continue;
      const std::optional<std::string> value = ValueOf(cursor->value());
      if (value) result[engine_key] = *value;
    }
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
    return result;
  }

  const std::unique_ptr<vfs::MemoryFileSystem> memory_;
  const std::unique_ptr<vfs::FaultFileSystem> fs_;
  BlockCache cache_{1 << 20};
  CompactionOptions options_;
  CompactionState compactions_;
  size_t slices_ = 1;
  size_t max_open_tables_ = 0;
  std::unique_ptr<VersionState> state_;
  std::shared_ptr<Memtable> memtable_ = std::make_shared<Memtable>();
  keys::SequenceNumber sequence_ = 0;
  uint64_t now_ms_ = 1'000'000;
  std::multiset<keys::SequenceNumber> snapshots_;
  std::map<std::string, std::vector<Change>> history_;  // by engine key, oldest first
};

}  // namespace nokv::lsm
