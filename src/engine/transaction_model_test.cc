// Transactions against models, over many seeds: a transaction's view of its writes, and histories
// of interleaved transactions and plain writes against the serial order of their commits.
//
// A failure prints its seed; NOKV_SEED=n runs that one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using State = std::map<std::string, std::string>;

std::string RandomKey(base::Random& random) {
  const std::string number = std::to_string(10 + random.Uniform(20));
  // Some begin with the byte that the encoding escapes.
  return (random.OneIn(6) ? "\xff" : "k") + number;
}

std::pair<std::string, std::string> RandomRange(base::Random& random) {
  std::string begin = RandomKey(random), end = RandomKey(random);
  if (end < begin) std::swap(begin, end);
  if (begin == end) end += '\0';
  return {begin, end};
}

void ForEachSeed(uint64_t seeds, const std::function<void(uint64_t)>& run) {
  const char* one = std::getenv("NOKV_SEED");  // lint: allow(environment) repeats a failure
  const uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  const uint64_t end = one == nullptr ? 1 + seeds : first + 1;
  for (uint64_t seed = first; seed < end && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE("repeat with NOKV_SEED=" + std::to_string(seed));
    run(seed);
  }
}

// --- one transaction, its savepoints and an iterator that is moved in between ---

class View {
 public:
  explicit View(uint64_t seed) : random_(seed) {}

  void Run() {
    h_.Open();
    for (int i = 0; i < 12; i++) {
      const std::string key = RandomKey(random_);
      h_.Put(key, "base");
      state_[key] = "base";
    }
    if (random_.OneIn(2)) {
      ASSERT_TRUE(h_.db->Flush().ok());
    }
    txn_ = h_.db->BeginTransaction();
    IteratorOptions options;
    if (random_.OneIn(2)) {
      std::tie(options.lower_bound, options.upper_bound) = RandomRange(random_);
    }
    bounds_ = options;
    it_ = txn_->NewIterator(options);
    for (int i = 0; i < 120 && !testing::Test::HasFailure(); i++) {
      Write();
      Move();
      const std::string key = RandomKey(random_);
      const auto value = txn_->Get(key);
      ASSERT_TRUE(value.ok()) << value.status();
      const auto expected = state_.find(key);
      ASSERT_EQ(value->has_value(), expected != state_.end()) << key;
      if (value->has_value()) {
        ASSERT_EQ((*value)->data, expected->second) << key;
      }
    }
    ASSERT_TRUE(txn_->Commit().ok());
    std::string text;
    for (const auto& [key, value] : state_) text += (text.empty() ? "" : " ") + key + "=" + value;
    ASSERT_EQ(h_.Scan(), text);
  }

 private:
  void Write() {
    const std::string key = RandomKey(random_);
    switch (random_.Uniform(10)) {
      case 0:
      case 1:
      case 2: {
        const std::string value = std::to_string(random_.Uniform(1000));
        ASSERT_TRUE(txn_->Put(key, value).ok());
        state_[key] = value;
        break;
      }
      case 3:
      case 4:
        ASSERT_TRUE(txn_->Delete(key).ok());
        state_.erase(key);
        break;
      case 5: {
        const auto [begin, end] = RandomRange(random_);
        ASSERT_TRUE(txn_->DeleteRange(begin, end).ok());
        state_.erase(state_.lower_bound(begin), state_.lower_bound(end));
        break;
      }
      case 6:
        ASSERT_TRUE(txn_->SetSavepoint().ok());
        savepoints_.push_back(state_);
        break;
      case 7:
        ASSERT_EQ(txn_->RollbackToSavepoint().ok(), !savepoints_.empty());
        if (!savepoints_.empty()) state_ = savepoints_.back();
        break;
      case 8:
        ASSERT_EQ(txn_->ReleaseSavepoint().ok(), !savepoints_.empty());
        if (!savepoints_.empty()) savepoints_.pop_back();
        break;
      default:
        break;
    }
  }

  void Move() {
    const std::string target = RandomKey(random_);
    const std::string from = it_->Valid() ? std::string(it_->key()) : "";
    const uint64_t dice = random_.Uniform(it_->Valid() ? 10 : 4);
    const std::string& lower = bounds_.lower_bound;
    const std::string& upper = bounds_.upper_bound;
    State::const_iterator first = state_.lower_bound(lower);
    State::const_iterator end = upper.empty() ? state_.end() : state_.lower_bound(upper);
    State::const_iterator expected;
    const auto last_before = [&](State::const_iterator it) {
      if (std::distance(state_.cbegin(), it) > std::distance(state_.cbegin(), end)) it = end;
      return std::distance(state_.cbegin(), it) <= std::distance(state_.cbegin(), first)
                 ? end
                 : std::prev(it);
    };
    const auto first_at = [&](State::const_iterator it) {
      if (std::distance(state_.cbegin(), it) < std::distance(state_.cbegin(), first)) it = first;
      return std::distance(state_.cbegin(), it) >= std::distance(state_.cbegin(), end) ? end : it;
    };
    if (dice == 0) {
      it_->SeekToFirst();
      expected = first_at(state_.begin());
    } else if (dice == 1) {
      it_->SeekToLast();
      expected = last_before(state_.end());
    } else if (dice == 2) {
      it_->Seek(target);
      expected = first_at(state_.lower_bound(target));
    } else if (dice == 3) {
      it_->SeekForPrev(target);
      expected = last_before(state_.upper_bound(target));
    } else if (dice < 7) {
      it_->Next();
      expected = first_at(state_.upper_bound(from));
    } else {
      it_->Prev();
      expected = last_before(state_.lower_bound(from));
    }
    ASSERT_TRUE(it_->status().ok()) << it_->status();
    ASSERT_EQ(it_->Valid(), expected != end) << dice << " " << target << " " << from;
    if (it_->Valid()) {
      ASSERT_EQ(it_->key(), expected->first) << dice;
      ASSERT_EQ(it_->value(), expected->second);
    }
  }

  EngineHarness h_;
  base::Random random_;
  std::unique_ptr<Transaction> txn_;
  std::unique_ptr<Iterator> it_;
  IteratorOptions bounds_;
  State state_;
  std::vector<State> savepoints_;
};

TEST(TransactionModelTest, AViewIsTheSnapshotUnderTheWrites) {
  ForEachSeed(300, [](uint64_t seed) { View(seed).Run(); });
}

// --- many transactions ---

// One call of a transaction, and what it answered.
struct Step {
  enum class Kind { kGet, kScan, kScanBack, kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kGet;
  std::string key;  // or where the range begins
  std::string end;
  std::string value;  // written or read
};

std::string ScanOf(const State& state, const Step& step) {
  std::string text;
  const auto end = state.lower_bound(step.end);
  for (auto it = state.lower_bound(step.key); it != end; ++it) {
    const std::string item = it->first + "=" + it->second + " ";
    text = step.kind == Step::Kind::kScan ? text + item : item + text;
  }
  return text;
}

// Does the step on `*state`; returns what it reads there.
std::string Perform(const Step& step, State* state) {
  switch (step.kind) {
    case Step::Kind::kGet: {
      const auto it = state->find(step.key);
      return it == state->end() ? "(none)" : it->second;
    }
    case Step::Kind::kScan:
    case Step::Kind::kScanBack:
      return ScanOf(*state, step);
    case Step::Kind::kPut:
      (*state)[step.key] = step.value;
      return step.value;
    case Step::Kind::kDelete:
      state->erase(step.key);
      return "";
    case Step::Kind::kDeleteRange:
      state->erase(state->lower_bound(step.key), state->lower_bound(step.end));
      return "";
  }
  return "";
}

class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}

  void Run() {
    Options options = SmallOptions();
    options.memtable_bytes = size_t{2048} << random_.Uniform(5);
    options.immutable_memtable_bytes = 2 * options.memtable_bytes;
    h_.Open(options);
    for (int i = 0; i < 150 && !testing::Test::HasFailure(); i++) {
      const uint64_t dice = random_.Uniform(20);
      if (dice < 3 && running_.size() < 4) {
        Begin();
      } else if (dice < 5) {
        PlainWrite();
      } else if (dice == 5) {
        if (random_.OneIn(4)) {
          ASSERT_TRUE(h_.db->CompactRange("", "").ok());
        } else if (random_.OneIn(2)) {
          ASSERT_TRUE(h_.db->Flush().ok());
        }
      } else if (dice == 6) {
        for (uint64_t n = random_.Uniform(6); n > 0; n--) h_.runtime->RunOne();
      } else if (!running_.empty()) {
        const size_t which = random_.Uniform(running_.size());
        if (dice < 16) {
          Call(running_[which]);
        } else {
          Commit(std::move(running_[which]));
          running_.erase(running_.begin() + static_cast<ptrdiff_t>(which));
        }
      }
    }
    running_.clear();
    h_.runtime->RunReady();
    ASSERT_EQ(acknowledged_, changes_.size());
    ASSERT_EQ(ScanAll(), states_.back());
  }

 private:
  struct Running {
    std::unique_ptr<Transaction> txn;
    bool serializable = false;
    size_t began = 0;  // number of the state that it reads
    std::vector<Step> steps;
  };

  // What was written, as steps; state i + 1 is state i with change i.
  using Change = std::vector<Step>;

  State ScanAll() {
    State state;
    const auto it = h_.db->NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) state.emplace(it->key(), it->value());
    return state;
  }

  void Append(Change change) {
    State next = states_.back();
    for (const Step& step : change) Perform(step, &next);
    states_.push_back(std::move(next));
    changes_.push_back(std::move(change));
  }

  void Begin() {
    Running running;
    running.serializable = random_.OneIn(2);
    running.began = acknowledged_;
    running.txn = h_.db->BeginTransaction(
        {.isolation = running.serializable ? Isolation::kSerializable : Isolation::kSnapshot});
    running_.push_back(std::move(running));
  }

  // A put, a deletion or a range deletion.
  Step RandomWrite() {
    Step step;
    const uint64_t dice = random_.Uniform(8);
    if (dice == 0) {
      step.kind = Step::Kind::kDeleteRange;
      std::tie(step.key, step.end) = RandomRange(random_);
      // Short, so that not all conflict with all.
      step.end = std::min(step.end, step.key + "~");
      return step;
    }
    step.kind = dice < 3 ? Step::Kind::kDelete : Step::Kind::kPut;
    step.key = RandomKey(random_);
    if (step.kind == Step::Kind::kPut) {
      step.value = std::to_string(random_.Uniform(100000)) + std::string(random_.Uniform(200), '.');
    }
    return step;
  }

  void PlainWrite() {
    Change change;
    WriteBatch batch;
    for (uint64_t n = 1 + random_.Uniform(2); n > 0; n--) {
      Step step = RandomWrite();
      if (step.kind == Step::Kind::kPut) batch.Put(step.key, step.value);
      if (step.kind == Step::Kind::kDelete) batch.Delete(step.key);
      if (step.kind == Step::Kind::kDeleteRange) batch.DeleteRange(step.key, step.end);
      change.push_back(std::move(step));
    }
    Append(std::move(change));
    const size_t number = changes_.size();
    // A synced one may be on its way for long.
    h_.db->WriteAsync({.sync = random_.OneIn(2)}, std::move(batch),
                      [this, number](const Status& status) {
                        ASSERT_TRUE(status.ok()) << status;
                        ASSERT_EQ(++acknowledged_, number);
                      });
  }

  void Call(Running& running) {
    Step step;
    Transaction& txn = *running.txn;
    if (random_.OneIn(2)) {
      step = RandomWrite();
      Status status;
      if (step.kind == Step::Kind::kPut) status = txn.Put(step.key, step.value);
      if (step.kind == Step::Kind::kDelete) status = txn.Delete(step.key);
      if (step.kind == Step::Kind::kDeleteRange) status = txn.DeleteRange(step.key, step.end);
      ASSERT_TRUE(status.ok()) << status;
    } else if (random_.OneIn(3)) {
      step.kind = random_.OneIn(2) ? Step::Kind::kScan : Step::Kind::kScanBack;
      std::tie(step.key, step.end) = RandomRange(random_);
      const auto it = txn.NewIterator({nullptr, step.key, step.end, false});
      const bool forward = step.kind == Step::Kind::kScan;
      for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
           forward ? it->Next() : it->Prev()) {
        step.value += std::string(it->key()) + "=" + std::string(it->value()) + " ";
      }
      ASSERT_TRUE(it->status().ok()) << it->status();
    } else {
      step.key = RandomKey(random_);
      const auto value = txn.Get(step.key);
      ASSERT_TRUE(value.ok()) << value.status();
      step.value = value->has_value() ? (*value)->data : "(none)";
    }
    running.steps.push_back(std::move(step));
  }

  void Commit(Running running) {
    // It reads one state: that of its beginning.
    State view = states_[running.began];
    for (const Step& step : running.steps) {
      const std::string seen = Perform(step, &view);
      if (!IsWrite(step)) {
        ASSERT_EQ(seen, step.value) << step.key;
      }
    }
    Change writes;
    for (const Step& step : running.steps) {
      if (IsWrite(step)) writes.push_back(step);
    }
    const Status status = running.txn->Commit({.sync = random_.OneIn(4)});
    if (writes.empty()) {
      ASSERT_TRUE(status.ok()) << status;
      return;
    }
    const bool conflict = InTheWay(running, running.serializable);
    if (!status.ok()) {
      ASSERT_EQ(status.code(), StatusCode::kAborted) << status;
      ASSERT_TRUE(conflict) << "nothing was in the way: " << status;
      return;
    }
    ASSERT_FALSE(conflict) << "an overwritten read or write was not noticed";
    if (running.serializable) {
      // At its commit it would have read the same.
      State serial = states_.back();
      for (const Step& step : running.steps) {
        const std::string seen = Perform(step, &serial);
        if (!IsWrite(step)) {
          ASSERT_EQ(seen, step.value) << step.key;
        }
      }
    }
    Append(std::move(writes));
    ASSERT_EQ(++acknowledged_, changes_.size());
  }

  static bool IsWrite(const Step& step) {
    return step.kind == Step::Kind::kPut || step.kind == Step::Kind::kDelete ||
           step.kind == Step::Kind::kDeleteRange;
  }
  static std::pair<std::string, std::string> RangeOf(const Step& step) {
    return {step.key, step.end.empty() ? step.key + '\0' : step.end};
  }
  // Whether somebody has changed what the transaction has to check. Reads of its own writes need no
  // check.
  bool InTheWay(const Running& running, bool reads_too) const {
    std::vector<Step> own;
    for (const Step& step : running.steps) {
      const bool get_of_own = step.kind == Step::Kind::kGet &&
                              std::any_of(own.begin(), own.end(), [&](const Step& write) {
                                const auto [begin, end] = RangeOf(write);
                                return begin <= step.key && step.key < end;
                              });
      if (IsWrite(step)) own.push_back(step);
      if (get_of_own || (!IsWrite(step) && !reads_too)) continue;
      const auto [begin, end] = RangeOf(step);
      for (size_t i = running.began; i < changes_.size(); i++) {
        for (const Step& change : changes_[i]) {
          const auto [from, to] = RangeOf(change);
          if (from < end && begin < to) return true;
        }
      }
    }
    return false;
  }

  EngineHarness h_;
  base::Random random_;
  std::deque<State> states_{State{}};
  std::vector<Change> changes_;
  size_t acknowledged_ = 0;  // changes; all of them are visible
  std::vector<Running> running_;
};

TEST(TransactionModelTest, HistoriesEqualTheSerialOrderOfTheirCommits) {
  ForEachSeed(400, [](uint64_t seed) { History(seed).Run(); });
}

}  // namespace
}  // namespace nokv::engine
