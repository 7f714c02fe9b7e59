// Pending writes against a model: maps that are copied where the writes are only marked.
#include "redis/pending_writes.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "redis/memory_backend.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

using Model = std::map<std::string, std::string>;

class World {
 public:
  explicit World(uint64_t seed) : random_(seed), backend_(clock_) {
    for (int i = 0; i < 6; ++i) {
      const std::string key = Key();
      backend_.entries()[key] = {"below", 0, 0};
      model_[key] = "below";
    }
  }

  void Step() {
    switch (random_.Uniform(9)) {
      case 0:
      case 1:
      case 2:
        return Put(Key());
      case 3:
      case 4:
        return Delete(Key());
      case 5:
        return DeleteRange(Key(), random_.OneIn(4) ? "" : Key());
      case 6:
        marks_.push_back({pending_.Save(), model_});
        return;
      default:
        if (marks_.empty()) return;
        if (random_.OneIn(2)) {
          pending_.RollBackTo(marks_.back().savepoint);
          model_ = marks_.back().model;
        } else {
          pending_.Release(marks_.back().savepoint);
        }
        marks_.pop_back();
    }
  }

  void Check() {
    const std::string begin = random_.OneIn(2) ? "" : Key();
    const std::string end = random_.OneIn(2) ? "" : Key();
    if (!end.empty() && end < begin) return;
    std::vector<std::string> found;
    for (const auto cursor = pending_.Scan(backend_, begin, end); cursor->Valid(); cursor->Next()) {
      found.emplace_back(cursor->key());
    }
    std::vector<std::string> expected;
    for (auto it = model_.lower_bound(begin); it != model_.end(); ++it) {
      if (end.empty() || it->first < end) expected.push_back(it->first);
    }
    ASSERT_EQ(found, expected) << "between '" << begin << "' and '" << end << "'";
    const std::string key = Key();
    const auto in_model = model_.find(key);
    ASSERT_EQ(Get(key), in_model == model_.end() ? "" : in_model->second) << key;
  }

  void Commit() {
    backend_.Commit(pending_.Take(), Survives::kProcessDeath, [](const Status&) {});
    Model left;
    for (const auto& [key, entry] : backend_.entries()) left[key] = entry.value;
    ASSERT_EQ(left, model_);
  }

 private:
  struct Mark {
    PendingWrites::Savepoint savepoint;
    Model model;
  };

  std::string Key() { return "k" + std::to_string(random_.Uniform(12)); }

  void Put(const std::string& key) {
    auto value = std::make_shared<const std::string>(std::to_string(++written_));
    model_[key] = *value;
    Write write;
    write.key = key;
    write.value = *value;
    write.pin = value;
    pending_.Add(std::move(write));
  }

  void Delete(const std::string& key) {
    model_.erase(key);
    Write write;
    write.kind = Write::Kind::kDelete;
    write.key = key;
    pending_.Add(std::move(write));
  }

  void DeleteRange(const std::string& begin, const std::string& end) {
    if (!end.empty() && end < begin) return;
    model_.erase(model_.lower_bound(begin), end.empty() ? model_.end() : model_.lower_bound(end));
    pending_.DeleteRange({begin, end});
  }

  std::string Get(const std::string& key) {
    if (const Write* write = pending_.Find(key); write != nullptr) {
      return write->kind == Write::Kind::kPut ? std::string(write->value) : "";
    }
    Record record;
    return *backend_.Get(key, &record) ? std::string(record.value) : "";
  }

  base::Random random_;
  TestClock clock_;
  MemoryBackend backend_;
  PendingWrites pending_;
  Model model_;
  std::vector<Mark> marks_;
  uint64_t written_ = 0;
};

TEST(PendingWritesTest, ShowGoBackAndCommitWhatAModelSays) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    World world(seed);
    for (int step = 0; step < 100; ++step) {
      world.Step();
      world.Check();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    world.Commit();
    if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", commit";
  }
}

TEST(PendingWritesTest, LetGoOfAValueThatIsWrittenOver) {
  PendingWrites pending;
  auto old_value = std::make_shared<const std::string>("old");
  const std::weak_ptr<const std::string> watched = old_value;
  Write write;
  write.key = "k";
  write.value = *old_value;
  write.pin = std::move(old_value);
  pending.Add(std::move(write));
  const auto savepoint = pending.Save();
  Write next;
  next.key = "k";
  pending.Add(std::move(next));
  EXPECT_FALSE(watched.expired()) << "it may come back";
  pending.Release(savepoint);
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace nokv::redis
