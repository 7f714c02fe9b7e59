#include "sim/crash/crash_run.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/hash.h"
#include "base/log.h"
#include "engine/db.h"
#include "sim/crash/workload.h"
#include "vfs/memory_fs.h"

namespace nokv::sim {

namespace {

constexpr size_t kMaxViolations = 20;

std::string Repro(const CrashOptions& options, const vfs::Operation& operation,
                  const std::string& how) {
  return "seed " + std::to_string(options.seed) + ", ops " + std::to_string(options.ops) + ", " +
         how + " operation " + std::to_string(operation.number) + " (" +
         std::string(vfs::OpName(operation.op)) + " " + operation.path + ")";
}

// Reopens what is left of the disk and compares; returns the violation, empty if there is none.
std::string CheckRemains(vfs::FileSystem& disk, const Model& model, uint64_t must, uint64_t seed) {
  const auto runtime = runtime::NewSimRuntime(seed);
  auto db = engine::OpenDB(TinyOptions(seed), kDirectory, {disk, *runtime, base::NullLogger()});
  if (!db.ok()) return "the database does not open: " + db.status().ToString();
  const uint64_t now_ms = runtime->clock().WallMillis();
  Verdict verdict = CheckAgainst(model, **db, must, now_ms);
  if (!verdict.violation.empty()) return verdict.violation;
  // Life goes on: a synced write, and a clean second reopen.
  const Status written = (*db)->Put({.sync = true}, "after the crash", "yes");
  if (!written.ok()) return "no write after the reopen: " + written.ToString();
  const Status closed = (*db)->Close();
  if (!closed.ok()) return "no close after the reopen: " + closed.ToString();
  db = engine::OpenDB(TinyOptions(seed), kDirectory, {disk, *runtime, base::NullLogger()});
  if (!db.ok()) return "the database does not open twice: " + db.status().ToString();
  const auto value = (*db)->Get({}, "after the crash");
  if (!value.ok() || !value->has_value()) return "the write after the reopen is lost";
  (void)(*db)->Delete({}, "after the crash");
  verdict = CheckAgainst(model, **db, verdict.prefix, now_ms);
  return verdict.violation.empty() ? "" : "second reopen: " + verdict.violation;
}

class CrashRunner {
 public:
  explicit CrashRunner(const CrashOptions& options) : options_(options) {}

  CrashReport Run() {
    const uint64_t operations = RunCuts();
    if (options_.fault_runs > 0 && operations > 0) RunFaults(operations);
    return std::move(report_);
  }

 private:
  // The workload with every operation cut; returns how many operations there were.
  uint64_t RunCuts() {
    const auto disk = vfs::NewMemoryFileSystem();
    const auto faults = vfs::NewFaultFileSystem(*disk);
    Workload workload(options_.seed, *faults);
    faults->SetObserver([&](const vfs::Operation& operation) {
      const std::string line = std::string(vfs::OpName(operation.op)) + operation.path +
                               std::to_string(operation.offset) + "+" +
                               std::to_string(operation.length);
      report_.trace_hash = base::Hash64(line, report_.trace_hash);
      if (vfs::ChangesDisk(operation.op) && operation.number % options_.cut_stride == 0) {
        Cut(*disk, operation, workload.model());
        Report(workload.operations_done());
      }
      return vfs::Fault{};
    });
    workload.Run(options_.ops);
    if (!workload.violation().empty()) {
      Violate("seed " + std::to_string(options_.seed) + ", ops " + std::to_string(options_.ops) +
              ", uncut, step " + std::to_string(workload.operations_done()) + ": " +
              workload.violation());
    }
    report_.trace_hash ^= workload.TraceHash();
    return faults->operations();
  }

  void Cut(vfs::MemoryFileSystem& disk, const vfs::Operation& operation, const Model& model) {
    if (report_.violations.size() >= kMaxViolations) return;
    report_.operations_cut[static_cast<size_t>(Classify(operation))]++;
    using Loss = vfs::MemoryFileSystem::Loss;
    CutOnce(*disk.KillClone(), operation, model, model.acknowledged(), "killed before");
    CutOnce(*disk.CrashClone(Loss::kNothing, 0), operation, model, model.durable(),
            "power lost (nothing unsynced lost) before");
    CutOnce(*disk.CrashClone(Loss::kEverything, 0), operation, model, model.durable(),
            "power lost (all unsynced lost) before");
    for (uint64_t i = 0; i < options_.random_losses; i++) {
      const uint64_t seed = base::MixSeed(options_.seed ^ operation.number * 31 ^ i);
      CutOnce(*disk.CrashClone(Loss::kRandom, seed), operation, model, model.durable(),
              "power lost (loss " + std::to_string(i) + ") before");
    }
  }

  void CutOnce(vfs::MemoryFileSystem& remains, const vfs::Operation& operation, const Model& model,
               uint64_t must, const std::string& how) {
    report_.cuts++;
    const std::string violation = CheckRemains(remains, model, must, options_.seed);
    if (!violation.empty()) Violate(Repro(options_, operation, how) + ": " + violation);
  }

  // The workload once per chosen operation, which fails.
  void RunFaults(uint64_t operations) {
    const uint64_t runs = fault_runs_ = std::min(options_.fault_runs, operations);
    for (uint64_t i = 0; i < runs && report_.violations.size() < kMaxViolations; i++) {
      RunFault(i * operations / runs);
      Report(options_.ops + i + 1);
    }
  }

  void RunFault(uint64_t number) {
    const auto disk = vfs::NewMemoryFileSystem();
    const auto faults = vfs::NewFaultFileSystem(*disk);
    Workload workload(options_.seed, *faults);
    vfs::Operation failed;
    faults->SetObserver([&](const vfs::Operation& operation) {
      vfs::Fault fault;
      if (operation.number != number) return fault;
      failed = operation;
      fault.error_number = number % 2 == 0 ? EIO : ENOSPC;
      fault.partial_bytes = operation.length / 2;
      return fault;
    });
    report_.faults++;
    workload.Run(options_.ops);
    if (!workload.violation().empty()) {
      return Violate(Repro(options_, failed, "failed") + ": " + workload.violation());
    }
    using Loss = vfs::MemoryFileSystem::Loss;
    CutOnce(*disk->CrashClone(Loss::kEverything, 0), failed, workload.model(),
            workload.model().durable(), "power lost at the end after the failure of");
  }

  // Steps are the operations of the workload, then the runs that fail one.
  void Report(uint64_t done) {
    if (options_.progress) options_.progress(done, options_.ops + fault_runs_);
  }

  void Violate(std::string text) { report_.violations.push_back(std::move(text)); }

  const CrashOptions options_;
  uint64_t fault_runs_ = options_.fault_runs;  // as planned, then as many as there are operations
  CrashReport report_;
};

}  // namespace

OperationClass Classify(const vfs::Operation& operation) {
  switch (operation.op) {
    case vfs::Op::kRename:
    case vfs::Op::kRemove:
    case vfs::Op::kSyncDir:
    case vfs::Op::kCreateDirs:
    case vfs::Op::kLock:
      return OperationClass::kDirectory;
    default:
      break;
  }
  const std::string name = vfs::BaseName(operation.path);
  if (name.find(".wal") != std::string::npos) return OperationClass::kLog;
  if (name.find(".sst") != std::string::npos) return OperationClass::kTable;
  if (name.starts_with("MANIFEST") || name.starts_with("CURRENT")) {
    return OperationClass::kManifest;
  }
  return OperationClass::kDirectory;
}

CrashReport RunCrashes(const CrashOptions& options) {
  return CrashRunner(options).Run();
}

CrashReport RunPlain(uint64_t seed, uint64_t ops) {
  CrashOptions options;
  options.seed = seed;
  options.ops = ops;
  options.cut_stride = UINT64_MAX;
  options.fault_runs = 0;
  return CrashRunner(options).Run();
}

}  // namespace nokv::sim
