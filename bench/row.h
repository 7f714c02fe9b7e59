// Row: what was measured in one phase, with everything that one must know to repeat it.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "bench/engines/engine.h"
#include "bench/measure/trial.h"
#include "cli/command.h"

namespace nokv::bench {

// The flags that every benchmark of an engine has.
struct TrialFlags {
  std::string engine = "nokv";
  uint64_t records = 1'000'000;
  uint64_t ops = 1'000'000;
  uint64_t value_bytes = 1000;
  uint64_t threads = 16;
  uint64_t rate = 0;
  uint64_t seed = 42;
  uint64_t memtable_bytes = EngineConfig().memtable_bytes;
  uint64_t cache_bytes = EngineConfig().cache_bytes;
  std::string directory;
  bool sync = false;
  bool json = false;

  // For the engine, without a directory.
  EngineConfig Config() const;
};

// Declares them all.
void DefineTrialFlags(cli::FlagSet& flags, TrialFlags* target);

struct Row {
  TrialFlags flags;
  std::string engine_version;
  std::string engine_options;
  std::string workload;  // "A", "load", "fillseq"
  std::string distribution;
  PhaseReport report;
  std::optional<double> load_rate;
  // What opening the engine on the loaded records took.
  std::optional<double> reopen_ms;
  // Records that are live at the end; 0: nobody has counted.
  uint64_t live_records = 0;
  // Distinct records that were named, and how many the distribution lets expect.
  std::optional<uint64_t> distinct;
  std::optional<double> expected_distinct;
};

// A JSON list of the rows, or a table for people. All rows have the flags of the first but for the
// engine.
void PrintRows(const std::vector<Row>& rows, bool json, std::ostream& out);

}  // namespace nokv::bench
