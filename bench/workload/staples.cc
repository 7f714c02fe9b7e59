#include "bench/workload/staples.h"

#include "base/macros.h"
#include "base/random.h"
#include "bench/workload/distribution.h"
#include "bench/workload/record.h"

namespace nokv::bench {

namespace {

// What all clients of a staple have.
class StapleClient : public Client {
 public:
  StapleClient(const StapleOptions& options, KvEngine& engine, uint64_t thread)
      : options_(options),
        session_(engine.NewSession()),
        random_(base::MixSeed(base::MixSeed(options.seed) + thread)),
        values_(random_.Next(), options.value_bytes),
        check_(options.value_bytes) {}

 protected:
  uint64_t AnyRecord() { return random_.Uniform(options_.records); }

  Status Put(OpKind kind, uint64_t record, OpReport* report) {
    const std::string_view key = OrderedKey(record, &key_);
    const std::string_view value = values_.Make(record);
    *report = {.kind = kind, .puts = 1, .put_bytes = key.size() + value.size()};
    return session_->Put(key, value);
  }

  Status Get(uint64_t record) {
    ASSIGN_OR_RETURN(const bool found, session_->Get(OrderedKey(record, &key_), check_));
    const bool right = found ? check_.IsOf(record) && check_.lengths_right() : options_.holes;
    if (right) return Status::Ok();
    return Status::Corruption("record " + std::to_string(record) +
                              (found ? " has a wrong value" : " is not there"));
  }

  Status Scan(uint64_t from, uint64_t count, OpReport* report) {
    report->kind = OpKind::kScan;
    ASSIGN_OR_RETURN(report->rows, session_->Scan(OrderedKey(from, &key_), count, check_));
    if (!check_.lengths_right()) return Status::Corruption("a scan brings a value cut short");
    if (report->rows == 0 && !options_.holes) {
      return Status::Corruption("a scan does not find its first key");
    }
    return Status::Ok();
  }

  Status Delete(uint64_t record, OpReport* report) {
    report->kind = OpKind::kDelete;
    return session_->Delete(OrderedKey(record, &key_));
  }

 private:
  const StapleOptions options_;
  const std::unique_ptr<Session> session_;
  base::Random random_;
  ValueMaker values_;
  ValueCheck check_;
  KeyBuffer key_;
};

class FillSeq : public StapleClient {
 public:
  using StapleClient::StapleClient;
  Status Step(uint64_t op, OpReport* report) override { return Put(OpKind::kInsert, op, report); }
};

// Every record once, in the order of a permutation: db_bench draws at random and leaves a third
// out, and then readrandom would measure misses.
class FillRandom : public StapleClient {
 public:
  FillRandom(const StapleOptions& options, KvEngine& engine, uint64_t thread)
      : StapleClient(options, engine, thread), scrambler_(options.records) {}
  Status Step(uint64_t op, OpReport* report) override {
    return Put(OpKind::kInsert, scrambler_.ItemOf(op), report);
  }

 private:
  const Scrambler scrambler_;
};

class Overwrite : public StapleClient {
 public:
  using StapleClient::StapleClient;
  Status Step(uint64_t, OpReport* report) override {
    return Put(OpKind::kUpdate, AnyRecord(), report);
  }
};

class ReadRandom : public StapleClient {
 public:
  using StapleClient::StapleClient;
  Status Step(uint64_t, OpReport*) override { return Get(AnyRecord()); }
};

class ReadSeq : public StapleClient {
 public:
  ReadSeq(const StapleOptions& options, KvEngine& engine, uint64_t thread)
      : StapleClient(options, engine, thread), records_(options.records) {}
  Status Step(uint64_t op, OpReport* report) override {
    return Scan(op * kReadSeqRows % records_, kReadSeqRows, report);
  }

 private:
  const uint64_t records_;
};

class SeekRandom : public StapleClient {
 public:
  using StapleClient::StapleClient;
  Status Step(uint64_t, OpReport* report) override { return Scan(AnyRecord(), 1, report); }
};

class DeleteRandom : public StapleClient {
 public:
  using StapleClient::StapleClient;
  Status Step(uint64_t, OpReport* report) override { return Delete(AnyRecord(), report); }
};

template <typename T>
std::unique_ptr<Client> Make(const StapleOptions& options, KvEngine& engine, uint64_t thread) {
  return std::make_unique<T>(options, engine, thread);
}

}  // namespace

const std::vector<Staple>& Staples() {
  static const auto* const kStaples = new std::vector<Staple>{
      {.name = "fillseq", .make = Make<FillSeq>, .fills = true},
      {.name = "fillrandom", .make = Make<FillRandom>, .fills = true},
      {.name = "overwrite", .make = Make<Overwrite>},
      {.name = "readrandom", .make = Make<ReadRandom>},
      {.name = "readseq", .make = Make<ReadSeq>},
      {.name = "seekrandom", .make = Make<SeekRandom>},
      {.name = "readwhilewriting", .make = Make<ReadRandom>, .make_beside = Make<Overwrite>},
      {.name = "deleterandom", .make = Make<DeleteRandom>}};
  return *kStaples;
}

const Staple* FindStaple(std::string_view name) {
  for (const Staple& staple : Staples()) {
    if (staple.name == name) return &staple;
  }
  return nullptr;
}

}  // namespace nokv::bench
