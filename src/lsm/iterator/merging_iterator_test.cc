#include "lsm/iterator/merging_iterator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/random.h"
#include "keys/keys.h"

namespace nokv::lsm {
namespace {

std::string Key(uint64_t n, keys::SequenceNumber sequence) {
  return keys::EncodeInternalKey(
      keys::EncodeEngineKey(keys::Keyspace::kData, "k" + std::to_string(1000 + n)),
      keys::PackTrailer(sequence, keys::Kind::kPut));
}

struct Entry {
  std::string key;
  std::string value;
};

bool Less(const Entry& a, const Entry& b) {
  return keys::CompareInternalKeys(a.key, b.key) < 0;
}

// A cursor over a vector; fails when it reaches entry `bad`.
class VectorIterator : public InternalIterator {
 public:
  explicit VectorIterator(std::vector<Entry> entries, size_t bad = SIZE_MAX)
      : entries_(std::move(entries)), bad_(bad), at_(entries_.size()) {}
  bool Valid() const override { return at_ < entries_.size() && at_ != bad_; }
  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override { at_ = entries_.size() - 1; }  // wraps to invalid if empty
  void Seek(std::string_view target) override {
    at_ = 0;
    while (Valid() && keys::CompareInternalKeys(entries_[at_].key, target) < 0) at_++;
  }
  void SeekForPrev(std::string_view target) override {
    SeekToLast();
    while (Valid() && keys::CompareInternalKeys(entries_[at_].key, target) > 0) at_--;
  }
  void Next() override { at_++; }
  void Prev() override { at_--; }
  std::string_view key() const override { return entries_[at_].key; }
  std::string_view value() const override { return entries_[at_].value; }
  Status status() const override {
    return at_ == bad_ && bad_ < entries_.size() ? Status::Corruption("bad child") : Status();
  }

 private:
  const std::vector<Entry> entries_;
  const size_t bad_;
  size_t at_;
};

void Walk(InternalIterator& it, const std::vector<Entry>& model, base::Random& random) {
  size_t at = SIZE_MAX;  // SIZE_MAX: not valid
  for (int step = 0; step < 400; step++) {
    const std::string target = Key(random.Uniform(60), random.Uniform(300));
    const Entry probe{target, ""};
    switch (at == SIZE_MAX ? random.Uniform(4) : random.Uniform(20)) {
      case 0:
        it.SeekToFirst();
        at = model.empty() ? SIZE_MAX : 0;
        break;
      case 1:
        it.SeekToLast();
        at = model.size() - 1;
        break;
      case 2:
        it.Seek(target);
        at = static_cast<size_t>(std::lower_bound(model.begin(), model.end(), probe, Less) -
                                 model.begin());
        break;
      case 3:
        it.SeekForPrev(target);
        at = static_cast<size_t>(std::upper_bound(model.begin(), model.end(), probe, Less) -
                                 model.begin()) -
             1;
        break;
      default:
        if (random.OneIn(2)) {
          it.Next();
          at++;
        } else {
          it.Prev();
          at--;
        }
    }
    if (at >= model.size()) at = SIZE_MAX;
    ASSERT_TRUE(it.status().ok());
    ASSERT_EQ(it.Valid(), at != SIZE_MAX);
    if (it.Valid()) {
      ASSERT_EQ(it.key(), model[at].key);
      ASSERT_EQ(it.value(), model[at].value) << "equal keys come in the order of the children";
    }
  }
}

TEST(MergingIteratorTest, AgreesWithOneSortedListThroughEveryTurn) {
  for (uint64_t seed = 0; seed < 200; seed++) {
    base::Random random(seed);
    const size_t count = random.Uniform(7);
    std::vector<std::vector<Entry>> lists(count);
    for (uint64_t i = 0; count > 0 && i < random.Uniform(200); i++) {
      const size_t child = random.Uniform(count);
      // Some keys are equal across children.
      lists[child].push_back({Key(random.Uniform(60), 1 + random.Uniform(3) * 100), ""});
    }
    std::vector<Entry> model;
    std::vector<std::unique_ptr<InternalIterator>> children;
    for (size_t i = 0; i < count; i++) {
      std::sort(lists[i].begin(), lists[i].end(), Less);
      lists[i].erase(std::unique(lists[i].begin(), lists[i].end(),
                                 [](const Entry& a, const Entry& b) { return a.key == b.key; }),
                     lists[i].end());
      for (Entry& entry : lists[i]) entry.value = std::to_string(i);
      model.insert(model.end(), lists[i].begin(), lists[i].end());
      children.push_back(std::make_unique<VectorIterator>(lists[i]));
    }
    std::stable_sort(model.begin(), model.end(), Less);
    const auto merged = NewMergingIterator(std::move(children));
    Walk(*merged, model, random);
    if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

TEST(MergingIteratorTest, AFailingChildStopsTheMergeUntilTheNextSeek) {
  std::vector<std::unique_ptr<InternalIterator>> children;
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{{Key(1, 1), ""}, {Key(3, 1), ""}, {Key(5, 1), ""}}, 1));
  children.push_back(
      std::make_unique<VectorIterator>(std::vector<Entry>{{Key(2, 1), ""}, {Key(9, 1), ""}}));
  const auto merged = NewMergingIterator(std::move(children));
  merged->SeekToFirst();
  ASSERT_TRUE(merged->Valid());
  EXPECT_EQ(merged->key(), Key(1, 1));
  merged->Next();  // the child steps onto its bad entry: what lies behind it is unknown
  EXPECT_FALSE(merged->Valid());
  EXPECT_TRUE(merged->status().IsCorruption());
  merged->SeekToFirst();
  EXPECT_TRUE(merged->Valid());
  EXPECT_TRUE(merged->status().ok());
  merged->Seek(Key(2, 1));
  EXPECT_FALSE(merged->Valid());
  EXPECT_TRUE(merged->status().IsCorruption());
}

}  // namespace
}  // namespace nokv::lsm
