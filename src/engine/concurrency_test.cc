// The database under many threads: thread runtime, memory disk.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "engine/db.h"
#include "engine/engine_test_util.h"
#include "runtime/runtime.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::engine {
namespace {

Options BusyOptions() {
  Options options = SmallOptions();
  options.memtable_bytes = 16 << 10;
  options.immutable_memtable_bytes = 48 << 10;
  options.log_segment_bytes = 16 << 10;
  options.table_bytes = 16 << 10;
  options.base_level_bytes = 64 << 10;
  return options;
}

class ConcurrencyTest : public testing::Test {
 protected:
  void SetUp() override { db_ = Open("/db"); }
  void TearDown() override {
    for (std::thread& thread : threads_) thread.join();
  }

  std::unique_ptr<DB> Open(const std::string& path) {
    auto db = OpenDB(BusyOptions(), path, {*disk_, *runtime_, base::NullLogger()});
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }
  void Start(std::function<void()> body) { threads_.emplace_back(std::move(body)); }
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  std::string Get(const std::string& key) {
    const auto value = db_->Get({}, key);
    if (!value.ok()) return value.status().ToString();
    return value->has_value() ? (*value)->data : "(none)";
  }

  const std::unique_ptr<vfs::MemoryFileSystem> disk_ = vfs::NewMemoryFileSystem();
  const std::unique_ptr<runtime::Runtime> runtime_ = runtime::NewThreadRuntime({});
  std::unique_ptr<DB> db_;
  std::vector<std::thread> threads_;
};

using Content = std::map<std::string, std::string>;

Content ScanAll(DB& db, const Snapshot* snapshot, bool forward) {
  IteratorOptions options;
  options.snapshot = snapshot;
  Content content;
  const auto it = db.NewIterator(options);
  std::string last;
  for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
       forward ? it->Next() : it->Prev()) {
    if (!content.empty()) {
      EXPECT_EQ(forward, last < it->key()) << last << " before " << it->key();
    }
    last = it->key();
    content.emplace(last, it->value());
  }
  EXPECT_TRUE(it->status().ok()) << it->status();
  return content;
}

// A writer that owns the keys of its prefix, so that what it acknowledged last is what is there.
class Writer {
 public:
  Writer(DB& db, char prefix) : db_(db), prefix_(prefix), random_(static_cast<uint64_t>(prefix)) {}

  void Run(int ops) {
    for (int i = 0; i < ops; i++) {
      const WriteOptions options{.sync = random_.OneIn(50)};
      const uint64_t dice = random_.Uniform(40);
      if (dice == 0) {
        std::string begin = RandomKey(), end = RandomKey();
        if (end < begin) std::swap(begin, end);
        end += '\0';
        Expect(db_.DeleteRange(options, begin, end));
        expected_.erase(expected_.lower_bound(begin), expected_.lower_bound(end));
      } else if (dice < 6) {
        const std::string key = RandomKey();
        Expect(db_.Delete(options, key));
        expected_.erase(key);
      } else if (dice < 10) {
        WriteBatch batch;
        for (int n = 0; n < 4; n++) {
          const std::string key = RandomKey(), value = NewValue(i);
          batch.Put(key, value);
          expected_[key] = value;
        }
        Expect(db_.Write(options, std::move(batch)));
      } else {
        const std::string key = RandomKey(), value = NewValue(i);
        Expect(db_.Put(options, key, value));
        expected_[key] = value;
        // A read sees what was acknowledged before it began.
        const auto read = db_.Get({}, key);
        ASSERT_TRUE(read.ok() && read->has_value()) << key;
        ASSERT_EQ((*read)->data, value);
      }
    }
  }
  const Content& expected() const { return expected_; }

 private:
  void Expect(const Status& status) { ASSERT_TRUE(status.ok()) << status; }
  std::string RandomKey() { return prefix_ + std::to_string(random_.Uniform(50)); }
  std::string NewValue(int i) {
    return std::to_string(i) + std::string(random_.Uniform(200), prefix_);
  }

  DB& db_;
  const char prefix_;
  base::Random random_;
  Content expected_;
};

TEST_F(ConcurrencyTest, WritersReadersFlushesAndCompactionsLeaveWhatWasAcknowledgedLast) {
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Writer>> writers;
  for (const char prefix : {'a', 'b', 'c', 'd'}) {
    writers.push_back(std::make_unique<Writer>(*db_, prefix));
    Start([writer = writers.back().get()] { writer->Run(2000); });
  }
  std::vector<std::thread> others;
  for (int reader = 0; reader < 3; reader++) {
    others.emplace_back([&] {
      while (!stop) {
        const auto snapshot = db_->GetSnapshot();
        const Content first = ScanAll(*db_, snapshot.get(), /*forward=*/true);
        const Content again = ScanAll(*db_, snapshot.get(), /*forward=*/false);
        EXPECT_EQ(first, again) << "a snapshot must not change";
        for (const auto& [key, value] : first) {
          const auto read = db_->Get({snapshot.get()}, key);
          ASSERT_TRUE(read.ok() && read->has_value()) << key;
          ASSERT_EQ((*read)->data, value);
        }
      }
    });
  }
  others.emplace_back([&] {
    while (!stop) EXPECT_TRUE(db_->Flush().ok());
  });
  others.emplace_back([&] {
    while (!stop) EXPECT_TRUE(db_->CompactRange("b", "d").ok());
  });
  Join();
  stop = true;
  for (std::thread& thread : others) thread.join();

  Content expected;
  for (const auto& writer : writers) {
    expected.insert(writer->expected().begin(), writer->expected().end());
  }
  EXPECT_EQ(ScanAll(*db_, nullptr, true), expected);
  const Stats stats = db_->Stats();
  EXPECT_GT(stats.flush.completed, 5);
  EXPECT_GT(stats.compaction.runs, 0U);
  ASSERT_TRUE(db_->Close().ok());
  db_ = Open("/db");
  EXPECT_EQ(ScanAll(*db_, nullptr, true), expected);
}

TEST_F(ConcurrencyTest, TheLastAcknowledgedWriteOfAKeyIsSeenAndNoOlderOneAfterIt) {
  constexpr int kWriters = 2, kOps = 1500;
  std::atomic<bool> stop{false};
  std::array<std::atomic<int>, kWriters> acknowledged{};
  for (int w = 0; w < kWriters; w++) {
    Start([&, w] {
      for (int i = 1; i <= kOps; i++) {
        const WriteOptions options{.sync = i % 64 == w};
        const std::string value = std::to_string(w) + ":" + std::to_string(i);
        ASSERT_TRUE(db_->Put(options, "k", value).ok());
        acknowledged[static_cast<size_t>(w)] = i;
        // What is there now is this value, or one of the other writer that came later.
        const std::string seen = Get("k");
        ASSERT_TRUE(seen == value || seen[0] != value[0]) << seen << " after " << value;
      }
    });
  }
  std::thread reader([&] {
    std::array<int, kWriters> seen{};
    while (!stop) {
      std::array<int, kWriters> must{};
      for (size_t w = 0; w < kWriters; w++) must[w] = acknowledged[w];
      const auto value = db_->Get({}, "k");
      ASSERT_TRUE(value.ok());
      if (!value->has_value()) {
        ASSERT_TRUE(must[0] == 0 && must[1] == 0) << "an acknowledged write is not seen";
        continue;
      }
      const size_t writer = static_cast<size_t>((*value)->data[0] - '0');
      const int number = std::stoi((*value)->data.substr(2));
      ASSERT_GE(number, must[writer]) << "an older value than the one acknowledged";
      ASSERT_GE(number, seen[writer]) << "a value that was overwritten came back";
      seen[writer] = number;
    }
  });
  Join();
  stop = true;
  reader.join();
}

TEST_F(ConcurrencyTest, SyncedWritersShareSyncsAndUnsyncedOnesDoNotWaitForEver) {
  constexpr int kThreads = 4, kOps = 300;
  std::atomic<int> synced{0}, answered{0};
  // Asynchronous, so that several wait while one sync runs, however fast the disk is.
  for (int t = 0; t < kThreads; t++) {
    Start([&, t] {
      for (int i = 0; i < kOps; i++) {
        const bool sync = (i + t) % 2 == 0;
        if (sync) synced++;
        WriteBatch batch;
        batch.Put(std::to_string(t) + "/" + std::to_string(i), "v");
        db_->WriteAsync({sync}, std::move(batch), [&](Status status) {
          EXPECT_TRUE(status.ok()) << status;
          answered++;
        });
      }
    });
  }
  Join();
  while (answered < kThreads * kOps) std::this_thread::yield();
  for (int t = 0; t < kThreads; t++) {
    for (int i = 0; i < kOps; i++) {
      ASSERT_EQ(Get(std::to_string(t) + "/" + std::to_string(i)), "v");
    }
  }
  const Stats stats = db_->Stats();
  EXPECT_EQ(synced, kThreads * kOps / 2);
  EXPECT_GT(stats.write.sync_count, 0);
  EXPECT_LT(stats.write.sync_count, synced) << "nobody shared a sync";
}

TEST_F(ConcurrencyTest, AFailedSyncAnswersAllWhoWaitForIt) {
  const auto fs = vfs::NewFaultFileSystem(*disk_);
  auto db = OpenDB(BusyOptions(), "/failing", {*fs, *runtime_, base::NullLogger()});
  ASSERT_TRUE(db.ok()) << db.status();
  std::atomic<int> syncs{0};
  fs->SetObserver([&](const vfs::Operation& operation) {
    const bool fails = operation.op == vfs::Op::kMappedSync && syncs.fetch_add(1) == 50;
    return vfs::Fault{.error_number = fails ? EIO : 0};
  });
  for (int t = 0; t < 6; t++) {
    Start([&, t] {
      while ((*db)->Put({.sync = true}, std::to_string(t), "v").ok()) {
      }
    });
  }
  Join();
  EXPECT_FALSE((*db)->Close().ok());
}

bool IsClosed(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition && status.message().ends_with("closed");
}

TEST_F(ConcurrencyTest, CloseAmidEverythingAnswersEverybodyAndIsTheSameForAll) {
  for (int round = 0; round < 25; round++) {
    std::atomic<int> working{0};
    const auto until_closed = [&](auto operation) {
      Start([&working, operation] {
        for (int i = 0;; i++) {
          const Status status = operation(i);
          if (i == 3) working++;
          if (status.ok()) continue;
          EXPECT_TRUE(IsClosed(status)) << status;
          if (i < 3) working++;
          return;
        }
      });
    };
    std::array<std::vector<std::string>, 2> acknowledged;
    for (const int w : {0, 1}) {
      until_closed([this, w, &keys = acknowledged[static_cast<size_t>(w)]](int i) {
        const std::string key = std::to_string(w) + "/" + std::to_string(i % 500);
        const Status status = db_->Put({.sync = w == 0}, key, std::string(100, 'v'));
        if (status.ok()) keys.push_back(key);
        return status;
      });
    }
    until_closed([this](int) { return db_->Get({}, "0/1").status(); });
    until_closed([this](int) {
      const auto it = db_->NewIterator();
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
      }
      return it->status();
    });
    until_closed([this](int) { return db_->Flush(); });
    until_closed([this](int) { return db_->CompactRange("", ""); });
    until_closed([this](int) { return db_->SyncLog(); });
    while (working < 7) std::this_thread::yield();
    std::array<Status, 3> results;
    std::vector<std::thread> closers;
    for (Status& result : results) {
      closers.emplace_back([this, &result] { result = db_->Close(); });
    }
    for (std::thread& thread : closers) thread.join();
    Join();
    for (const Status& result : results) EXPECT_TRUE(result.ok()) << result;
    db_ = Open("/db");
    for (const auto& keys : acknowledged) {
      for (const std::string& key : keys) ASSERT_EQ(Get(key).size(), 100U) << key;
    }
  }
}

TEST_F(ConcurrencyTest, TwoDatabasesOfOneProcessShareNothing) {
  const auto other = Open("/other");
  Start([&] {
    for (int i = 0; i < 200; i++) ASSERT_TRUE(db_->Put({}, std::to_string(i), "here").ok());
    ASSERT_TRUE(db_->Flush().ok());
    for (int i = 0; i < 200; i++) ASSERT_EQ(Get(std::to_string(i)), "here");
  });
  Start([&] {
    for (int i = 0; i < 50; i++) {
      ASSERT_TRUE(other->Put({.sync = true}, std::to_string(i), "there").ok());
    }
  });
  Join();
  const Stats mine = db_->Stats(), theirs = other->Stats();
  EXPECT_EQ(mine.write.batches_total, 200);
  EXPECT_EQ(mine.write.sync_count, 0);
  EXPECT_EQ(mine.last_sequence, 200U);
  EXPECT_GT(mine.flush.completed, 0);
  EXPECT_GT(mine.cache.hits + mine.cache.misses, 0U);
  EXPECT_EQ(theirs.write.batches_total, 50);
  EXPECT_EQ(theirs.last_sequence, 50U);
  EXPECT_EQ(theirs.flush.completed, 0);
  EXPECT_EQ(theirs.cache.hits + theirs.cache.misses, 0U);
  ASSERT_TRUE(other->Close().ok());
  EXPECT_EQ(Get("7"), "here") << "the other's close is not ours";
}

TEST_F(ConcurrencyTest, AsyncWritesOfAThreadTakeEffectInItsOrder) {
  constexpr int kThreads = 4, kOps = 1000;
  std::atomic<int> answered{0};
  for (int t = 0; t < kThreads; t++) {
    Start([&, t] {
      for (int i = 0; i < kOps; i++) {
        WriteBatch batch;
        batch.Put("k" + std::to_string(t), std::to_string(i) + std::string(50, 'x'));
        db_->WriteAsync({.sync = i % 100 == 0}, std::move(batch), [&](Status status) {
          EXPECT_TRUE(status.ok()) << status;
          answered++;
        });
      }
    });
  }
  Join();
  while (answered < kThreads * kOps) std::this_thread::yield();
  for (int t = 0; t < kThreads; t++) {
    EXPECT_EQ(Get("k" + std::to_string(t)), std::to_string(kOps - 1) + std::string(50, 'x'));
  }
  EXPECT_EQ(db_->Stats().write.batches_total, kThreads * kOps);
}

}  // namespace
}  // namespace nokv::engine
