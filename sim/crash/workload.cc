#include "sim/crash/workload.h"

#include <iterator>
#include <map>
#include <utility>

#include "base/log.h"
#include "engine/db.h"

namespace nokv::sim {

namespace {
constexpr uint64_t kKeys = 64;
constexpr uint64_t kFarFutureMs = 4000000000000;
constexpr int kOpenAttempts = 5;

std::string KeyName(uint64_t number) {
  // Some keys share long prefixes, some begin with the byte that the encoding escapes.
  if (number % 8 == 0) return std::string(1, '\xff') + std::to_string(number);
  if (number % 8 == 1) return "a/long/shared/prefix/" + std::to_string(number);
  return "k" + std::to_string(number);
}

std::string CheckpointPath(uint64_t number) {
  return "/checkpoint-" + std::to_string(number);
}

// Drops junk, and changes half of all other values into what they are already.
class JunkCollector final : public CompactionFilter {
 public:
  Verdict Judge(const Entry& entry, std::string* new_value) const override {
    if (entry.key.starts_with(kJunkPrefix)) return Verdict::kDrop;
    if (entry.key.back() % 2 == 0) return Verdict::kKeep;
    new_value->assign(entry.value);
    return Verdict::kChange;
  }
};

}  // namespace

Options TinyOptions(uint64_t seed) {
  base::Random random(base::MixSeed(seed));
  Options options;
  options.memtable_bytes = size_t{4096} << random.Uniform(3);
  options.immutable_memtable_bytes = 2 * options.memtable_bytes;
  options.log_segment_bytes = size_t{8192} << random.Uniform(3);
  options.block_cache_bytes = random.OneIn(3) ? 0 : 64 << 10;
  options.table_bytes = size_t{4096} << random.Uniform(2);
  options.base_level_bytes = size_t{16384} << random.Uniform(2);
  options.level0_compaction_trigger = 2 + static_cast<int>(random.Uniform(3));
  options.level0_stop_trigger = 8;
  options.value_separation_threshold = SomeThreshold(seed);
  options.value_log_buckets = 1 + seed % 3;
  // Some scans are enough.
  options.value_order_ratio = seed % 4 == 0 ? 0 : 0.001;
  options.value_order_memory_reads = 1;
  if (random.OneIn(2)) options.compression = {CompressionType::kNone, CompressionType::kZstd};
  options.max_compactions = 1 + static_cast<int>(random.Uniform(3));
  if (random.OneIn(4)) options.compaction_bytes_per_second = 64 << 10;
  if (random.OneIn(3)) options.max_open_files = 1 + random.Uniform(4);
  if (random.OneIn(2)) options.compaction_filter = std::make_shared<JunkCollector>();
  return options;
}

size_t SomeThreshold(uint64_t seed) {
  constexpr size_t kThresholds[] = {0, 60, 120, 1000, SIZE_MAX};
  return kThresholds[base::MixSeed(seed) % std::size(kThresholds)];
}

Workload::Workload(uint64_t seed, vfs::FileSystem& fs)
    : seed_(seed), fs_(fs), random_(seed), runtime_(runtime::NewSimRuntime(base::MixSeed(seed))) {}

Workload::~Workload() {
  if (db_ != nullptr) Shut();
}

void Workload::Violate(std::string text) {
  if (violation_.empty()) violation_ = std::move(text);
}

void Workload::Run(uint64_t ops) {
  for (; operations_done_ < ops && violation_.empty(); operations_done_++) {
    OpenIfClosed();
    if (db_ == nullptr) return;
    Step();
    // Let background work get ahead now and then.
    for (uint64_t n = random_.OneIn(3) ? random_.Uniform(8) : 0; n > 0; n--) {
      if (!runtime_->RunOne()) break;
    }
  }
}

void Workload::OpenIfClosed() {
  if (db_ != nullptr) return;
  Options options = TinyOptions(seed_);
  options.value_separation_threshold = SomeThreshold(seed_ + opens_++);
  Status last;
  // A fault may strike an open; the next one must succeed.
  for (int attempt = 0; attempt < kOpenAttempts && db_ == nullptr; attempt++) {
    auto db = engine::OpenDB(options, kDirectory, {fs_, *runtime_, base::NullLogger()});
    if (db.ok()) {
      db_ = *std::move(db);
    } else {
      last = db.status();
      operations_failed_++;
    }
  }
  if (db_ == nullptr) return Violate("the database does not open: " + last.ToString());
  Verdict verdict = CheckAgainst(model_, *db_, model_.acknowledged(), now_ms());
  // A read may have met the injected fault; the second look decides.
  if (!verdict.violation.empty()) {
    verdict = CheckAgainst(model_, *db_, model_.acknowledged(), now_ms());
  }
  if (!verdict.violation.empty()) return Violate("after reopen: " + verdict.violation);
  model_.Rewind(verdict.prefix);
}

void Workload::Shut() {
  shut_wanted_ = false;
  if (db_->Close().ok()) {
    model_.Durable(model_.acknowledged());
  } else {
    operations_failed_++;
  }
  db_.reset();
}

void Workload::Failed() {
  operations_failed_++;
  shut_wanted_ = true;
}

std::string Workload::RandomKey() {
  return KeyName(random_.Uniform(kKeys));
}

Change Workload::RandomChange() {
  Change change;
  change.key = RandomKey();
  const uint64_t dice = random_.Uniform(20);
  if (dice < 4) {
    change.kind = Change::Kind::kDelete;
  } else if (dice == 4) {
    change.kind = Change::Kind::kDeleteRange;
    change.end = RandomKey();
    if (change.end < change.key) std::swap(change.key, change.end);
    if (change.end == change.key) change.end += '\0';
  } else {
    const size_t length = random_.OneIn(12) ? 2000 + random_.Uniform(3000) : random_.Uniform(200);
    change.value.data.assign(length, static_cast<char>('a' + random_.Uniform(26)));
    change.value.data += std::to_string(random_.Next());
    change.value.user_meta = static_cast<uint8_t>(random_.Uniform(3));
    if (random_.OneIn(8)) change.value.expiry_ms = random_.OneIn(2) ? 1 : kFarFutureMs;
  }
  return change;
}

template <typename Sink>
uint64_t Workload::NextBatch(Sink* sink) {
  std::vector<Change> changes;
  for (uint64_t n = random_.OneIn(3) ? 1 + random_.Uniform(6) : 1; n > 0; n--) {
    changes.push_back(RandomChange());
  }
  Change marker;
  marker.key = kMarkerKey;
  marker.value.data = std::to_string(model_.issued() + 1);
  changes.push_back(marker);

  for (const Change& change : changes) {
    switch (change.kind) {
      case Change::Kind::kPut:
        (void)sink->Put(change.key, change.value.data,
                        {change.value.expiry_ms, change.value.user_meta});
        break;
      case Change::Kind::kDelete:
        (void)sink->Delete(change.key);
        break;
      case Change::Kind::kDeleteRange:
        (void)sink->DeleteRange(change.key, change.end);
        break;
    }
  }
  if (random_.OneIn(4)) {
    const std::string junk = kJunkPrefix + std::to_string(random_.Uniform(16));
    (void)sink->Put(junk, JunkValue(junk));
  }
  return model_.Add(changes);
}

void Workload::WriteSome() {
  const bool sync = random_.OneIn(4);
  uint64_t number = 0;
  Status status;
  if (random_.OneIn(4)) {
    // Nobody is in the way of the one client.
    const auto txn = db_->BeginTransaction({.isolation = Isolation::kSerializable});
    const auto read = txn->Get(RandomKey());
    if (!read.ok()) return Failed();
    number = NextBatch(txn.get());
    status = txn->Commit({sync});
    if (status.code() == StatusCode::kAborted) return Violate(status.ToString());
  } else {
    WriteBatch batch;
    number = NextBatch(&batch);
    status = db_->Write({sync}, std::move(batch));
  }
  if (!status.ok()) return Failed();
  if (sync) {
    model_.Durable(number);
  } else {
    model_.Acknowledge(number);
  }
}

void Workload::WriteManyAtOnce() {
  for (uint64_t n = 2 + random_.Uniform(5); n > 0; n--) {
    const bool sync = random_.OneIn(2);
    WriteBatch batch;
    const uint64_t number = NextBatch(&batch);
    unanswered_++;
    db_->WriteAsync({sync}, std::move(batch), [this, number, sync](const Status& status) {
      unanswered_--;
      if (!status.ok()) return Failed();
      if (number != model_.acknowledged() + 1) {
        Violate("batch " + std::to_string(number) + " is acknowledged after " +
                std::to_string(model_.acknowledged()));
      }
      if (sync) {
        model_.Durable(number);
      } else {
        model_.Acknowledge(number);
      }
    });
    if (random_.OneIn(3)) runtime_->RunOne();
    CheckThatReadsSeeWhatIsAcknowledged();
  }
  while (unanswered_ > 0 && runtime_->RunOne()) CheckThatReadsSeeWhatIsAcknowledged();
  if (unanswered_ > 0) Violate(std::to_string(unanswered_) + " writes are never answered");
}

void Workload::CheckThatReadsSeeWhatIsAcknowledged() {
  const auto marker = db_->Get({}, kMarkerKey);
  if (!marker.ok()) return Failed();
  const uint64_t seen = marker->has_value() ? std::stoull((*marker)->data) : 0;
  if (seen != model_.acknowledged()) {
    Violate("reads see batch " + std::to_string(seen) + ", acknowledged is " +
            std::to_string(model_.acknowledged()));
  }
}

void Workload::CheckSomeReads() {
  for (int i = 0; i < 3; i++) {
    const std::string key = RandomKey();
    const auto got = db_->Get({}, key);
    if (!got.ok()) return Failed();
    const ModelState& state = model_.StateAt(model_.issued());
    const auto it = state.find(key);
    const bool live =
        it != state.end() && (it->second.expiry_ms == 0 || it->second.expiry_ms > now_ms());
    if (got->has_value() != live || (live && (*got)->data != it->second.data)) {
      return Violate("Get of \"" + key + "\" differs from the model");
    }
  }
}

void Workload::ScanManyTimes() {
  for (int i = 0; i < 60; i++) {
    const auto it = db_->NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
    }
    if (!it->status().ok()) return Failed();
  }
}

void Workload::CheckSnapshot() {
  const auto snapshot = db_->GetSnapshot();
  const std::string key = RandomKey();
  const auto before = db_->Get({snapshot.get()}, key);
  for (int i = 0; i < 4; i++) {
    const uint64_t number = model_.issued() + 1;
    WriteBatch batch;
    Change change{Change::Kind::kPut, key, "", {"snapshot " + std::to_string(i), 0, 0}};
    Change marker{Change::Kind::kPut, kMarkerKey, "", {std::to_string(number), 0, 0}};
    batch.Put(key, change.value.data);
    batch.Put(kMarkerKey, marker.value.data);
    model_.Add({change, marker});
    const Status status = db_->Write({}, std::move(batch));
    if (!status.ok()) return Failed();
    model_.Acknowledge(number);
  }
  const Status flushed = db_->Flush();
  if (flushed.ok()) model_.Durable(model_.acknowledged());
  const auto after = db_->Get({snapshot.get()}, key);
  if (!flushed.ok() || !before.ok() || !after.ok()) return Failed();
  if (before->has_value() != after->has_value() ||
      (before->has_value() && (*before)->data != (*after)->data)) {
    Violate("a snapshot changed under its reader");
  }
}

void Workload::MakeCheckpoint() {
  checkpoint_ = {checkpoint_.number + 1, model_.acknowledged(), false};
  const Status made = db_->CreateCheckpoint(CheckpointPath(checkpoint_.number));
  if (!made.ok()) return Failed();
  checkpoint_.made = true;
  model_.Durable(checkpoint_.batches);
}

void Workload::IngestSome() {
  // A table has one entry of a key, and its keys ascend.
  std::map<std::string, Change> changes;
  for (uint64_t n = 1 + random_.Uniform(8); n > 0; n--) {
    Change change = RandomChange();
    if (change.kind != Change::Kind::kDeleteRange) changes[change.key] = change;
  }
  changes[kMarkerKey] = {Change::Kind::kPut, kMarkerKey, "", {std::to_string(model_.issued() + 1)}};
  IngestOptions options;
  options.transfer = static_cast<IngestOptions::Transfer>(random_.Uniform(3));
  std::vector<Change> told;
  if (random_.OneIn(2)) {
    Change excised{Change::Kind::kDeleteRange, RandomKey(), RandomKey(), {}};
    if (excised.end < excised.key) std::swap(excised.key, excised.end);
    excised.end += '\0';
    options.excise = {excised.key, excised.end};
    told.push_back(excised);
  }
  std::vector<std::string> files;
  std::unique_ptr<SstWriter> writer;
  Status status;
  const auto finish = [&] {
    if (writer != nullptr && status.ok()) status = writer->Finish().status();
    writer.reset();
  };
  for (const auto& [key, change] : changes) {
    if (writer == nullptr || random_.OneIn(4)) {
      finish();
      files.push_back("/table-" + std::to_string(++tables_));
      auto created = engine::CreateSstWriter(TinyOptions(seed_), files.back(), fs_);
      if (!created.ok()) return Failed();
      writer = *std::move(created);
    }
    if (status.ok()) {
      status = change.kind == Change::Kind::kDelete
                   ? writer->Delete(key)
                   : writer->Put(key, change.value.data,
                                 {change.value.expiry_ms, change.value.user_meta});
    }
    told.push_back(change);
  }
  finish();
  if (!status.ok()) return Failed();
  const uint64_t number = model_.Add(told);
  status = db_->Ingest(files, options);
  if (!status.ok()) return Failed();
  model_.Durable(number);
}

std::string Workload::CheckCheckpoint(vfs::FileSystem& disk) const {
  const std::string path = CheckpointPath(checkpoint_.number);
  const auto exists = disk.Exists(path);
  if (!exists.ok()) return exists.status().ToString();
  if (!*exists) return checkpoint_.made ? "the checkpoint is gone" : "";
  const auto runtime = runtime::NewSimRuntime(seed_);
  auto db = engine::OpenDB(TinyOptions(seed_), path, {disk, *runtime, base::NullLogger()});
  if (!db.ok()) return "the checkpoint does not open: " + db.status().ToString();
  const uint64_t now_ms = runtime->clock().WallMillis();
  // Also one that is not answered yet is whole.
  const Verdict verdict = CheckAgainst(model_, **db, checkpoint_.batches, now_ms);
  if (!verdict.violation.empty()) return "the checkpoint: " + verdict.violation;
  if (verdict.prefix > checkpoint_.batches) return "the checkpoint holds what was written later";
  return "";
}

void Workload::Step() {
  const uint64_t dice = random_.Uniform(100);
  Status status;
  if (dice < 72) {
    WriteSome();
  } else if (dice < 78) {
    WriteManyAtOnce();
  } else if (dice < 86) {
    CheckSomeReads();
    ScanManyTimes();
  } else if (dice < 89) {
    status = db_->Flush();
    if (status.ok()) model_.Durable(model_.acknowledged());
  } else if (dice < 91) {
    status = random_.OneIn(2) ? db_->CompactRange("", "") : db_->CompactRange("a", "k3");
    if (status.ok() && random_.OneIn(2)) status = db_->RunValueLogGC(0.2);
    if (status.IsNotFound()) status = Status::Ok();  // no file has so much garbage
    if (status.ok()) ScanManyTimes();
  } else if (dice < 92) {
    MakeCheckpoint();
  } else if (dice < 93) {
    IngestSome();
  } else if (dice < 94) {
    status = db_->SyncLog();
    if (status.ok()) model_.Durable(model_.acknowledged());
  } else if (dice < 96) {
    CheckSnapshot();
  } else {
    shut_wanted_ = true;
  }
  if (!status.ok()) Failed();
  if (shut_wanted_) Shut();
}

std::string Workload::CheckRemains(vfs::FileSystem& disk, Ending ending) const {
  const auto runtime = runtime::NewSimRuntime(seed_);
  auto db = engine::OpenDB(TinyOptions(seed_), kDirectory, {disk, *runtime, base::NullLogger()});
  if (!db.ok()) return "the database does not open: " + db.status().ToString();
  const uint64_t now_ms = runtime->clock().WallMillis();
  const uint64_t must = ending == Ending::kKill ? model_.acknowledged() : model_.durable();
  Verdict verdict = CheckAgainst(model_, **db, must, now_ms);
  if (!verdict.violation.empty()) return verdict.violation;
  // Life goes on: a synced write, and a clean second reopen.
  const Status written = (*db)->Put({.sync = true}, "after the crash", "yes");
  if (!written.ok()) return "no write after the reopen: " + written.ToString();
  const Status closed = (*db)->Close();
  if (!closed.ok()) return "no close after the reopen: " + closed.ToString();
  Options options = TinyOptions(seed_);
  options.value_separation_threshold = SomeThreshold(seed_ + must);
  db = engine::OpenDB(options, kDirectory, {disk, *runtime, base::NullLogger()});
  if (!db.ok()) return "the database does not open twice: " + db.status().ToString();
  const auto value = (*db)->Get({}, "after the crash");
  if (!value.ok() || !value->has_value()) return "the write after the reopen is lost";
  (void)(*db)->Delete({}, "after the crash");
  verdict = CheckAgainst(model_, **db, verdict.prefix, now_ms);
  if (!verdict.violation.empty()) return "second reopen: " + verdict.violation;
  return CheckCheckpoint(disk);
}

std::unique_ptr<Subject> NewWorkload(uint64_t seed, vfs::FileSystem& fs) {
  return std::make_unique<Workload>(seed, fs);
}

}  // namespace nokv::sim
