#include "bench/stress/stress_worker.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/macros.h"
#include "base/random.h"
#include "bench/stress/oracle.h"
#include "nokv/db.h"
#include "runtime/thread.h"

namespace nokv::bench {

namespace {

// Changes half of the values into what they are already.
class SameAgain final : public CompactionFilter {
 public:
  Verdict Judge(const Entry& entry, std::string* new_value) const override {
    if (entry.key.back() % 2 == 0) return Verdict::kKeep;
    new_value->assign(entry.value);
    return Verdict::kChange;
  }
};

std::string Describe(KeyState state) {
  return (state.present ? "version " : "delete ") + std::to_string(state.version);
}

Status Violation(uint64_t key, const std::string& found, const std::string& wanted) {
  return Status::Corruption(StressKey(key) + " has " + found + " where " + wanted + " should be");
}

// The state that a value shows; nullopt if it is no value of this key.
std::optional<KeyState> StateOf(uint64_t key, std::string_view value) {
  const size_t begin = value.find('.') + 1;
  uint32_t version = 0;
  for (size_t i = begin; i < value.size() && value[i] != '.'; ++i) {
    version = version * 10 + static_cast<uint32_t>(value[i] - '0');
  }
  if (begin == 0 || value != StressValue(key, version)) return std::nullopt;
  return KeyState{version, true};
}

// One thread and the keys that it owns: [first, end).
class StressThread {
 public:
  StressThread(DB& db, Oracle& oracle, uint64_t first, uint64_t end, uint64_t seed)
      : db_(db), oracle_(oracle), first_(first), end_(end), random_(seed) {}

  Status Step() {
    oracle_.CountOperation();
    const uint64_t dice = random_.Uniform(10'000);
    if (dice < 4500) return Put();
    if (dice < 5300) return Delete();
    if (dice < 5800) return WriteSeveral();
    if (dice < 5850) return DeleteRange();
    if (dice < 8500) return CheckOne();
    if (dice < 9300) return CheckRange(/*snapshot=*/nullptr, Expect(Span()));
    if (dice < 9990) return CheckSnapshot();
    if (dice < 9999) return db_.Flush();
    return db_.CompactRange("", "");
  }

 private:
  struct Keys {
    uint64_t first, end;
  };
  struct Expected {
    Keys keys;
    std::vector<KeyState> states;
  };

  uint64_t Any() { return first_ + random_.Uniform(end_ - first_); }
  Keys Span() {
    const uint64_t first = Any();
    return {first, std::min(end_, first + 1 + random_.Uniform(100))};
  }
  WriteOptions Acknowledgement() { return {.sync = random_.OneIn(50)}; }

  Status Put() {
    const uint64_t key = Any();
    const KeyState state = oracle_.Begin(key, true);
    RETURN_IF_ERROR(db_.Put(Acknowledgement(), StressKey(key), StressValue(key, state.version)));
    oracle_.End(key);
    return Status::Ok();
  }

  Status Delete() {
    const uint64_t key = Any();
    oracle_.Begin(key, false);
    RETURN_IF_ERROR(db_.Delete(Acknowledgement(), StressKey(key)));
    oracle_.End(key);
    return Status::Ok();
  }

  // Neighbours in one batch, so that none comes twice.
  Status WriteSeveral() {
    const Keys keys = Span();
    WriteBatch batch;
    for (uint64_t key = keys.first; key < keys.end; ++key) {
      const KeyState state = oracle_.Begin(key, !random_.OneIn(4));
      if (state.present) {
        batch.Put(StressKey(key), StressValue(key, state.version));
      } else {
        batch.Delete(StressKey(key));
      }
    }
    RETURN_IF_ERROR(db_.Write(Acknowledgement(), std::move(batch)));
    for (uint64_t key = keys.first; key < keys.end; ++key) oracle_.End(key);
    return Status::Ok();
  }

  Status DeleteRange() {
    const Keys keys = Span();
    for (uint64_t key = keys.first; key < keys.end; ++key) oracle_.Begin(key, false);
    RETURN_IF_ERROR(db_.DeleteRange(Acknowledgement(), StressKey(keys.first), StressKey(keys.end)));
    for (uint64_t key = keys.first; key < keys.end; ++key) oracle_.End(key);
    return Status::Ok();
  }

  Status CheckOne() {
    const uint64_t key = Any();
    const KeyState wanted = oracle_.Acknowledged(key);
    ASSIGN_OR_RETURN(const auto value, db_.Get({}, StressKey(key)));
    return Compare(key, wanted, value.has_value(), value.has_value() ? value->data : "");
  }

  static Status Compare(uint64_t key, KeyState wanted, bool found, std::string_view value) {
    if (found == wanted.present && (!found || value == StressValue(key, wanted.version))) {
      return Status::Ok();
    }
    const auto state = found ? StateOf(key, value) : KeyState{};
    return Violation(key,
                     !found  ? "nothing"
                     : state ? Describe(*state)
                             : "a mangled value",
                     Describe(wanted));
  }

  Expected Expect(Keys keys) const {
    Expected expected{keys, {}};
    for (uint64_t key = keys.first; key < keys.end; ++key) {
      expected.states.push_back(oracle_.Acknowledged(key));
    }
    return expected;
  }

  // Forwards or backwards over the keys, all of which must be there, and no others.
  Status CheckRange(const Snapshot* snapshot, const Expected& expected) {
    IteratorOptions options;
    options.snapshot = snapshot;
    options.lower_bound = StressKey(expected.keys.first);
    options.upper_bound = StressKey(expected.keys.end);
    const auto iterator = db_.NewIterator(options);
    const bool forwards = random_.OneIn(2);
    const uint64_t count = expected.keys.end - expected.keys.first;
    if (forwards) {
      iterator->SeekToFirst();
    } else {
      iterator->SeekToLast();
    }
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t at = forwards ? i : count - 1 - i;
      const uint64_t key = expected.keys.first + at;
      const bool found = iterator->Valid() && iterator->key() == StressKey(key);
      RETURN_IF_ERROR(
          Compare(key, expected.states[at], found, found ? iterator->value() : std::string_view()));
      if (!found) continue;
      if (forwards) {
        iterator->Next();
      } else {
        iterator->Prev();
      }
    }
    RETURN_IF_ERROR(iterator->status());
    if (!iterator->Valid()) return Status::Ok();
    return Status::Corruption("an iterator goes on to " + std::string(iterator->key()));
  }

  // What a snapshot showed it shows after further writes, too.
  Status CheckSnapshot() {
    const Expected expected = Expect(Span());
    const auto snapshot = db_.GetSnapshot();
    for (int i = 0; i < 5; ++i) RETURN_IF_ERROR(random_.OneIn(2) ? Put() : WriteSeveral());
    if (random_.OneIn(50)) RETURN_IF_ERROR(db_.Flush());
    return CheckRange(snapshot.get(), expected);
  }

  DB& db_;
  Oracle& oracle_;
  const uint64_t first_, end_;
  base::Random random_;
};

// Compares all that is there with the oracle, and tells it which of two possible states each key
// has.
Status CompareAll(DB& db, Oracle& oracle) {
  std::vector<KeyState> found(oracle.keys());
  const auto iterator = db.NewIterator();
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    const auto key = StressKeyNumber(iterator->key());
    if (!key || *key >= oracle.keys()) {
      return Status::Corruption("nobody wrote the key " + std::string(iterator->key()));
    }
    const auto state = StateOf(*key, iterator->value());
    if (!state) return Status::Corruption(StressKey(*key) + " has a mangled value");
    found[*key] = *state;
  }
  RETURN_IF_ERROR(iterator->status());
  for (uint64_t key = 0; key < oracle.keys(); ++key) {
    const KeyState acknowledged = oracle.Acknowledged(key);
    const KeyState pending = oracle.Pending(key);
    const auto fits = [&](KeyState state) {
      return found[key].present ? found[key] == state : !state.present;
    };
    if (!fits(acknowledged) && !fits(pending)) {
      return Violation(key, found[key].present ? Describe(found[key]) : "nothing",
                       Describe(acknowledged) + " or " + Describe(pending));
    }
    oracle.Settle(key, found[key]);
  }
  return Status::Ok();
}

}  // namespace

Options StressOptions(uint64_t seed) {
  base::Random random(base::MixSeed(seed));
  const auto power = [&](uint64_t least, uint64_t doublings) {
    return least << random.Uniform(doublings + 1);
  };
  Options options;
  options.memtable_bytes = power(64 << 10, 7);
  options.immutable_memtable_bytes = options.memtable_bytes * (1 + random.Uniform(4));
  options.log_segment_bytes = power(256 << 10, 6);
  options.block_cache_bytes = power(64 << 10, 10);
  options.table_bytes = power(64 << 10, 6);
  options.base_level_bytes = power(256 << 10, 5);
  options.mapped_reads = !random.OneIn(3);
  if (!random.OneIn(3)) options.value_separation_threshold = power(16, 12);
  options.value_log_buckets = power(1, 3);
  options.filter_bits_per_key = static_cast<int>(random.Uniform(16));
  options.key_index = random.OneIn(2);
  options.range_filter = random.OneIn(2);
  options.restart_interval = static_cast<int>(power(1, 6));
  options.level0_compaction_trigger = 1 + static_cast<int>(random.Uniform(6));
  options.level0_stop_trigger =
      options.level0_compaction_trigger + 1 + static_cast<int>(random.Uniform(12));
  options.compression.clear();
  const uint64_t levels = 1 + random.Uniform(3);
  for (uint64_t level = 0; level < levels; ++level) {
    options.compression.push_back(static_cast<CompressionType>(random.Uniform(3)));
  }
  options.max_compactions = 1 + static_cast<int>(random.Uniform(4));
  if (random.OneIn(4)) options.compaction_bytes_per_second = power(1 << 20, 6);
  if (random.OneIn(3)) options.max_open_files = power(1, 6);
  if (random.OneIn(2)) options.compaction_filter = std::make_shared<SameAgain>();
  return options;
}

Status RunStressWork(const StressWork& work) {
  ASSIGN_OR_RETURN(const auto oracle, Oracle::Open(work.oracle, work.keys));
  ASSIGN_OR_RETURN(const auto db, DB::Open(StressOptions(work.seed), work.directory));
  RETURN_IF_ERROR(CompareAll(*db, *oracle));
  const uint64_t deadline = base::SystemClock().MonotonicMicros() + work.millis * 1000;
  std::atomic<bool> failed{false};
  std::vector<Status> statuses(work.threads);
  if (work.millis > 0) {
    std::vector<std::unique_ptr<runtime::Thread>> threads;
    for (uint64_t i = 0; i < work.threads; ++i) {
      threads.push_back(runtime::StartThread("stress", [&, i] {
        StressThread thread(*db, *oracle, work.keys * i / work.threads,
                            work.keys * (i + 1) / work.threads,
                            base::MixSeed(base::MixSeed(work.seed) + i));
        while (statuses[i].ok() && !failed.load() &&
               base::SystemClock().MonotonicMicros() < deadline) {
          statuses[i] = thread.Step();
        }
        if (!statuses[i].ok()) failed.store(true);
      }));
    }
  }
  for (const Status& status : statuses) RETURN_IF_ERROR(status);
  return db->Close();
}

}  // namespace nokv::bench
