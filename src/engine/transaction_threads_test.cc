// Transactions of many threads at once: thread runtime, memory disk, memtables so small that
// flushes and compactions run all the time.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "engine/db.h"
#include "engine/engine_test_util.h"
#include "runtime/runtime.h"
#include "vfs/memory_fs.h"

namespace nokv::engine {
namespace {

class TransactionThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    Options options = SmallOptions();
    options.memtable_bytes = 16 << 10;
    options.immutable_memtable_bytes = 48 << 10;
    options.log_segment_bytes = 16 << 10;
    options.table_bytes = 16 << 10;
    options.base_level_bytes = 64 << 10;
    auto db = OpenDB(options, "/db", {*disk_, *runtime_, base::NullLogger()});
    ASSERT_TRUE(db.ok()) << db.status();
    db_ = *std::move(db);
  }

  // Runs `body(thread number)` in so many threads, beside one that fills the memtables.
  void Run(int threads, const std::function<void(int)>& body) {
    std::atomic<bool> done{false};
    std::thread noise([&] {
      base::Random random(99);
      const std::string value(500, 'n');
      while (!done) {
        const std::string key = "noise" + std::to_string(random.Uniform(1000));
        if (random.OneIn(50)) {
          ASSERT_TRUE(db_->DeleteRange({}, "noise1", "noise3").ok());
        } else {
          ASSERT_TRUE(db_->Put({.sync = random.OneIn(100)}, key, value).ok());
        }
      }
    });
    std::vector<std::thread> all;
    for (int i = 0; i < threads; i++) all.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : all) thread.join();
    done = true;
    noise.join();
  }
  // Repeats the transaction until it commits.
  void Retry(Isolation isolation, bool sync, const std::function<void(Transaction&)>& body) {
    while (true) {
      const auto txn = db_->BeginTransaction({.isolation = isolation});
      body(*txn);
      const Status status = txn->Commit({sync});
      if (status.ok()) return;
      ASSERT_EQ(status.code(), StatusCode::kAborted) << status;
      conflicts_++;
    }
  }
  static int Number(const Result<std::optional<Value>>& value) {
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() && value->has_value() ? std::stoi((*value)->data) : 0;
  }
  static void Put(Transaction& txn, const std::string& key, int number) {
    const Status status = txn.Put(key, std::to_string(number));
    EXPECT_TRUE(status.ok()) << status;
  }

  const std::unique_ptr<vfs::MemoryFileSystem> disk_ = vfs::NewMemoryFileSystem();
  const std::unique_ptr<runtime::Runtime> runtime_ = runtime::NewThreadRuntime({});
  std::unique_ptr<DB> db_;
  std::atomic<int> conflicts_{0};
};

TEST_F(TransactionThreadsTest, CountersLoseNoUpdate) {
  constexpr int kThreads = 4, kRounds = 1000, kCounters = 3;
  Run(kThreads, [&](int thread) {
    base::Random random(static_cast<uint64_t>(thread));
    for (int i = 0; i < kRounds; i++) {
      const std::string key = "counter" + std::to_string(random.Uniform(kCounters));
      Retry(Isolation::kSnapshot, random.OneIn(20),
            [&](Transaction& txn) { Put(txn, key, Number(txn.Get(key)) + 1); });
    }
  });
  int sum = 0;
  for (int i = 0; i < kCounters; i++) sum += Number(db_->Get({}, "counter" + std::to_string(i)));
  EXPECT_EQ(sum, kThreads * kRounds);
}

TEST_F(TransactionThreadsTest, TransfersKeepTheSum) {
  constexpr int kThreads = 3, kRounds = 300, kAccounts = 6, kEach = 100;
  const auto account = [](uint64_t i) { return "account" + std::to_string(i); };
  for (int i = 0; i < kAccounts; i++) {
    ASSERT_TRUE(db_->Put({}, account(static_cast<uint64_t>(i)), std::to_string(kEach)).ok());
  }
  std::atomic<int> transferring{kThreads};
  Run(kThreads + 1, [&](int thread) {
    if (thread == kThreads) {  // the auditor
      while (transferring > 0) {
        const auto txn = db_->BeginTransaction();
        const auto it = txn->NewIterator({nullptr, "account", "accounu", false});
        int sum = 0;
        for (it->SeekToFirst(); it->Valid(); it->Next()) sum += std::stoi(std::string(it->value()));
        ASSERT_TRUE(it->status().ok()) << it->status();
        ASSERT_EQ(sum, kAccounts * kEach);
      }
      return;
    }
    base::Random random(static_cast<uint64_t>(thread));
    for (int i = 0; i < kRounds; i++) {
      const std::string from = account(random.Uniform(kAccounts));
      const std::string to = account(random.Uniform(kAccounts));
      if (from == to) continue;
      Retry(Isolation::kSerializable, random.OneIn(20), [&](Transaction& txn) {
        Put(txn, from, Number(txn.Get(from)) - 1);
        Put(txn, to, Number(txn.Get(to)) + 1);
      });
    }
    transferring--;
  });
  int sum = 0;
  for (uint64_t i = 0; i < kAccounts; i++) sum += Number(db_->Get({}, account(i)));
  EXPECT_EQ(sum, kAccounts * kEach);
}

TEST_F(TransactionThreadsTest, SerializableTransactionsHaveNoWriteSkew) {
  // Two doctors are on duty; each may leave if the other stays.
  constexpr int kRounds = 300;
  const auto name = [](int round, int doctor) {
    return "duty" + std::to_string(round) + "/" + std::to_string(doctor);
  };
  for (int i = 0; i < kRounds; i++) {
    for (int doctor : {0, 1}) ASSERT_TRUE(db_->Put({}, name(i, doctor), "1").ok());
  }
  Run(2, [&](int doctor) {
    for (int i = 0; i < kRounds; i++) {
      Retry(Isolation::kSerializable, false, [&](Transaction& txn) {
        const int on_duty = Number(txn.Get(name(i, 0))) + Number(txn.Get(name(i, 1)));
        if (on_duty == 2) Put(txn, name(i, doctor), 0);
      });
    }
  });
  for (int i = 0; i < kRounds; i++) {
    ASSERT_EQ(Number(db_->Get({}, name(i, 0))) + Number(db_->Get({}, name(i, 1))), 1) << i;
  }
}

TEST_F(TransactionThreadsTest, SerializableTransactionsHaveNoPhantoms) {
  // A seat is taken by whoever finds its range empty, under a name of his own.
  constexpr int kThreads = 3, kSeats = 200;
  const auto seat = [](int i) { return "seat" + std::to_string(1000 + i) + "/"; };
  Run(kThreads, [&](int thread) {
    for (int i = 0; i < kSeats; i++) {
      Retry(Isolation::kSerializable, false, [&](Transaction& txn) {
        const auto it = txn.NewIterator({nullptr, seat(i), seat(i) + "z", false});
        it->SeekToFirst();
        if (!it->Valid()) Put(txn, seat(i) + std::to_string(thread), thread);
      });
    }
  });
  for (int i = 0; i < kSeats; i++) {
    const auto it = db_->NewIterator({nullptr, seat(i), seat(i) + "z", false});
    int taken = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) taken++;
    ASSERT_EQ(taken, 1) << i;
  }
}

}  // namespace
}  // namespace nokv::engine
