// Crash enumeration: cuts a workload at every operation of the file system, loses part of what was
// not synced, reopens what is left and compares it with the model; and fails every operation once.
//
// A cut is one (operation, loss) pair that was reopened and compared.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/crash/subject.h"
#include "vfs/fault_fs.h"

namespace nokv::sim {

// What an operation of the file system is about.
enum class OperationClass { kLog, kTable, kManifest, kDirectory };
inline constexpr std::array<const char*, 4> kClassNames = {"log", "table", "manifest", "directory"};
OperationClass Classify(const vfs::Operation& operation);

struct CrashReport {
  uint64_t cuts = 0;
  uint64_t faults = 0;                          // operations that were made to fail
  std::array<uint64_t, 4> operations_cut = {};  // distinct, by class
  std::vector<std::string> violations;          // each with what it takes to see it again
  uint64_t trace_hash = 0;                      // over schedule and file-system operations
};

struct CrashOptions {
  uint64_t seed = 1;
  uint64_t ops = 300;
  // Random losses per operation, beside losing nothing and losing all that was not synced.
  uint64_t random_losses = 2;
  // Only every n-th operation is cut; 1 cuts all.
  uint64_t cut_stride = 1;
  // Runs that fail one operation each, spread over all operations; UINT64_MAX for every one.
  uint64_t fault_runs = 200;
  // Called after every cut and every run, with steps done and steps in all. May be empty.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

CrashReport RunCrashes(const MakeSubject& make, const CrashOptions& options);

// The workload alone, with nothing cut or failed.
CrashReport RunPlain(const MakeSubject& make, uint64_t seed, uint64_t ops);

}  // namespace nokv::sim
