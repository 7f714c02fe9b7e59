// Transactions in one thread: what they see, what conflicts, how they end.
#include "nokv/transaction.h"

#include <gtest/gtest.h>

#include <utility>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

class TransactionTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(); }

  std::unique_ptr<Transaction> Begin(Isolation isolation = Isolation::kSnapshot) {
    return h_.db->BeginTransaction({.isolation = isolation});
  }
  std::unique_ptr<Transaction> BeginSerializable() { return Begin(Isolation::kSerializable); }
  static std::string Text(const Result<std::optional<Value>>& value) {
    if (!value.ok()) return value.status().ToString();
    return value->has_value() ? (*value)->data : "(none)";
  }
  static std::string Get(Transaction& txn, std::string_view key) { return Text(txn.Get(key)); }
  static std::string Scan(Transaction& txn, const IteratorOptions& options = {},
                          bool forward = true) {
    std::string text;
    const auto it = txn.NewIterator(options);
    for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
         forward ? it->Next() : it->Prev()) {
      text += (text.empty() ? "" : " ") + std::string(it->key()) + "=" + std::string(it->value());
    }
    if (!it->status().ok()) text += it->status().ToString();
    return text;
  }
  static void Ok(const Status& status) { ASSERT_TRUE(status.ok()) << status; }
  static bool Aborted(const Status& status) {
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kAborted) << status;
    return !status.ok();
  }

  EngineHarness h_;
};

TEST_F(TransactionTest, SeesTheStateAtItsBeginningAndItsOwnWrites) {
  h_.Put("a", "1");
  h_.Put("b", "1");
  const auto txn = Begin();
  h_.Put("a", "2");
  h_.Put("c", "2");
  Ok(txn->Put("b", "mine"));
  Ok(txn->Put("d", "mine"));
  EXPECT_EQ(Get(*txn, "a"), "1");
  EXPECT_EQ(Get(*txn, "b"), "mine");
  EXPECT_EQ(Get(*txn, "c"), "(none)");
  EXPECT_EQ(Scan(*txn), "a=1 b=mine d=mine");
  EXPECT_EQ(Scan(*txn, {}, /*forward=*/false), "d=mine b=mine a=1");
  const std::vector<std::string_view> keys = {"d", "c", "a"};
  const auto values = txn->MultiGet(keys);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ((*values)[0]->data, "mine");
  EXPECT_FALSE((*values)[1].has_value());
  EXPECT_EQ((*values)[2]->data, "1");
  EXPECT_EQ(h_.Scan(), "a=2 b=1 c=2") << "nobody else sees it";
}

TEST_F(TransactionTest, CommitMakesAllOfItVisible) {
  h_.Put("b", "1");
  h_.Put("x1", "1");
  const auto txn = Begin();
  Ok(txn->Put("a", "2", {.expiry_ms = 4000000000000, .user_meta = 7}));
  Ok(txn->Delete("b"));
  Ok(txn->DeleteRange("x", "y"));
  Ok(txn->Put("x2", "2"));
  Ok(txn->Commit());
  EXPECT_EQ(h_.Scan(), "a=2 x2=2");
  const auto value = h_.db->Get({}, "a");
  EXPECT_EQ((*value)->expiry_ms, 4000000000000U);
  EXPECT_EQ((*value)->user_meta, 7);
}

TEST_F(TransactionTest, RollbackAndDestructionLeaveNothing) {
  auto txn = Begin();
  Ok(txn->Put("a", "1"));
  Ok(txn->Rollback());
  txn = Begin();
  Ok(txn->Put("a", "1"));
  txn.reset();
  EXPECT_EQ(h_.Scan(), "");
}

TEST_F(TransactionTest, ACommitSurvivesWhatAWriteSurvives) {
  auto txn = Begin();
  Ok(txn->Put("synced", "1"));
  Ok(txn->Commit({.sync = true}));
  h_.Crash(/*power_lost=*/true);
  h_.Open();
  EXPECT_EQ(h_.Get("synced"), "1");
  txn = Begin();
  Ok(txn->Put("unsynced", "1"));
  Ok(txn->Commit());
  txn.reset();
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  EXPECT_EQ(h_.Get("unsynced"), "1");
}

TEST_F(TransactionTest, TheFirstToCommitWins) {
  for (const auto isolation : {Isolation::kSnapshot, Isolation::kSerializable}) {
    h_.Put("n", "1");
    const auto first = Begin(isolation), second = Begin(isolation);
    EXPECT_EQ(Get(*first, "n"), Get(*second, "n"));
    Ok(first->Put("n", "2"));
    Ok(second->Put("n", "3"));
    Ok(first->Commit());
    const Status status = second->Commit();
    EXPECT_EQ(status.code(), StatusCode::kAborted);
    EXPECT_EQ(status.message(), "conflict: key \"n\" was written after the transaction began");
    EXPECT_TRUE(status.retryable());
    EXPECT_EQ(h_.Get("n"), "2");
  }
}

TEST_F(TransactionTest, APlainWriteIsInTheWayToo) {
  auto txn = Begin();
  Ok(txn->Delete("a"));
  h_.Put("a", "1");
  EXPECT_TRUE(Aborted(txn->Commit()));
  txn = Begin();
  Ok(txn->Put("a", "2"));
  Ok(h_.db->DeleteRange({}, "A", "z"));
  EXPECT_TRUE(Aborted(txn->Commit()));
}

TEST_F(TransactionTest, ARangeThatIsDeletedConflictsWithWritesInIt) {
  const auto run = [&](const std::string& key) {
    const auto txn = Begin();
    Ok(txn->DeleteRange("b", "d"));
    h_.Put(key, "1");
    return Aborted(txn->Commit());
  };
  EXPECT_FALSE(run("a"));
  EXPECT_TRUE(run("b"));
  EXPECT_TRUE(run("c"));
  EXPECT_FALSE(run("d"));
}

TEST_F(TransactionTest, WriteSkewIsPossibleUnderSnapshotIsolationOnly) {
  const auto run = [&](Isolation isolation, bool for_update) {
    h_.Put("x", "1");
    h_.Put("y", "1");
    const auto one = Begin(isolation), other = Begin(isolation);
    for (const auto& txn : {one.get(), other.get()}) {
      for (const char* key : {"x", "y"}) {
        EXPECT_EQ(Text(for_update ? txn->GetForUpdate(key) : txn->Get(key)), "1");
      }
    }
    Ok(one->Put("x", "0"));
    Ok(other->Put("y", "0"));
    Ok(one->Commit());
    return Aborted(other->Commit());
  };
  EXPECT_FALSE(run(Isolation::kSnapshot, false));
  EXPECT_TRUE(run(Isolation::kSnapshot, true));
  EXPECT_TRUE(run(Isolation::kSerializable, false));
}

TEST_F(TransactionTest, SerializableChecksKeysThatWereNotThere) {
  const auto run = [&](Isolation isolation, bool multi) {
    Ok(h_.db->Delete({}, "missing"));
    const auto txn = Begin(isolation);
    if (multi) {
      const std::vector<std::string_view> keys = {"missing"};
      EXPECT_TRUE(txn->MultiGet(keys).ok());
    } else {
      EXPECT_EQ(Get(*txn, "missing"), "(none)");
    }
    Ok(txn->Put("other", "1"));
    h_.Put("missing", "1");
    return Aborted(txn->Commit());
  };
  EXPECT_FALSE(run(Isolation::kSnapshot, false));
  EXPECT_TRUE(run(Isolation::kSerializable, false));
  EXPECT_TRUE(run(Isolation::kSerializable, true));
}

TEST_F(TransactionTest, SerializableChecksAsFarAsAnIteratorHasMoved) {
  const auto run = [&](const std::string& changed, const std::function<void(Iterator&)>& move) {
    for (const char* key : {"c", "e", "g"}) h_.Put(key, "1");
    const auto txn = BeginSerializable();
    const auto it = txn->NewIterator({nullptr, "b", "p", false});
    move(*it);
    Ok(txn->Put("z", "1"));
    Ok(h_.db->Delete({}, changed));
    return Aborted(txn->Commit());
  };
  const auto seek = [](Iterator& it) { it.Seek("d"); };
  EXPECT_FALSE(run("cz", seek));
  EXPECT_TRUE(run("d", seek));
  EXPECT_TRUE(run("dz", seek)) << "the gap in front of what was found";
  EXPECT_TRUE(run("e", seek));
  EXPECT_FALSE(run("f", seek));
  const auto next = [](Iterator& it) {
    it.Seek("d");
    it.Next();
  };
  EXPECT_TRUE(run("f", next));
  EXPECT_FALSE(run("gg", next));
  const auto to_the_end = [](Iterator& it) {
    for (it.Seek("d"); it.Valid(); it.Next()) continue;
  };
  EXPECT_TRUE(run("o", to_the_end)) << "up to the bound";
  EXPECT_FALSE(run("p", to_the_end));
  const auto back = [](Iterator& it) { it.SeekForPrev("d"); };
  EXPECT_TRUE(run("d", back));
  EXPECT_TRUE(run("cc", back));
  EXPECT_FALSE(run("bb", back));
  EXPECT_FALSE(run("dd", back));
  const auto to_the_start = [](Iterator& it) {
    for (it.SeekToLast(); it.Valid(); it.Prev()) continue;
  };
  EXPECT_TRUE(run("b", to_the_start));
  EXPECT_TRUE(run("oo", to_the_start));
  EXPECT_FALSE(run("a", to_the_start));
  const auto both_ways = [](Iterator& it) {
    it.Seek("e");
    it.Prev();
  };
  EXPECT_TRUE(run("d", both_ways));
  EXPECT_FALSE(run("f", both_ways));
}

TEST_F(TransactionTest, SerializableWithoutBoundsChecksToTheEnds) {
  h_.Put("m", "1");
  const auto run = [&](const std::string& changed, bool forward) {
    const auto txn = BeginSerializable();
    EXPECT_NE(Scan(*txn, {}, forward), "");
    Ok(txn->Put("q", "1"));
    h_.Put(changed, "1");
    return Aborted(txn->Commit());
  };
  for (const bool forward : {true, false}) {
    EXPECT_TRUE(run("", forward));
    EXPECT_TRUE(run("\xff\xff\xff", forward));
  }
}

TEST_F(TransactionTest, WithoutWritesThereIsNothingToCheck) {
  h_.Put("a", "1");
  const auto txn = BeginSerializable();
  EXPECT_EQ(Get(*txn, "a"), "1");
  EXPECT_EQ(Text(txn->GetForUpdate("a")), "1");
  h_.Put("a", "2");
  Ok(txn->Commit());
}

TEST_F(TransactionTest, WhoTriesAgainSeesWhatWasInTheWay) {
  const auto txn = Begin();
  Ok(txn->Put("a", "1"));
  WriteBatch batch;
  batch.Put("a", "2");
  h_.db->WriteAsync({.sync = true}, std::move(batch), [](const Status&) {});
  EXPECT_EQ(h_.Get("a"), "(none)");
  EXPECT_TRUE(Aborted(txn->Commit()));
  EXPECT_EQ(Get(*Begin(), "a"), "2");
}

TEST_F(TransactionTest, AKeyThatExpiresConflictsWithNobody) {
  const uint64_t soon = h_.runtime->clock().WallMillis() + 100;
  Ok(h_.db->Put({}, "a", "1", {.expiry_ms = soon}));
  const auto txn = BeginSerializable();
  EXPECT_EQ(Get(*txn, "a"), "1");
  Ok(txn->Put("b", "1", {.expiry_ms = soon}));
  EXPECT_EQ(Scan(*txn), "a=1 b=1");
  h_.runtime->Advance(200000);
  EXPECT_EQ(Get(*txn, "a"), "(none)");
  EXPECT_EQ(Get(*txn, "b"), "(none)");
  EXPECT_EQ(Scan(*txn), "");
  Ok(txn->Commit());
}

TEST_F(TransactionTest, SavepointsAreAStack) {
  h_.Put("a", "0");
  const auto txn = Begin();
  EXPECT_EQ(txn->RollbackToSavepoint().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(txn->ReleaseSavepoint().code(), StatusCode::kFailedPrecondition);
  Ok(txn->Put("a", "1"));
  Ok(txn->SetSavepoint());
  Ok(txn->Put("a", "2"));
  Ok(txn->Put("b", "2"));
  Ok(txn->SetSavepoint());
  Ok(txn->DeleteRange("a", "c"));
  Ok(txn->Put("b", "3"));
  EXPECT_EQ(Scan(*txn), "b=3");
  Ok(txn->RollbackToSavepoint());
  EXPECT_EQ(Scan(*txn), "a=2 b=2");
  Ok(txn->Delete("a"));
  EXPECT_EQ(Scan(*txn), "b=2");
  Ok(txn->RollbackToSavepoint());
  EXPECT_EQ(Scan(*txn), "a=2 b=2") << "the savepoint stays";
  Ok(txn->Put("c", "4"));
  Ok(txn->ReleaseSavepoint());
  EXPECT_EQ(Scan(*txn), "a=2 b=2 c=4");
  Ok(txn->RollbackToSavepoint());
  EXPECT_EQ(Scan(*txn), "a=1");
  Ok(txn->ReleaseSavepoint());
  EXPECT_EQ(txn->RollbackToSavepoint().code(), StatusCode::kFailedPrecondition);
  Ok(txn->Commit());
  EXPECT_EQ(h_.Scan(), "a=1");
}

TEST_F(TransactionTest, WhatWasTakenBackIsNotChecked) {
  const auto txn = Begin();
  Ok(txn->Put("a", "1"));
  Ok(txn->SetSavepoint());
  Ok(txn->Put("b", "1"));
  Ok(txn->DeleteRange("x", "y"));
  Ok(txn->RollbackToSavepoint());
  h_.Put("b", "2");
  h_.Put("x", "2");
  Ok(txn->Commit());
  EXPECT_EQ(h_.Scan(), "a=1 b=2 x=2");
}

TEST_F(TransactionTest, AnIteratorShowsWritesThatAreMadeWhileItIsInUse) {
  for (const char* key : {"a", "c", "e"}) h_.Put(key, "0");
  const auto txn = Begin();
  const auto it = txn->NewIterator();
  it->SeekToFirst();
  Ok(txn->Put("b", "1"));
  Ok(txn->Delete("c"));
  EXPECT_EQ(it->key(), "a");
  it->Next();
  EXPECT_EQ(it->key(), "b");
  Ok(txn->Put("b", "2"));
  EXPECT_EQ(it->value(), "1") << "what it stands on does not change under it";
  it->Next();
  EXPECT_EQ(it->key(), "e");
  it->Prev();
  EXPECT_EQ(it->key(), "b");
  EXPECT_EQ(it->value(), "2");
}

TEST_F(TransactionTest, AnswersThatItHasEnded) {
  const auto check = [](Transaction& txn) {
    const auto ended = [](const Status& status) {
      EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status;
      EXPECT_NE(status.message().find("has ended"), std::string_view::npos) << status;
    };
    const std::vector<std::string_view> keys = {"a"};
    ended(txn.Get("a").status());
    ended(txn.MultiGet(keys).status());
    ended(txn.GetForUpdate("a").status());
    ended(txn.Put("a", "1"));
    ended(txn.Delete("a"));
    ended(txn.DeleteRange("a", "b"));
    ended(txn.SetSavepoint());
    ended(txn.RollbackToSavepoint());
    ended(txn.ReleaseSavepoint());
    ended(txn.Rollback());
    ended(txn.Commit());
    const auto it = txn.NewIterator();
    it->SeekToFirst();
    EXPECT_FALSE(it->Valid());
    ended(it->status());
  };
  h_.Put("a", "0");
  const auto committed = Begin(), rolled_back = Begin(), refused = Begin();
  const auto it = committed->NewIterator();
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  Ok(refused->Put("a", "2"));
  Ok(committed->Put("a", "1"));
  Ok(committed->Commit());
  EXPECT_FALSE(it->Valid());
  EXPECT_EQ(it->status().code(), StatusCode::kFailedPrecondition);
  Ok(rolled_back->Rollback());
  EXPECT_TRUE(Aborted(refused->Commit()));
  for (const auto& txn : {committed.get(), rolled_back.get(), refused.get()}) check(*txn);
}

TEST_F(TransactionTest, MayOutliveItsDatabase) {
  h_.Put("a", "0");
  auto txn = Begin();
  const auto it = txn->NewIterator();
  it->SeekToFirst();
  Ok(txn->Put("a", "1"));
  Ok(h_.db->Close());
  const auto late = Begin();
  h_.db.reset();
  for (Transaction* one : {txn.get(), late.get()}) {
    EXPECT_EQ(one->Get("a").status().error_number(), 1402);
    EXPECT_EQ(one->Put("a", "1").error_number(), 1402);
    EXPECT_EQ(one->NewIterator()->status().error_number(), 1402);
    EXPECT_EQ(one->Commit().error_number(), 1402);
  }
  EXPECT_FALSE(it->Valid());
  EXPECT_EQ(it->status().error_number(), 1402);
  txn.reset();
  EXPECT_FALSE(it->Valid());
}

TEST_F(TransactionTest, RefusesWhatNoWriteMayHave) {
  const auto txn = Begin();
  const std::string key(size_t{1} << 21, 'k');
  EXPECT_EQ(txn->Put(key, "1").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn->Delete(key).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn->DeleteRange("b", "b").code(), StatusCode::kInvalidArgument);
  const auto snapshot = h_.db->GetSnapshot();
  EXPECT_EQ(txn->NewIterator({snapshot.get(), "", "", false})->status().code(),
            StatusCode::kInvalidArgument);
  Ok(txn->Put("a", "1"));
  Ok(txn->Commit());
  EXPECT_EQ(h_.Scan(), "a=1");
}

TEST_F(TransactionTest, HoldsNoMoreThanItsLimit) {
  const TransactionOptions options{.isolation = Isolation::kSerializable, .max_bytes = 4096};
  h_.Put("a", "0");
  const auto fill = [](const std::function<Status(int)>& once) {
    Status status;
    int done = 0;
    for (; status.ok() && done < 10000; done++) status = once(done);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_GT(done, 5);
    EXPECT_LT(done, 1000);
  };
  auto txn = h_.db->BeginTransaction(options);
  fill([&](int i) { return txn->Put("k" + std::to_string(i), "value"); });
  EXPECT_EQ(txn->SetSavepoint().code(), StatusCode::kInvalidArgument);
  Ok(txn->Commit());
  EXPECT_EQ(h_.Get("k3"), "value") << "the transaction went on";
  txn = h_.db->BeginTransaction(options);
  fill([&](int i) { return txn->Get("k" + std::to_string(i)).status(); });
  txn = h_.db->BeginTransaction(options);
  fill([&](int i) {
    const auto it = txn->NewIterator();
    it->Seek("k" + std::to_string(i));
    EXPECT_EQ(it->Valid(), it->status().ok());
    return it->status();
  });
  txn = h_.db->BeginTransaction(options);
  fill([&](int) { return txn->SetSavepoint(); });
  txn = h_.db->BeginTransaction(options);
  Ok(txn->SetSavepoint());
  fill([&](int) { return txn->Put("same", "value"); });
  Ok(txn->RollbackToSavepoint());
  Ok(txn->Put("same", "value"));
  txn = h_.db->BeginTransaction(options);
  for (int i = 0; i < 1000; i++) Ok(txn->Put("same", "value"));
}

TEST_F(TransactionTest, IsReadOnlyOnAReadOnlyDatabase) {
  h_.Put("a", "1");
  Ok(h_.db->Flush());
  Options options = SmallOptions();
  options.read_only = true;
  h_.Open(options);
  const auto txn = Begin();
  EXPECT_EQ(Get(*txn, "a"), "1");
  Ok(txn->Put("a", "2"));
  EXPECT_EQ(txn->Commit().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace nokv::engine
