#include "sim/metamorphic/player.h"

#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "engine/db.h"

namespace nokv::sim {

namespace {

constexpr uint64_t kKeys = 80;
constexpr uint64_t kFarFutureMs = 99'000'000'000'000;
constexpr char kDirectory[] = "/db";

// Changes half of the values into what they are already.
class SameAgain final : public CompactionFilter {
 public:
  Verdict Judge(const Entry& entry, std::string* new_value) const override {
    if (entry.key.back() % 2 == 0) return Verdict::kKeep;
    new_value->assign(entry.value);
    return Verdict::kChange;
  }
};

std::string Show(std::string_view value) {
  const std::string text(value.substr(0, 12));
  return base::EscapeBytes(text) + "/" + std::to_string(value.size());
}

std::string Show(const std::optional<Value>& value) {
  if (!value.has_value()) return "(none)";
  return Show(value->data) + "/" + std::to_string(value->expiry_ms) + "/" +
         std::to_string(value->user_meta);
}

}  // namespace

Player::Player(uint64_t seed, uint64_t set)
    : list_(base::MixSeed(seed)),
      luck_(base::MixSeed(base::MixSeed(seed) + set)),
      first_(set == 0),
      disk_(vfs::NewMemoryFileSystem()),
      runtime_(runtime::NewSimRuntime(luck_.Next())) {
  Open();
}

Player::~Player() {
  pinned_.reset();
  for (auto& snapshot : snapshots_) snapshot.reset();
  db_.reset();
}

Options Player::DrawOptions() {
  Options options;
  options.memtable_bytes = 32 << 10;
  options.log_segment_bytes = 16 << 10;
  options.table_bytes = 8 << 10;
  options.base_level_bytes = 32 << 10;
  options.block_cache_bytes = 64 << 10;
  if (first_) return options;
  const auto power = [this](uint64_t least, uint64_t doublings) {
    return least << luck_.Uniform(doublings + 1);
  };
  options.memtable_bytes = power(2048, 6);
  options.immutable_memtable_bytes = power(1, 2) * options.memtable_bytes;
  options.log_segment_bytes = power(4096, 5);
  options.table_bytes = power(2048, 5);
  options.base_level_bytes = power(4096, 5);
  options.block_cache_bytes = luck_.OneIn(3) ? 0 : power(4096, 8);
  options.mapped_reads = luck_.OneIn(2);
  options.max_open_files = luck_.OneIn(2) ? 0 : power(1, 5);
  constexpr size_t kThresholds[] = {0, 1, 60, 500, 2000, SIZE_MAX};
  options.value_separation_threshold = kThresholds[luck_.Uniform(std::size(kThresholds))];
  using Strategy = ValueSeparationPolicy::Strategy;
  if (luck_.OneIn(3)) {
    options.value_separation_policies = {{"k1", Strategy::kAlwaysInline, 0},
                                         {"k2", Strategy::kAlwaysApart, 0},
                                         {"k3", Strategy::kThreshold, power(1, 10)}};
  }
  options.value_log_buckets = power(1, 3);
  options.value_log_gc_discard_ratio = luck_.OneIn(4) ? 1 : 0.1;
  options.value_log_gc_interval_ms = luck_.OneIn(2) ? 0 : power(1, 12);
  options.value_order_ratio = luck_.OneIn(4) ? 0 : 0.001;
  options.value_order_memory_reads = luck_.OneIn(2) ? 1 : 0;
  options.filter_bits_per_key = static_cast<int>(luck_.Uniform(16));
  options.key_index = luck_.OneIn(2);
  options.range_filter = luck_.OneIn(2);
  options.restart_interval = static_cast<int>(power(1, 5));
  options.level0_compaction_trigger = 1 + static_cast<int>(luck_.Uniform(5));
  options.level0_stop_trigger =
      options.level0_compaction_trigger + 1 + static_cast<int>(luck_.Uniform(8));
  options.compression.assign(1 + luck_.Uniform(3), CompressionType::kNone);
  for (auto& type : options.compression) type = static_cast<CompressionType>(luck_.Uniform(3));
  options.max_compactions = 1 + static_cast<int>(luck_.Uniform(4));
  options.compaction_bytes_per_second = luck_.OneIn(4) ? power(16 << 10, 6) : 0;
  if (luck_.OneIn(3)) options.compaction_filter = std::make_shared<SameAgain>();
  return options;
}

void Player::Open() {
  auto db = engine::OpenDB(DrawOptions(), kDirectory, {*disk_, *runtime_, base::NullLogger()});
  NOKV_CHECK(db.ok()) << db.status();
  db_ = *std::move(db);
}

void Player::Reopen(bool kill) {
  pinned_.reset();
  for (auto& snapshot : snapshots_) snapshot.reset();
  if (!kill) Note("close", db_->Close());
  auto left = disk_->KillClone();
  db_.reset();
  disk_ = std::move(left);
  runtime_ = runtime::NewSimRuntime(luck_.Next());
  Open();
}

void Player::Step() {
  const uint64_t dice = list_.Uniform(100);
  if (dice < 45) {
    Write();
  } else if (dice < 52) {
    WriteBatchOf(2 + list_.Uniform(5));
  } else if (dice < 66) {
    Read();
  } else if (dice < 77) {
    Scan();
  } else if (dice < 85) {
    Pin();
  } else if (dice < 89) {
    Transact();
  } else {
    Maintain();
  }
  for (uint64_t n = luck_.OneIn(2) ? luck_.Uniform(6) : 0; n > 0; n--) {
    if (!runtime_->RunOne()) break;
  }
}

void Player::Finish() {
  for (const bool forward : {true, false}) {
    const auto it = db_->NewIterator();
    std::string all;
    for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
         forward ? it->Next() : it->Prev()) {
      all += std::string(it->key()) + "=" + Show(it->value()) + " ";
    }
    Note(forward ? "all" : "all, backwards", all + it->status().ToString());
  }
}

void Player::Write() {
  const uint64_t dice = list_.Uniform(10);
  const WriteOptions how{.sync = list_.OneIn(5)};
  const std::string key = Key();
  if (dice < 7) {
    const std::string value = Value();
    Note("put " + key, db_->Put(how, key, value, Attributes()));
  } else if (dice < 9) {
    Note("delete " + key, db_->Delete(how, key));
  } else {
    const std::string end = key + static_cast<char>('0' + list_.Uniform(10));
    const std::string begin = key.substr(0, 2 + list_.Uniform(2));
    Note("delete [" + begin + ", " + end + ")", db_->DeleteRange(how, begin, end));
  }
}

void Player::WriteBatchOf(uint64_t changes) {
  WriteBatch batch;
  for (uint64_t i = 0; i < changes; i++) {
    const std::string key = Key();
    if (list_.OneIn(4)) {
      batch.Delete(key);
    } else if (list_.OneIn(8)) {
      batch.DeleteRange(key, key + "5");
    } else {
      const std::string value = Value();
      batch.Put(key, value, Attributes());
    }
  }
  const bool sync = list_.OneIn(5);
  Note("batch", db_->Write({.sync = sync}, std::move(batch)));
}

void Player::Read() {
  const ReadOptions how{.snapshot = View()};
  if (list_.OneIn(3)) {
    std::vector<std::string> names;
    for (uint64_t n = 1 + list_.Uniform(20); n > 0; n--) names.push_back(Key());
    const std::vector<std::string_view> keys(names.begin(), names.end());
    const auto values = db_->MultiGet(how, keys);
    std::string answer = values.status().ToString();
    if (values.ok()) {
      for (const auto& value : *values) answer += " " + Show(value);
    }
    return Note("get many", std::move(answer));
  }
  const std::string key = Key();
  const auto value = db_->Get(how, key);
  Note("get " + key, value.ok() ? Show(*value) : value.status().ToString());
}

std::string Player::Walk(Iterator& it, uint64_t limit) {
  const uint64_t from = list_.Uniform(4);
  const std::string target = Key();
  if (from == 0) it.SeekToFirst();
  if (from == 1) it.SeekToLast();
  if (from == 2) it.Seek(target);
  if (from == 3) it.SeekForPrev(target);
  const uint64_t turns = list_.Uniform(3);
  bool forward = list_.OneIn(2);
  std::string text;
  for (uint64_t turn = 0; turn <= turns; turn++, forward = !forward) {
    for (uint64_t n = limit; n > 0 && it.Valid(); n--) {
      text += std::string(it.key()) + "=" + Show(it.value()) + " ";
      forward ? it.Next() : it.Prev();
    }
  }
  return text + it.status().ToString();
}

void Player::Scan() {
  IteratorOptions how;
  how.snapshot = View();
  if (list_.OneIn(2)) how.lower_bound = Key();
  if (list_.OneIn(2)) how.upper_bound = Key();
  how.key_only = list_.OneIn(5);
  const uint64_t limit = 1 + list_.Uniform(kKeys);
  Note("scan", Walk(*db_->NewIterator(how), limit));
}

void Player::Pin() {
  const uint64_t dice = list_.Uniform(8);
  auto& slot = snapshots_[list_.Uniform(snapshots_.size())];
  if (dice < 3) {
    slot = db_->GetSnapshot();
  } else if (dice < 5) {
    slot.reset();
  } else if (dice == 5) {
    pinned_ = db_->NewIterator();
  } else if (pinned_ != nullptr) {
    Note("walk on", Walk(*pinned_, kKeys / 2));
  }
}

void Player::Transact() {
  const auto transaction = db_->BeginTransaction({.isolation = Isolation::kSerializable});
  const std::string read = Key(), written = Key(), other = Key(), value = Value();
  const auto seen = transaction->Get(read);
  Note("read " + read, seen.ok() ? Show(*seen) : seen.status().ToString());
  Note("write " + written, transaction->Put(written, value));
  if (list_.OneIn(2)) Note("meanwhile " + other, db_->Put({}, other, value));
  Note("commit", transaction->Commit({}).ok() ? "done" : "refused");
}

void Player::Maintain() {
  const uint64_t dice = list_.Uniform(11);
  if (dice < 3) return Note("flush", db_->Flush());
  if (dice < 5) {
    const std::string begin = list_.OneIn(2) ? Key() : "", end = begin.empty() ? "" : begin + "~";
    return Note("compact", db_->CompactRange(begin, end));
  }
  if (dice == 5) {
    const Status status = db_->RunValueLogGC(0.2);
    return Note("collect", status.IsNotFound() ? Status::Ok() : status);
  }
  if (dice == 6) return Note("sync", db_->SyncLog());
  if (dice == 7) return Ingest();
  if (dice == 8) return Checkpoint();
  Reopen(/*kill=*/dice == 9);
}

void Player::Ingest() {
  std::map<std::string, std::string> entries;
  for (uint64_t n = 1 + list_.Uniform(8); n > 0; n--) {
    const std::string key = Key();
    entries[key] = Value();
  }
  IngestOptions how;
  how.transfer = static_cast<IngestOptions::Transfer>(list_.Uniform(3));
  if (list_.OneIn(2)) how.excise = {entries.begin()->first, entries.rbegin()->first + "5"};
  const std::string path = "/table-" + std::to_string(++files_);
  const bool deletes = list_.OneIn(2);
  auto writer = engine::CreateSstWriter({}, path, *disk_);
  NOKV_CHECK(writer.ok()) << writer.status();
  for (const auto& [key, value] : entries) {
    const bool deleted = deletes && value.size() % 3 == 0;
    Note("add " + key, deleted ? (*writer)->Delete(key) : (*writer)->Put(key, value));
  }
  Note("finish", (*writer)->Finish().status());
  Note("ingest", db_->Ingest({path}, how));
}

void Player::Checkpoint() {
  const std::string path = "/checkpoint-" + std::to_string(++files_);
  Note("checkpoint", db_->CreateCheckpoint(path));
  Options options;
  options.read_only = luck_.OneIn(2);
  const auto copy = engine::OpenDB(options, path, {*disk_, *runtime_, base::NullLogger()});
  Note("open the checkpoint", copy.status());
  if (copy.ok()) Note("walk there", Walk(*(*copy)->NewIterator(), kKeys));
}

std::string Player::Key() {
  return "k" + std::to_string(100 + list_.Uniform(kKeys) * 5);
}

std::string Player::Value() {
  const size_t length = list_.OneIn(6) ? list_.Uniform(4000) : list_.Uniform(120);
  const uint64_t unique = list_.Next();
  return std::to_string(unique) + std::string(length, static_cast<char>('a' + unique % 26));
}

PutOptions Player::Attributes() {
  PutOptions attributes;
  // Never by a clock: time goes by as the background does.
  if (list_.OneIn(10)) attributes.expiry_ms = list_.OneIn(2) ? 1 : kFarFutureMs;
  attributes.user_meta = static_cast<uint8_t>(list_.Uniform(3));
  return attributes;
}

const Snapshot* Player::View() {
  const uint64_t slot = list_.Uniform(2 * snapshots_.size());
  return slot < snapshots_.size() ? snapshots_[slot].get() : nullptr;
}

void Player::Note(std::string_view operation, std::string answer) {
  answers_.push_back(std::string(operation) + ": " + std::move(answer));
}

void Player::Note(std::string_view operation, const Status& status) {
  Note(operation, status.ToString());
}

}  // namespace nokv::sim
