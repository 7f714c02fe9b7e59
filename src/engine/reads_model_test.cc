// Reads against a model: cursors in both directions and lookups of many keys, over values in
// memtables, in tables and apart.
#include <gmock/gmock.h>

#include <map>

#include "base/random.h"
#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::HasSubstr;

constexpr size_t kThreshold = 100;

std::string Key(uint64_t i) {
  return "key" + std::to_string(1000 + i);
}

class ReadsModelTest : public testing::Test {
 protected:
  using Model = std::map<std::string, std::string>;

  void SetUp() override {
    Options options = SmallOptions();
    options.value_separation_threshold = kThreshold;
    h_.Open(options);
  }

  // Long and short values, deletions of one key and of several, in tables and memtable.
  void Fill(base::Random& random) {
    for (int step = 0; step < 1500; step++) {
      const uint64_t i = random.Uniform(200);
      if (random.OneIn(100)) {
        ASSERT_TRUE(h_.db->DeleteRange({}, Key(i), Key(i + 5)).ok());
        model_.erase(model_.lower_bound(Key(i)), model_.lower_bound(Key(i + 5)));
      } else if (random.OneIn(8)) {
        ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
        model_.erase(Key(i));
      } else {
        const size_t length = random.OneIn(4) ? random.Uniform(kThreshold) : kThreshold;
        const std::string value = std::string(length, 'v') + std::to_string(step);
        h_.Put(Key(i), value);
        model_[Key(i)] = value;
      }
      if (random.OneIn(300)) {
        ASSERT_TRUE(h_.db->Flush().ok());
      }
    }
  }

  // Looks up to forty keys up at once, some of them missing or asked for twice.
  void ExpectTogether(base::Random& random, const ReadOptions& options, const Model& model) {
    std::vector<std::string> keys(random.Uniform(41));
    for (std::string& key : keys) key = Key(random.Uniform(220));
    const auto values =
        h_.db->MultiGet(options, std::vector<std::string_view>(keys.begin(), keys.end()));
    ASSERT_TRUE(values.ok()) << values.status();
    ASSERT_EQ(values->size(), keys.size());
    for (size_t i = 0; i < keys.size(); i++) {
      const auto expected = model.find(keys[i]);
      ASSERT_EQ((*values)[i].has_value(), expected != model.end()) << keys[i];
      if (expected == model.end()) continue;
      ASSERT_EQ((*values)[i]->data, expected->second) << keys[i];
    }
  }

  // Moves `it` and its counterpart in the model alike, and compares them.
  void Walk(base::Random& random, const IteratorOptions& options) {
    const auto first = model_.lower_bound(options.lower_bound);
    const auto end =
        options.upper_bound.empty() ? model_.end() : model_.lower_bound(options.upper_bound);
    const auto it = h_.db->NewIterator(options);
    auto at = end;
    for (int step = 0; step < 300; step++) {
      Move(random, *it, first, end, &at);
      ASSERT_EQ(it->Valid(), at != end) << "step " << step << " " << it->status();
      if (at == end) continue;
      ASSERT_EQ(it->key(), at->first) << "step " << step;
      ASSERT_EQ(it->value(), options.key_only ? "" : at->second) << "step " << step;
    }
  }

  void Move(base::Random& random, Iterator& it, Model::iterator first, Model::iterator end,
            Model::iterator* at) {
    const auto before = [&](Model::iterator place) {
      return place == first ? end : std::prev(place);
    };
    // Mostly straight on, so that batches grow; now and then back, or elsewhere.
    const uint64_t kind = *at == end ? random.Uniform(4) : random.Uniform(40);
    if (kind == 0) {
      it.SeekToFirst();
      *at = first;
    } else if (kind == 1) {
      it.SeekToLast();
      *at = before(end);
    } else if (kind == 2 || kind == 3) {
      const std::string target = Key(random.Uniform(200));
      auto place = first;
      while (place != end && place->first < target) ++place;
      kind == 2 ? it.Seek(target) : it.SeekForPrev(target);
      const bool exact = place != end && place->first == target;
      *at = kind == 2 || exact ? place : before(place);
    } else if (Forward(random)) {
      it.Next();
      ++*at;
    } else {
      it.Prev();
      *at = before(*at);
    }
  }
  bool Forward(base::Random& random) {
    if (random.OneIn(10)) forward_ = !forward_;
    return forward_;
  }

  EngineHarness h_;
  Model model_;
  bool forward_ = true;
};

TEST_F(ReadsModelTest, CursorsAgreeInBothDirections) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    Fill(random);
    Walk(random, {});
    Walk(random, {.lower_bound = Key(50), .upper_bound = Key(150)});
    IteratorOptions keys_alone;
    keys_alone.key_only = true;
    Walk(random, keys_alone);
  }
}

TEST_F(ReadsModelTest, CursorsOverShortRangesAgreeWhereTablesHaveRangeFilters) {
  Options options = SmallOptions();
  options.value_separation_threshold = kThreshold;
  options.range_filter = true;
  h_.Open(options);
  for (uint64_t seed = 1; seed <= 5; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    Fill(random);
    for (int round = 0; round < 60; round++) {
      const uint64_t begin = random.Uniform(200);
      const std::string upper = Key(begin + random.Uniform(6)) + (random.OneIn(2) ? "0" : "");
      Walk(random, {.lower_bound = Key(begin), .upper_bound = upper});
    }
  }
  ASSERT_TRUE(h_.db->Flush().ok());
  const auto table = h_.disk->ReadFile("/db/" + h_.Files(".sst").back(), 1 << 20);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(*table, HasSubstr("block-cells.1"));
}

TEST_F(ReadsModelTest, KeysLookedUpTogetherReadAsOneByOne) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    Fill(random);
    const Model then = model_;
    const auto snapshot = h_.db->GetSnapshot();
    Fill(random);
    for (int round = 0; round < 30; round++) {
      ExpectTogether(random, {}, model_);
      ExpectTogether(random, {snapshot.get()}, then);
    }
  }
}

TEST_F(ReadsModelTest, KeysLookedUpTogetherFailTogether) {
  for (uint64_t i = 0; i < 40; i++) h_.Put(Key(i), std::string(kThreshold, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  const std::string a = Key(3), b = Key(30);
  const std::vector<std::string_view> keys = {a, b, "none"};
  h_.fs->SetObserver([](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.op == vfs::Op::kRead) fault.error_number = EIO;
    return fault;
  });
  EXPECT_EQ(h_.db->MultiGet({}, keys).status().code(), StatusCode::kUnavailable);
  h_.StopObserving();
  EXPECT_EQ(h_.db->MultiGet({}, keys)->size(), 3U);
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(h_.db->MultiGet({}, keys).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ReadsModelTest, ADamagedValueStopsACursorWhereItLiesAndNoEarlier) {
  for (uint64_t i = 0; i < 40; i++) {
    h_.Put(Key(i), std::string(kThreshold, 'v') + "<" + std::to_string(i) + ">");
  }
  ASSERT_TRUE(h_.db->Flush().ok());
  for (const std::string& name : h_.Files(".wal")) {
    std::string content = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    const size_t at = content.find("<20>");
    if (at == std::string::npos) continue;
    content[at] = '[';
    ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, content).ok());
  }
  const auto it = h_.db->NewIterator();
  uint64_t shown = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) EXPECT_EQ(it->key(), Key(shown++));
  EXPECT_EQ(shown, 20U);
  EXPECT_THAT(it->status().ToString(), HasSubstr("checksum mismatch"));
  shown = 0;
  for (it->SeekToLast(); it->Valid(); it->Prev()) shown++;
  EXPECT_EQ(shown, 19U);
  EXPECT_THAT(it->status().ToString(), HasSubstr("checksum mismatch"));
}

}  // namespace
}  // namespace nokv::engine
