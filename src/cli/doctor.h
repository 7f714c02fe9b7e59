// nokv doctor: looks at the machine, a directory and a gateway, and says what to do.
//
// What is measured (Machine) is apart from what it means (CheckMachine), so that the verdicts are
// tested without the machine that they are about.
//
// Thread safety: pure functions, but for what they measure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/command.h"

namespace nokv::cli {

enum class Verdict { kOk, kWarning, kProblem };

struct Finding {
  std::string check;
  Verdict verdict = Verdict::kOk;
  std::string detail = {};
  std::string fix = {};         // empty if all is well
  int exit_code = kExitFailed;  // of the program, if this is its worst problem
};

// What the checks are about; 0 and empty: not known.
struct Machine {
  std::string kernel;
  uint64_t open_files = 0;    // the limit of this process
  uint64_t memory_bytes = 0;  // of the machine
  uint64_t cgroup_bytes = 0;  // the limit of the container; 0: none
  std::string huge_pages;     // the mode in brackets: "always"
  uint64_t wall_ms = 0;
};

// Reads /proc, /sys and the limits of this process.
Machine ReadMachine(vfs::FileSystem& fs, base::Clock& clock);
std::vector<Finding> CheckMachine(const Machine& machine);

// What the times of syncs of small writes mean; `micros` need not be sorted.
Finding JudgeSyncs(std::vector<uint64_t> micros);
// What the free bytes of the directory's device mean.
Finding JudgeFreeSpace(uint64_t bytes);
// What a gateway at `address` answered to PING. `expected` is true if somebody said that there is
// one.
Finding JudgeGateway(const std::string& address, const Result<std::string>& answer, bool expected);

// What the days mean until the certificate in `path` expires, or why it cannot be used.
Finding JudgeCertificate(const std::string& path, const Result<double>& days);
// `exposed` are those of `secrets`, files, that others than their owner may use.
Finding JudgeSecrets(const std::vector<std::string>& secrets,
                     const std::vector<std::string>& exposed);

// `nokv doctor [--workdir DIR] [--addr HOST:PORT]`
Command DoctorCommand();

}  // namespace nokv::cli
