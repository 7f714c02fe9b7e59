#include "bench/workload/ycsb.h"

#include <algorithm>
#include <cmath>

#include "base/macros.h"
#include "bench/workload/record.h"

namespace nokv::bench {

namespace {

// Keeps the random numbers of loading, of running and of each thread apart.
uint64_t SeedFor(uint64_t seed, uint64_t stream, uint64_t thread) {
  return base::MixSeed(base::MixSeed(base::MixSeed(seed) + stream) + thread);
}

Status Wrong(uint64_t record, std::string_view what) {
  return Status::Corruption("record " + std::to_string(record) + " " + std::string(what));
}

class Loader : public Client {
 public:
  Loader(KvEngine& engine, uint64_t seed, uint64_t value_bytes)
      : session_(engine.NewSession()), values_(seed, value_bytes) {}

  Status Step(uint64_t op, OpReport* report) override {
    const std::string_view key = HashedKey(op, &key_);
    const std::string_view value = values_.Make(op);
    *report = {.kind = OpKind::kInsert, .puts = 1, .put_bytes = key.size() + value.size()};
    return session_->Put(key, value);
  }

 private:
  const std::unique_ptr<Session> session_;
  ValueMaker values_;
  KeyBuffer key_;
};

}  // namespace

std::string_view PopularityName(Popularity popularity) {
  switch (popularity) {
    case Popularity::kZipfian:
      return "zipfian";
    case Popularity::kUniform:
      return "uniform";
    case Popularity::kLatest:
      return "latest";
  }
  return "";
}

const std::vector<Mix>& Mixes() {
  static const auto* const kMixes = new std::vector<Mix>{
      {.name = "A", .summary = "half reads, half updates", .update = 50},
      {.name = "B", .summary = "reads, 5 % updates", .update = 5},
      {.name = "C", .summary = "reads only"},
      {.name = "D",
       .summary = "reads of the latest records, 5 % inserts",
       .insert = 5,
       .popularity = Popularity::kLatest},
      {.name = "E", .summary = "short scans, 5 % inserts", .insert = 5, .scan = 95},
      {.name = "F", .summary = "half reads, half read-modify-writes", .read_modify_write = 50},
      {.name = "U", .summary = "updates only", .update = 100}};
  return *kMixes;
}

const Mix* FindMix(std::string_view name) {
  for (const Mix& mix : Mixes()) {
    if (mix.name == name) return &mix;
  }
  return nullptr;
}

class YcsbWorkload::Runner : public Client {
 public:
  Runner(YcsbWorkload& workload, KvEngine& engine, uint64_t seed)
      : workload_(workload),
        options_(workload.options_),
        session_(engine.NewSession()),
        random_(seed),
        values_(random_.Next(), options_.value_bytes),
        check_(options_.value_bytes) {}

  Status Step(uint64_t, OpReport* report) override {
    const Mix& mix = options_.mix;
    uint64_t dice = random_.Uniform(100);
    if (dice < mix.insert) return Insert(report);
    dice -= mix.insert;
    const uint64_t record = Choose();
    workload_.touched_.Add(record);
    const std::string_view key = HashedKey(record, &key_);
    if (dice < mix.update) {
      report->kind = OpKind::kUpdate;
      return Put(record, key, report);
    }
    dice -= mix.update;
    if (dice < mix.scan) return Scan(key, report);
    dice -= mix.scan;
    report->kind = OpKind::kRead;
    RETURN_IF_ERROR(Read(record, key));
    if (dice >= mix.read_modify_write) return Status::Ok();
    report->kind = OpKind::kReadModifyWrite;
    return Put(record, key, report);
  }

 private:
  // The record of the next operation.
  uint64_t Choose() {
    switch (options_.mix.popularity) {
      case Popularity::kUniform:
        return random_.Uniform(options_.records);
      case Popularity::kLatest:
        return workload_.inserts_.arrived() - 1 - workload_.zipfian_.Draw(random_);
      case Popularity::kZipfian:
        break;
    }
    return workload_.scrambler_.ItemOf(workload_.zipfian_.Draw(random_));
  }

  Status Insert(OpReport* report) {
    report->kind = OpKind::kInsert;
    const uint64_t record = workload_.inserts_.Begin();
    RETURN_IF_ERROR(Put(record, HashedKey(record, &key_), report));
    workload_.inserts_.End(record);
    return Status::Ok();
  }

  Status Put(uint64_t record, std::string_view key, OpReport* report) {
    const std::string_view value = values_.Make(record);
    report->puts = 1;
    report->put_bytes = key.size() + value.size();
    return session_->Put(key, value);
  }

  Status Read(uint64_t record, std::string_view key) {
    ASSIGN_OR_RETURN(const bool found, session_->Get(key, check_));
    if (!found) return Wrong(record, "is not there");
    if (!check_.IsOf(record) || !check_.lengths_right()) return Wrong(record, "has a wrong value");
    return Status::Ok();
  }

  Status Scan(std::string_view from, OpReport* report) {
    report->kind = OpKind::kScan;
    const uint64_t count = 1 + random_.Uniform(options_.scan_rows);
    ASSIGN_OR_RETURN(report->rows, session_->Scan(from, count, check_));
    if (report->rows == 0) return Status::Corruption("a scan does not find its first key");
    if (!check_.lengths_right()) return Status::Corruption("a scan brings a value cut short");
    return Status::Ok();
  }

  YcsbWorkload& workload_;
  const YcsbOptions& options_;
  const std::unique_ptr<Session> session_;
  base::Random random_;
  ValueMaker values_;
  ValueCheck check_;
  KeyBuffer key_;
};

YcsbWorkload::YcsbWorkload(const YcsbOptions& options)
    : options_(options),
      zipfian_(options.records),
      scrambler_(options.records),
      inserts_(options.records),
      touched_(options.records + options.ops) {}

std::unique_ptr<Client> YcsbWorkload::NewLoader(KvEngine& engine, uint64_t thread) {
  return std::make_unique<Loader>(engine, SeedFor(options_.seed, 0, thread), options_.value_bytes);
}

std::unique_ptr<Client> YcsbWorkload::NewRunner(KvEngine& engine, uint64_t thread) {
  return std::make_unique<Runner>(*this, engine, SeedFor(options_.seed, 1, thread));
}

double YcsbWorkload::ExpectedDistinct(uint64_t draws, uint64_t inserts) const {
  switch (options_.mix.popularity) {
    case Popularity::kUniform:
      return ExpectedDistinctUniform(options_.records, draws);
    case Popularity::kLatest:
      return ExpectedDistinctLatest(zipfian_, draws, inserts);
    case Popularity::kZipfian:
      break;
  }
  return zipfian_.ExpectedDistinct(draws);
}

bool DistinctIsPlausible(uint64_t distinct, double expected) {
  // The variance of the count is below its mean; the share allows for Gray's approximation.
  const double tolerance = 0.02 * expected + 6 * std::sqrt(expected);
  return std::abs(static_cast<double>(distinct) - expected) <= tolerance;
}

}  // namespace nokv::bench
