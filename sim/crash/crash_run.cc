#include "sim/crash/crash_run.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/hash.h"
#include "base/random.h"
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

class CrashRunner {
 public:
  CrashRunner(const MakeSubject& make, const CrashOptions& options)
      : make_(make), options_(options) {}

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
    const auto subject = make_(options_.seed, *faults);
    faults->SetObserver([&](const vfs::Operation& operation) {
      const std::string line = std::string(vfs::OpName(operation.op)) + operation.path +
                               std::to_string(operation.offset) + "+" +
                               std::to_string(operation.length);
      report_.trace_hash = base::Hash64(line, report_.trace_hash);
      if (vfs::ChangesDisk(operation.op) && operation.number % options_.cut_stride == 0) {
        Cut(*disk, operation, *subject);
        Report(subject->operations_done());
      }
      return vfs::Fault{};
    });
    subject->Run(options_.ops);
    std::string violation = subject->violation();
    if (violation.empty() && subject->operations_failed() > 0) {
      violation = "an operation failed, though nothing was made to fail";
    }
    if (!violation.empty()) {
      Violate("seed " + std::to_string(options_.seed) + ", ops " + std::to_string(options_.ops) +
              ", uncut, step " + std::to_string(subject->operations_done()) + ": " + violation);
    }
    report_.trace_hash ^= subject->TraceHash();
    return faults->operations();
  }

  void Cut(vfs::MemoryFileSystem& disk, const vfs::Operation& operation, const Subject& subject) {
    if (report_.violations.size() >= kMaxViolations) return;
    report_.operations_cut[static_cast<size_t>(Classify(operation))]++;
    using Loss = vfs::MemoryFileSystem::Loss;
    CutOnce(*disk.KillClone(), operation, subject, Ending::kKill, "killed before");
    CutOnce(*disk.CrashClone(Loss::kNothing, 0), operation, subject, Ending::kPowerLoss,
            "power lost (nothing unsynced lost) before");
    CutOnce(*disk.CrashClone(Loss::kEverything, 0), operation, subject, Ending::kPowerLoss,
            "power lost (all unsynced lost) before");
    for (uint64_t i = 0; i < options_.random_losses; i++) {
      const uint64_t seed = base::MixSeed(options_.seed ^ operation.number * 31 ^ i);
      CutOnce(*disk.CrashClone(Loss::kRandom, seed), operation, subject, Ending::kPowerLoss,
              "power lost (loss " + std::to_string(i) + ") before");
    }
  }

  void CutOnce(vfs::MemoryFileSystem& remains, const vfs::Operation& operation,
               const Subject& subject, Ending ending, const std::string& how) {
    report_.cuts++;
    const std::string violation = subject.CheckRemains(remains, ending);
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
    const auto subject = make_(options_.seed, *faults);
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
    subject->Run(options_.ops);
    if (!subject->violation().empty()) {
      return Violate(Repro(options_, failed, "failed") + ": " + subject->violation());
    }
    using Loss = vfs::MemoryFileSystem::Loss;
    CutOnce(*disk->CrashClone(Loss::kEverything, 0), failed, *subject, Ending::kPowerLoss,
            "power lost at the end after the failure of");
  }

  // Steps are the operations of the workload, then the runs that fail one.
  void Report(uint64_t done) {
    if (options_.progress) options_.progress(done, options_.ops + fault_runs_);
  }

  void Violate(std::string text) { report_.violations.push_back(std::move(text)); }

  const MakeSubject& make_;
  const CrashOptions options_;
  uint64_t fault_runs_ = options_.fault_runs;  // as planned, then as many as there are operations
  CrashReport report_;
};

}  // namespace

OperationClass Classify(const vfs::Operation& operation) {
  switch (operation.op) {
    case vfs::Op::kRename:
    case vfs::Op::kLink:
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
  for (const char* part : {".sst", ".vlog"}) {
    if (name.find(part) != std::string::npos) return OperationClass::kTable;
  }
  if (name.starts_with("MANIFEST") || name.starts_with("CURRENT")) {
    return OperationClass::kManifest;
  }
  return OperationClass::kDirectory;
}

CrashReport RunCrashes(const MakeSubject& make, const CrashOptions& options) {
  return CrashRunner(make, options).Run();
}

CrashReport RunPlain(const MakeSubject& make, uint64_t seed, uint64_t ops) {
  CrashOptions options;
  options.seed = seed;
  options.ops = ops;
  options.cut_stride = UINT64_MAX;
  options.fault_runs = 0;
  return RunCrashes(make, options);
}

}  // namespace nokv::sim
