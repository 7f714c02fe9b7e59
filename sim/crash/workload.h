// Workload: one client of one database on the memory disk and the deterministic runtime, doing what
// its seed says: puts, deletes, range deletes, batches, transactions, flushes, compactions, syncs,
// checkpoints, ingests, reopens, with and without sync. It keeps the model up to date and checks
// reads against it as it goes.
//
// Thread safety: thread-compatible; one thread runs it all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.h"
#include "nokv/db.h"
#include "runtime/sim_runtime.h"
#include "sim/crash/model.h"
#include "sim/crash/subject.h"
#include "vfs/vfs.h"

namespace nokv::sim {

inline constexpr char kDirectory[] = "/db";

// Options small enough that a few hundred writes reach every part of the engine.
Options TinyOptions(uint64_t seed);
// From which length on values stay in the log; may differ from open to open.
size_t SomeThreshold(uint64_t seed);

class Workload final : public Subject {
 public:
  // `fs` is borrowed.
  Workload(uint64_t seed, vfs::FileSystem& fs);
  ~Workload() override;

  void Run(uint64_t ops) override;
  const std::string& violation() const override { return violation_; }
  uint64_t operations_done() const override { return operations_done_; }
  uint64_t operations_failed() const override { return operations_failed_; }
  uint64_t TraceHash() const override { return runtime_->TraceHash(); }
  std::string CheckRemains(vfs::FileSystem& disk, Ending ending) const override;

 private:
  uint64_t now_ms() { return runtime_->clock().WallMillis(); }
  void Step();
  void OpenIfClosed();
  // Closes and drops the database; what was acknowledged must be there afterwards.
  void Shut();
  // Makes up a batch and tells the model; returns its number. `sink` is a WriteBatch or a
  // Transaction.
  template <typename Sink>
  uint64_t NextBatch(Sink* sink);
  void WriteSome();
  // Several writes on their way at once, with reads in between.
  void WriteManyAtOnce();
  void CheckThatReadsSeeWhatIsAcknowledged();
  void CheckSomeReads();
  // Enough of them to have values put into the order of their keys.
  void ScanManyTimes();
  void CheckSnapshot();
  void MakeCheckpoint();
  // A batch that comes in tables.
  void IngestSome();
  // What is wrong with the checkpoint that was made last, on `disk`; empty: nothing.
  std::string CheckCheckpoint(vfs::FileSystem& disk) const;
  std::string RandomKey();
  Change RandomChange();
  void Violate(std::string text);
  // Counts a failure; the database is shut after this step, to be opened again.
  void Failed();

  const uint64_t seed_;
  vfs::FileSystem& fs_;
  base::Random random_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<DB> db_;
  Model model_;
  std::string violation_;
  uint64_t operations_done_ = 0;
  uint64_t operations_failed_ = 0;
  uint64_t unanswered_ = 0;  // asynchronous writes
  uint64_t opens_ = 0;
  struct Checkpoint {
    uint64_t number = 0;
    uint64_t batches = 0;  // that it holds
    bool made = false;
  };
  Checkpoint checkpoint_;  // begun last
  uint64_t tables_ = 0;    // written for ingests
  bool shut_wanted_ = false;
};

std::unique_ptr<Subject> NewWorkload(uint64_t seed, vfs::FileSystem& fs);

}  // namespace nokv::sim
