#include "lsm/memtable/memtable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "base/random.h"

namespace nokv::lsm {
namespace {

using keys::EncodeEngineKey;
using keys::Keyspace;
using keys::Kind;

struct InternalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return keys::CompareInternalKeys(a, b) < 0;
  }
};
using Model = std::map<std::string, std::string, InternalLess>;

std::string RandomEngineKey(base::Random& random) {
  // Short keys over two letters: many are prefixes of others, and many repeat.
  std::string key;
  for (uint64_t n = random.Uniform(5); n > 0; n--) key += random.OneIn(2) ? 'a' : '\xff';
  return EncodeEngineKey(Keyspace::kData, key, random.Uniform(3));
}

// Adds entries with the sequence numbers 1 to `count` in an order that `seed` decides, as threads
// would that are slower than others.
void Fill(uint64_t seed, int count, Memtable* table, Model* model) {
  base::Random random(seed);
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 1);
  for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[random.Uniform(i)]);
  for (const int i : order) {
    const std::string key = RandomEngineKey(random);
    const Kind kind = random.OneIn(4) ? Kind::kDelete : Kind::kPut;
    const std::string value(random.Uniform(40), static_cast<char>('0' + i % 10));
    const auto sequence = static_cast<keys::SequenceNumber>(i);
    table->Add(sequence, kind, key, {.expiry_ms = random.Uniform(2), .user_meta = 0, .origin = {}},
               value);
    (*model)[keys::EncodeInternalKey(key, keys::PackTrailer(sequence, kind))] = value;
  }
}

std::string ValueOf(std::string_view payload) {
  ParsedPayload parsed;
  EXPECT_TRUE(ParseEntryPayload(payload, &parsed));
  return std::string(parsed.value);
}

class MemtableSizeTest : public testing::TestWithParam<size_t> {};

// With buckets that hold many keys each, and with room enough.
INSTANTIATE_TEST_SUITE_P(ExpectedEntries, MemtableSizeTest, testing::Values(0, 16, 4096));

TEST_P(MemtableSizeTest, GetFindsTheNewestEntryOfASnapshot) {
  Memtable table(GetParam());
  Model model;
  Fill(1, 2000, &table, &model);
  EXPECT_EQ(table.entries(), 2000U);
  base::Random random(2);
  std::vector<std::string> some(21);
  for (int i = 0; i < 5000; i++) {
    const std::string key = RandomEngineKey(random);
    some[random.Uniform(some.size())] = key;
    if (random.OneIn(10)) table.Prefetch(some);  // a hint changes nothing
    const keys::SequenceNumber snapshot = random.Uniform(2200);
    const auto expected =
        model.lower_bound(keys::EncodeInternalKey(key, keys::SeekTrailer(snapshot)));
    const bool is_there =
        expected != model.end() && keys::EngineKeyOf(expected->first) == std::string_view(key);
    uint64_t trailer = 0;
    std::string_view payload;
    ASSERT_EQ(table.Get(key, snapshot, &trailer, &payload), is_there);
    if (is_there) {
      EXPECT_EQ(trailer, keys::TrailerOf(expected->first));
      EXPECT_EQ(ValueOf(payload), expected->second);
    }
  }
}

TEST(MemtableTest, IteratorWalksAndSeeksAsAMapDoes) {
  Memtable table;
  Model model;
  Fill(3, 1000, &table, &model);
  const auto it = table.NewIterator();
  auto expected = model.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++expected) {
    ASSERT_NE(expected, model.end());
    ASSERT_EQ(it->key(), expected->first);
    ASSERT_EQ(ValueOf(it->value()), expected->second);
  }
  EXPECT_EQ(expected, model.end());
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    --expected;
    ASSERT_EQ(it->key(), expected->first);
  }
  EXPECT_EQ(expected, model.begin());

  base::Random random(4);
  for (int i = 0; i < 2000; i++) {
    const std::string target =
        keys::EncodeInternalKey(RandomEngineKey(random), keys::SeekTrailer(random.Uniform(1100)));
    it->Seek(target);
    auto at = model.lower_bound(target);
    ASSERT_EQ(it->Valid(), at != model.end());
    if (it->Valid()) {
      ASSERT_EQ(it->key(), at->first);
    }
    it->SeekForPrev(target);
    at = model.upper_bound(target);
    ASSERT_EQ(it->Valid(), at != model.begin());
    if (it->Valid()) {
      ASSERT_EQ(it->key(), std::prev(at)->first);
    }
  }
}

TEST(MemtableTest, ASeekSeesKeysThatCameSinceTheLast) {
  Memtable table;
  const auto it = table.NewIterator();
  const auto key = [](int i) { return EncodeEngineKey(Keyspace::kData, std::to_string(i)); };
  const auto seek = [&](int i) {
    it->Seek(keys::EncodeInternalKey(key(i), keys::SeekTrailer(keys::kMaxSequence)));
  };
  // Each comes before all that were there.
  for (int i = 999; i >= 100; i--) {
    table.Add(static_cast<keys::SequenceNumber>(1000 - i), Kind::kPut, key(i), {}, "v");
    if (i % 7 != 0) continue;
    seek(i);
    int entries = 0;
    for (; it->Valid(); it->Next()) {
      ASSERT_EQ(keys::EngineKeyOf(it->key()), key(i + entries));
      entries++;
    }
    EXPECT_EQ(entries, 1000 - i);
  }
}

TEST(MemtableTest, AKeyWrittenOftenIsWalkedInBothDirections) {
  Memtable table;
  constexpr keys::SequenceNumber kWrites = 5000;
  for (const std::string_view name : {"a", "b", "c"}) {
    for (keys::SequenceNumber i = 1; i <= kWrites; i++) {
      table.Add(i, Kind::kPut, EncodeEngineKey(Keyspace::kData, name), {}, "v");
    }
  }
  const auto it = table.NewIterator();
  it->SeekToLast();
  for (const std::string_view name : {"c", "b", "a"}) {
    for (keys::SequenceNumber i = 1; i <= kWrites; i++, it->Prev()) {
      ASSERT_TRUE(it->Valid());
      ASSERT_EQ(it->key(), keys::EncodeInternalKey(EncodeEngineKey(Keyspace::kData, name),
                                                   keys::PackTrailer(i, Kind::kPut)));
    }
  }
  EXPECT_FALSE(it->Valid());
  // A turn in the middle stays on the path.
  it->Seek(keys::EncodeInternalKey(EncodeEngineKey(Keyspace::kData, "b"), keys::SeekTrailer(10)));
  it->Prev();
  EXPECT_EQ(keys::SequenceOf(it->key()), 11U);
  it->Next();
  it->Next();
  EXPECT_EQ(keys::SequenceOf(it->key()), 9U);
  it->Prev();
  EXPECT_EQ(keys::SequenceOf(it->key()), 10U);
}

TEST(MemtableTest, EmptyTableHasNothing) {
  Memtable table;
  uint64_t trailer;
  std::string_view payload;
  EXPECT_TRUE(table.empty());
  EXPECT_FALSE(table.Get(EncodeEngineKey(Keyspace::kData, "a"), 9, &trailer, &payload));
  const auto it = table.NewIterator();
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(table.range_tombstones()->empty());
}

TEST(MemtableTest, ConcurrentInsertsAllArriveInOrderAndAreReadableAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kPerThread = 5000;
  Memtable table;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([&table, &running, t] {
      base::Random random(static_cast<uint64_t>(t));
      for (int i = 0; i < kPerThread; i++) {
        // All threads fight over the same 500 keys.
        const std::string key =
            EncodeEngineKey(Keyspace::kData, "key" + std::to_string(random.Uniform(500)));
        const keys::SequenceNumber sequence = static_cast<keys::SequenceNumber>(i) * kThreads +
                                              static_cast<keys::SequenceNumber>(t) + 1;
        table.Add(sequence, Kind::kPut, key, {}, std::to_string(sequence));
        uint64_t trailer = 0;
        std::string_view payload;
        ASSERT_TRUE(table.Get(key, sequence, &trailer, &payload));
        ASSERT_EQ(trailer >> 8, sequence);
        ASSERT_EQ(ValueOf(payload), std::to_string(sequence));
      }
      running.fetch_sub(1);
    });
  }
  const auto it = table.NewIterator();
  while (running.load() > 0) {
    std::string last;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (!last.empty()) {
        ASSERT_LT(keys::CompareInternalKeys(last, it->key()), 0);
      }
      last = it->key();
    }
  }
  for (auto& thread : threads) thread.join();
  int count = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) count++;
  EXPECT_EQ(count, kThreads * kPerThread);
}

TEST(MemtableTest, NoThreadLosesAKeyThatAnotherAddsAtTheSameMoment) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 3000;
  // Few buckets: threads that add new keys meet in them.
  Memtable table(/*expected_entries=*/16);
  std::atomic<int> at_start{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([&table, &at_start, t] {
      at_start.fetch_add(1);
      while (at_start.load() < kThreads) {
      }
      // The same new keys in the same order; every thread brings one version of each, half of them
      // older versions after newer ones.
      for (int i = 0; i < kKeys; i++) {
        const auto version = static_cast<keys::SequenceNumber>((t + i) % kThreads + 1);
        const std::string key = EncodeEngineKey(Keyspace::kData, std::to_string(i));
        table.Add(version, Kind::kPut, key, {}, std::to_string(version));
        uint64_t trailer = 0;
        std::string_view payload;
        ASSERT_TRUE(table.Get(key, version, &trailer, &payload));
        ASSERT_EQ(ValueOf(payload), std::to_string(version));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < kKeys; i++) {
    const std::string key = EncodeEngineKey(Keyspace::kData, std::to_string(i));
    for (keys::SequenceNumber version = 1; version <= kThreads; version++) {
      uint64_t trailer = 0;
      std::string_view payload;
      ASSERT_TRUE(table.Get(key, version, &trailer, &payload));
      ASSERT_EQ(trailer >> 8, version);
    }
  }
}

TEST(MemtableTest, AnOldSnapshotOfAKeyWrittenOftenIsFound) {
  Memtable table;
  const std::string key = EncodeEngineKey(Keyspace::kData, "counter");
  constexpr keys::SequenceNumber kWrites = 20000;
  for (keys::SequenceNumber i = 2; i <= kWrites; i++) {
    table.Add(i, Kind::kPut, key, {}, std::to_string(i));
  }
  uint64_t trailer = 0;
  std::string_view payload;
  for (keys::SequenceNumber snapshot = 2; snapshot <= kWrites; snapshot++) {
    ASSERT_TRUE(table.Get(key, snapshot, &trailer, &payload));
    ASSERT_EQ(trailer >> 8, snapshot);
  }
  EXPECT_FALSE(table.Get(key, 1, &trailer, &payload));
}

TEST(MemtableTest, RangeTombstonesAreSeenAsSoonAsTheyAreAdded) {
  Memtable table;
  const std::string a = keys::EncodePrefix(Keyspace::kData, "a");
  const std::string m = keys::EncodePrefix(Keyspace::kData, "m");
  const std::string z = keys::EncodePrefix(Keyspace::kData, "z");
  table.AddRangeTombstone({a, m, 5});
  const auto before = table.range_tombstones();
  EXPECT_EQ(before->MaxCovering(a, 9), 5U);
  table.AddRangeTombstone({m, z, 7});
  EXPECT_EQ(table.range_tombstones()->MaxCovering(m, 9), 7U);
  EXPECT_EQ(before->MaxCovering(m, 9), 0U) << "a set that was handed out does not change";
  EXPECT_EQ(table.range_tombstone_count(), 2U);
  EXPECT_FALSE(table.empty());
}

TEST(MemtableTest, MemoryUsageCoversWhatWasAdded) {
  Memtable table;
  for (keys::SequenceNumber i = 1; i <= 100; i++) {
    table.Add(i, Kind::kPut, EncodeEngineKey(Keyspace::kData, "k"), {}, std::string(100000, 'x'));
  }
  EXPECT_GE(table.MemoryUsage(), 100U * 100000);
  EXPECT_GE(Memtable(4096).MemoryUsage(), 4096 * sizeof(void*));
}

TEST(MemtableDeathTest, AddingAnInternalKeyTwiceStopsTheProcess) {
  Memtable table;
  const std::string key = EncodeEngineKey(Keyspace::kData, "k");
  table.Add(1, Kind::kPut, key, {}, "v");
  EXPECT_DEATH(table.Add(1, Kind::kPut, key, {}, "v"), "added twice");
}

}  // namespace
}  // namespace nokv::lsm
