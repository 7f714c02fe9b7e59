// `nokv-bench db`: the staples of db_bench, one after the other, over one engine.
#pragma once

#include <string>
#include <vector>

#include "bench/row.h"
#include "cli/command.h"
#include "nokv/status.h"

namespace nokv::bench {

struct DbFlags {
  TrialFlags trial;
  std::string benchmarks = "all";
};

// The names in `benchmarks`, "all" being all; kInvalidArgument if one is unknown, or needs data
// that none before it has filled in.
Result<std::vector<std::string>> ParseBenchmarks(const std::string& benchmarks);

// A row for each staple. Those that fill begin with an empty database; the others use what is
// there.
Result<std::vector<Row>> MeasureDb(const DbFlags& flags, const cli::Environment& environment);

cli::Command DbCommand();

}  // namespace nokv::bench
