#include "bench/db_bench.h"

#include <algorithm>
#include <memory>
#include <sstream>

#include "base/macros.h"
#include "bench/workload/staples.h"

namespace nokv::bench {

namespace {

PhaseOptions OptionsOf(const Staple& staple, const TrialFlags& flags) {
  PhaseOptions options{.threads = flags.threads, .ops = flags.ops, .rate = flags.rate};
  if (staple.fills) options.ops = flags.records;
  if (staple.name == "readseq") options.ops = std::max<uint64_t>(1, flags.records / kReadSeqRows);
  options.background_threads = staple.make_beside == nullptr ? 0 : 1;
  return options;
}

Result<Row> MeasureStaple(const Staple& staple, const TrialFlags& flags, bool holes, Trial& trial) {
  const StapleOptions options{.records = flags.records,
                              .value_bytes = flags.value_bytes,
                              .seed = flags.seed,
                              .holes = holes};
  const auto factory = [&](uint64_t thread) {
    const bool beside = thread == flags.threads;
    return (beside ? staple.make_beside : staple.make)(options, trial.engine(), thread);
  };
  const std::string name(staple.name);
  ASSIGN_OR_RETURN(PhaseReport report, trial.Run(name, OptionsOf(staple, flags), factory));
  // A long scan is counted by what it brings.
  if (staple.name == "readseq") report.result.ops = report.result.rows;
  Row row;
  row.flags = flags;
  row.engine_version = trial.engine().Version();
  row.engine_options = trial.engine().Describe();
  row.workload = name;
  row.distribution = staple.name == "fillseq" || staple.name == "readseq" ? "sequence" : "uniform";
  row.report = std::move(report);
  row.live_records = flags.records;
  return row;
}

}  // namespace

Result<std::vector<std::string>> ParseBenchmarks(const std::string& benchmarks) {
  std::vector<std::string> names;
  if (benchmarks == "all") {
    for (const Staple& staple : Staples()) names.emplace_back(staple.name);
    return names;
  }
  std::istringstream list(benchmarks);
  for (std::string name; std::getline(list, name, ',');) {
    const Staple* staple = FindStaple(name);
    if (staple == nullptr) {
      std::string known;
      for (const Staple& each : Staples())
        known += (known.empty() ? "" : ", ") + std::string(each.name);
      return Status::InvalidArgument("no benchmark is called '" + name + "'").WithHint(known);
    }
    if (names.empty() && !staple->fills) {
      return Status::InvalidArgument(name + " needs data")
          .WithHint("begin with fillseq or fillrandom");
    }
    names.push_back(name);
  }
  if (names.empty()) return Status::InvalidArgument("no benchmark is named");
  return names;
}

Result<std::vector<Row>> MeasureDb(const DbFlags& flags, const cli::Environment& environment) {
  ASSIGN_OR_RETURN(const auto names, ParseBenchmarks(flags.benchmarks));
  EngineConfig config = flags.trial.Config();
  config.sessions += 1;  // of the writer beside
  std::vector<Row> rows;
  std::unique_ptr<Trial> trial;
  bool holes = false;
  for (const std::string& name : names) {
    const Staple& staple = *FindStaple(name);
    if (staple.fills) {
      if (trial != nullptr) RETURN_IF_ERROR(trial->Close());
      trial.reset();
      ASSIGN_OR_RETURN(trial,
                       Trial::Open(flags.trial.engine, config, flags.trial.directory, environment));
      holes = false;
    }
    ASSIGN_OR_RETURN(Row row, MeasureStaple(staple, flags.trial, holes, *trial));
    holes = holes || name == "deleterandom";
    // What is live then nobody has counted.
    if (holes) row.live_records = 0;
    rows.push_back(std::move(row));
  }
  RETURN_IF_ERROR(trial->Close());
  return rows;
}

cli::Command DbCommand() {
  return {
      .name = "db",
      .summary = "one kind of operation after the other over nokv or another engine",
      .examples = {{"nokv-bench db --records 20000 --ops 20000", "all of them over nokv"},
                   {"nokv-bench db --benchmarks fillrandom,readrandom --records 20000 "
                    "--ops 20000 --value-size 100 --json"}},
      .description =
          "Runs the staples of RocksDB's and LevelDB's db_bench: fillseq, fillrandom, overwrite, "
          "readrandom, readseq, seekrandom, readwhilewriting, deleterandom. The fill ones begin "
          "with an "
          "empty database and write --records keys, fillrandom each of them once; readseq reads "
          "all, and is counted by entries, its latencies being those of a hundred; the others "
          "do --ops operations on random keys. readwhilewriting has one more client that puts, "
          "which is not counted. Between them the engine comes to rest.",
      .define = [](cli::FlagSet& flags) -> cli::Action {
        auto db = std::make_shared<DbFlags>();
        db->trial.threads = 1;
        flags.Text("benchmarks", "LIST", &db->benchmarks, "names, in order, with commas");
        DefineTrialFlags(flags, &db->trial);
        flags.Check([db] { return ParseBenchmarks(db->benchmarks).status(); });
        return [db](const cli::Environment& environment) {
          const auto rows = MeasureDb(*db, environment);
          if (!rows.ok()) return cli::Fail(rows.status(), environment.err);
          PrintRows(*rows, db->trial.json, environment.out);
          return static_cast<int>(cli::kExitOk);
        };
      }};
}

}  // namespace nokv::bench
