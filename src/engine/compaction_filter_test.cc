// What a program tells compaction to drop and to change.
#include <gmock/gmock.h>

#include <cerrno>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

// Drops values that begin with "old" and every value of user-meta 7; what begins with "grow"
// becomes a thousand bytes, what begins with "shrink" a few.
class TestFilter : public CompactionFilter {
 public:
  struct Asked {
    std::string key, value;
    uint64_t sequence;
    int level;
    bool operator==(const Asked&) const = default;
  };
  explicit TestFilter(bool reads_values) : reads_values_(reads_values) {}

  Verdict Judge(const Entry& entry, std::string* new_value) const override {
    asked.push_back(
        {std::string(entry.key), std::string(entry.value), entry.sequence, entry.level});
    if (entry.value.starts_with("old") || entry.user_meta == 7) return Verdict::kDrop;
    if (entry.value.starts_with("grow")) {
      new_value->assign(1000, 'g');
      return Verdict::kChange;
    }
    if (!entry.value.starts_with("shrink")) return Verdict::kKeep;
    *new_value = "small";
    return Verdict::kChange;
  }
  bool ReadsValues() const override { return reads_values_; }

  mutable std::vector<Asked> asked;

 private:
  const bool reads_values_;
};

class CompactionFilterTest : public testing::Test {
 protected:
  // Values of `separation` bytes and more lie apart.
  void Open(size_t separation = SIZE_MAX, bool reads_values = true) {
    filter_ = std::make_shared<TestFilter>(reads_values);
    options_.compaction_filter = filter_;
    options_.value_separation_threshold = separation;
    h_.Open(options_);
  }
  void CompactAll() {
    const Status status = h_.db->CompactRange("", "");
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string GetAt(const Snapshot& snapshot, const std::string& key) {
    const auto value = h_.db->Get({&snapshot}, key);
    if (!value.ok()) return value.status().ToString();
    return value->has_value() ? (*value)->data : "(none)";
  }
  void Settle() {
    while (h_.runtime->RunOne()) {
    }
  }
  // A compaction of 20 values, every second an old one, that has asked about the first of them and
  // waits for its turn.
  void StopInTheMiddleOfACompaction() {
    options_.memtable_bytes = options_.immutable_memtable_bytes = 64 << 20;
    options_.level0_compaction_trigger = 1;
    options_.compaction_bytes_per_second = 1 << 20;
    Open();
    for (int i = 0; i < 20; i++) h_.Put("k" + std::to_string(10 + i), "below");
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.runtime->RunReady();
    for (int i = 0; i < 20; i++) {
      h_.Put("k" + std::to_string(10 + i), i % 2 == 0 ? old_ : std::string(1 << 20, 'v'));
    }
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.runtime->RunReady();
    ASSERT_FALSE(filter_->asked.empty());
    ASSERT_LT(filter_->asked.size(), 20U);
  }

  const std::string old_ = "old" + std::string(1 << 20, 'v');
  Options options_ = SmallOptions();
  std::shared_ptr<TestFilter> filter_;
  EngineHarness h_;
};

TEST_F(CompactionFilterTest, WhatItDropsIsGoneAfterACompaction) {
  for (const size_t separation : {SIZE_MAX, size_t{0}}) {
    Open(separation);
    h_.Put("a", "old");
    h_.Put("b", "new");
    ASSERT_TRUE(h_.db->Put({}, "c", "new", {0, 7}).ok());
    h_.Put(std::string("\xff") + "escaped", "old");
    EXPECT_EQ(h_.Get("a"), "old");
    CompactAll();
    EXPECT_EQ(h_.Scan(), "b=new");
    EXPECT_EQ(h_.db->Stats().entries, 1);
  }
}

TEST_F(CompactionFilterTest, ItIsShownKeyValueSequenceAndLevel) {
  for (const size_t separation : {SIZE_MAX, size_t{0}}) {
    Open(separation);
    const std::string escaped = std::string("\xff") + "k";
    const auto before = h_.db->Stats().last_sequence;
    h_.Put("a", "one");
    h_.Put(escaped, "two");
    CompactAll();
    EXPECT_THAT(filter_->asked, Contains(TestFilter::Asked{"a", "one", before + 1, 6}));
    EXPECT_THAT(filter_->asked, Contains(TestFilter::Asked{escaped, "two", before + 2, 6}));
  }
}

TEST_F(CompactionFilterTest, AChangedValueKeepsAllElseAndLiesWhereItsLengthSays) {
  for (const size_t separation : {SIZE_MAX, size_t{500}}) {
    Open(separation);
    ASSERT_TRUE(h_.db->Put({}, "a", "grow", {4'000'000'000'000, 5}).ok());
    h_.Put("b", "shrink" + std::string(1000, 's'));
    CompactAll();
    const auto value = h_.db->Get({}, "a");
    ASSERT_TRUE(value.ok() && value->has_value());
    EXPECT_EQ((*value)->data, std::string(1000, 'g'));
    EXPECT_EQ((*value)->expiry_ms, 4'000'000'000'000U);
    EXPECT_EQ((*value)->user_meta, 5);
    EXPECT_EQ(h_.Get("b"), "small");
    EXPECT_THAT(h_.Files(".vlog"), SizeIs(separation == SIZE_MAX ? 0 : 1));
    h_.Crash(/*power_lost=*/true);
    h_.Open(options_);
    EXPECT_EQ(h_.Get("a"), std::string(1000, 'g'));
    EXPECT_EQ(h_.Get("b"), "small");
    ASSERT_TRUE(h_.db->DeleteRange({}, "a", "c").ok());
    CompactAll();
  }
}

TEST_F(CompactionFilterTest, ValuesThatItDoesNotReadAreNotFetched) {
  Open(/*separation=*/500, /*reads_values=*/false);
  h_.Put("apart", "old" + std::string(1000, 'v'));
  h_.Put("inline", "old");
  ASSERT_TRUE(h_.db->Put({}, "marked", std::string(1000, 'v'), {0, 7}).ok());
  ASSERT_TRUE(h_.db->Flush().ok());
  int value_reads = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    value_reads += operation.op == vfs::Op::kRead && operation.path.ends_with(".wal") ? 1 : 0;
    return vfs::Fault{};
  });
  CompactAll();
  EXPECT_EQ(value_reads, 0);
  ASSERT_FALSE(filter_->asked.empty());
  for (const auto& asked : filter_->asked) EXPECT_THAT(asked.value, IsEmpty()) << asked.key;
  EXPECT_EQ(h_.Get("inline"), "old");
  EXPECT_EQ(h_.Get("marked"), "(none)");
}

TEST_F(CompactionFilterTest, AnOlderValueBelowDoesNotComeBack) {
  Open();
  h_.Put("k", "first");
  CompactAll();
  h_.Put("k", "old");
  CompactAll();
  EXPECT_EQ(h_.Get("k"), "(none)");
}

TEST_F(CompactionFilterTest, ASnapshotKeepsWhatItSees) {
  Open();
  h_.Put("k", "old");
  h_.Put("l", "shrink");
  auto snapshot = h_.db->GetSnapshot();
  h_.Put("k", "older still");
  CompactAll();
  EXPECT_EQ(GetAt(*snapshot, "k"), "old");
  EXPECT_EQ(GetAt(*snapshot, "l"), "shrink");
  EXPECT_EQ(h_.Get("k"), "(none)") << "the newest is not the snapshot's";
  snapshot.reset();
  CompactAll();
  EXPECT_EQ(h_.Scan(), "l=small");
}

TEST_F(CompactionFilterTest, ASnapshotThatIsTakenWhileACompactionRunsKeepsWhatItSees) {
  StopInTheMiddleOfACompaction();
  auto snapshot = h_.db->GetSnapshot();
  const auto it = h_.db->NewIterator({});
  auto transaction = h_.db->BeginTransaction();
  EXPECT_EQ(GetAt(*snapshot, "k10"), old_);
  Settle();
  ASSERT_THAT(filter_->asked, SizeIs(20));
  EXPECT_EQ(h_.Get("k10"), "(none)") << "who comes later sees what the filter left";
  EXPECT_EQ(GetAt(*snapshot, "k10"), old_);
  EXPECT_EQ(GetAt(*snapshot, "k28"), old_);
  const auto in_transaction = transaction->Get("k10");
  EXPECT_TRUE(in_transaction.ok() && in_transaction->has_value());
  int seen = 0;
  IteratorOptions at_snapshot;
  at_snapshot.snapshot = snapshot.get();
  const auto later = h_.db->NewIterator(at_snapshot);
  for (later->SeekToFirst(); later->Valid(); later->Next()) seen++;
  for (it->SeekToFirst(); it->Valid(); it->Next()) seen++;
  EXPECT_EQ(seen, 40);
}

// Every operation of a compaction is the last one before the power fails: a key is as it was or as
// the filter says, and one that it keeps is there.
TEST_F(CompactionFilterTest, APowerCutAnywhereLeavesTheOldOrTheNewValue) {
  bool reached_end = false;
  for (uint64_t cut = 0; !reached_end; cut++) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    EngineHarness h;
    const auto filter = std::make_shared<TestFilter>(true);
    Options options = SmallOptions();
    options.value_separation_threshold = 500;
    options.compaction_filter = filter;
    h.Open(options);
    h.Put("drop", "old" + std::string(1000, 'v'));
    h.Put("grow", "grow");
    h.Put("keep", std::string(1000, 'k'), /*sync=*/true);
    ASSERT_TRUE(h.db->Flush().ok());
    const uint64_t first = h.fs->operations();
    h.fs->SetObserver([&](const vfs::Operation& operation) {
      return vfs::Fault{.error_number = operation.number >= first + cut ? EIO : 0};
    });
    reached_end = h.db->CompactRange("", "").ok();
    h.Crash(/*power_lost=*/true);
    options.compaction_filter = nullptr;
    h.Open(options);
    const std::string dropped = h.Get("drop"), grown = h.Get("grow");
    EXPECT_TRUE(dropped == "(none)" || dropped == "old" + std::string(1000, 'v')) << dropped;
    EXPECT_TRUE(grown == "grow" || grown == std::string(1000, 'g')) << grown;
    EXPECT_EQ(dropped == "(none)", grown != "grow") << "one edit, both or neither";
    EXPECT_EQ(h.Get("keep"), std::string(1000, 'k'));
    ASSERT_LT(cut, 1000U);
  }
}

}  // namespace
}  // namespace nokv::engine
