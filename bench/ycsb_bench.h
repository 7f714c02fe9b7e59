// `nokv-bench ycsb`: the YCSB core workloads over one engine.
#pragma once

#include <string>
#include <vector>

#include "bench/row.h"
#include "cli/command.h"
#include "nokv/status.h"

namespace nokv::bench {

struct YcsbFlags {
  TrialFlags trial;
  std::string workload = "A";
  std::string distribution = "default";
  uint64_t scan_rows = 100;
  uint64_t warm_ops = 0;
};

// Loads the records, rests, runs the workload. Row 0 is the workload, then comes the load; of
// synced writes also what the bare log reaches.
Result<std::vector<Row>> MeasureYcsb(const YcsbFlags& flags, const cli::Environment& environment);

cli::Command YcsbCommand();

}  // namespace nokv::bench
