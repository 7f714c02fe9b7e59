#include "bench/ycsb_bench.h"

#include <algorithm>
#include <memory>

#include "base/macros.h"
#include "bench/workload/ycsb.h"

namespace nokv::bench {

namespace {

// The bare log needs no more to be measured.
constexpr uint64_t kLogOps = 200'000;

Mix ChosenMix(const YcsbFlags& flags) {
  Mix mix = *FindMix(flags.workload);
  for (const Popularity popularity :
       {Popularity::kZipfian, Popularity::kUniform, Popularity::kLatest}) {
    if (flags.distribution == PopularityName(popularity)) mix.popularity = popularity;
  }
  return mix;
}

Row NewRow(const YcsbFlags& flags, KvEngine& engine, std::string workload, PhaseReport report) {
  Row row;
  row.flags = flags.trial;
  row.engine_version = engine.Version();
  row.engine_options = engine.Describe();
  row.workload = std::move(workload);
  row.report = std::move(report);
  return row;
}

// The rows of the workload and of the load.
Result<std::vector<Row>> MeasureEngine(const YcsbFlags& flags,
                                       const cli::Environment& environment) {
  const TrialFlags& trial_flags = flags.trial;
  ASSIGN_OR_RETURN(const auto trial, Trial::Open(trial_flags.engine, trial_flags.Config(),
                                                 trial_flags.directory, environment));
  YcsbOptions options{.mix = ChosenMix(flags),
                      .records = trial_flags.records,
                      .ops = trial_flags.ops + flags.warm_ops,
                      .value_bytes = trial_flags.value_bytes,
                      .scan_rows = flags.scan_rows,
                      .seed = trial_flags.seed};
  YcsbWorkload workload(options);
  const auto loader = [&](uint64_t thread) { return workload.NewLoader(trial->engine(), thread); };
  const auto runner = [&](uint64_t thread) { return workload.NewRunner(trial->engine(), thread); };
  // Its own draws: what is measured is not to repeat what has just been in use.
  const auto warmer = [&](uint64_t thread) {
    return workload.NewRunner(trial->engine(), trial_flags.threads + thread);
  };
  const std::string name = trial_flags.engine + " ";
  ASSIGN_OR_RETURN(PhaseReport load,
                   trial->Run(name + "load", {trial_flags.threads, trial_flags.records}, loader));
  ASSIGN_OR_RETURN(const double reopen_ms, trial->Reopen());
  uint64_t inserts = 0, draws = 0;
  const auto count = [&](const PhaseResult& result) {
    const uint64_t inserted = result.by_kind[static_cast<size_t>(OpKind::kInsert)].count();
    inserts += inserted;
    draws += result.ops - inserted;
  };
  if (flags.warm_ops > 0) {
    ASSIGN_OR_RETURN(const PhaseReport warm,
                     trial->Run(name + "warm-up", {trial_flags.threads, flags.warm_ops}, warmer));
    count(warm.result);
  }
  ASSIGN_OR_RETURN(PhaseReport run,
                   trial->Run(name + flags.workload,
                              {trial_flags.threads, trial_flags.ops, trial_flags.rate}, runner));
  count(run.result);
  const double load_rate = load.result.rate();
  std::vector<Row> rows;
  rows.push_back(NewRow(flags, trial->engine(), flags.workload, std::move(run)));
  rows.push_back(NewRow(flags, trial->engine(), "load", std::move(load)));
  rows[0].distribution = PopularityName(options.mix.popularity);
  rows[0].load_rate = load_rate;
  rows[0].reopen_ms = reopen_ms;
  rows[0].live_records = trial_flags.records + inserts;
  rows[0].distinct = workload.Distinct();
  rows[0].expected_distinct = workload.ExpectedDistinct(draws, inserts);
  rows[1].distribution = "sequence";
  rows[1].flags.rate = 0;
  rows[1].live_records = trial_flags.records;
  RETURN_IF_ERROR(trial->Close());
  if (!DistinctIsPlausible(*rows[0].distinct, *rows[0].expected_distinct)) {
    return Status::Internal("the workload named " + std::to_string(*rows[0].distinct) +
                            " distinct records, where its distribution lets expect " +
                            std::to_string(*rows[0].expected_distinct));
  }
  return rows;
}

}  // namespace

Result<std::vector<Row>> MeasureYcsb(const YcsbFlags& flags, const cli::Environment& environment) {
  ASSIGN_OR_RETURN(std::vector<Row> rows, MeasureEngine(flags, environment));
  if (!flags.trial.sync || flags.trial.engine == "log") return rows;
  YcsbFlags limit = flags;
  limit.trial.engine = "log";
  limit.trial.rate = 0;
  limit.trial.records = 1;
  limit.trial.ops = std::min(flags.trial.ops, kLogOps);
  limit.workload = "U";
  limit.distribution = "uniform";
  ASSIGN_OR_RETURN(const std::vector<Row> log_rows, MeasureEngine(limit, environment));
  rows.push_back(log_rows[0]);
  return rows;
}

cli::Command YcsbCommand() {
  return {.name = "ycsb",
          .summary = "the YCSB workloads over nokv or another engine",
          .examples = {{"nokv-bench ycsb --records 20000 --ops 20000", "workload A over nokv"},
                       {"nokv-bench ycsb --engine log --workload U --sync --records 1 --ops 5000 "
                        "--json",
                        "what the disk allows"}},
          .description =
              "Loads records in hashed order, waits until the engine has nothing left to flush or "
              "compact, closes and opens it, runs the workload, waits again, and prints rates, "
              "latencies and costs. Every engine gets the same memory and no other tuning than the "
              "rows say; nokv its defaults. Scans bring 1 to --scan-rows entries.\n"
              "Workloads: A half reads, half updates; B 5 % updates; C reads; D reads of the "
              "latest, 5 % inserts; E scans, 5 % inserts; F half read-modify-writes; U updates.\n"
              "Engines that were not installed when nokv-bench was built are refused by name. The "
              "engine log is no store: it appends and syncs, and so is the limit of synced writes; "
              "runs with --sync have a row of it.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto ycsb = std::make_shared<YcsbFlags>();
            std::vector<std::string> workloads;
            for (const Mix& mix : Mixes()) workloads.emplace_back(mix.name);
            flags.Choice("workload", &ycsb->workload, workloads, "the mix of operations");
            DefineTrialFlags(flags, &ycsb->trial);
            flags.Choice("distribution", &ycsb->distribution,
                         {"default", "zipfian", "uniform", "latest"},
                         "which records are popular; by default what the workload says");
            flags.Number("scan-rows", "N", &ycsb->scan_rows, {1, 1'000'000}, "the longest scan");
            flags.Number("warm-ops", "N", &ycsb->warm_ops, {0, 1'000'000'000},
                         "operations before those that are measured");
            return [ycsb](const cli::Environment& environment) {
              const auto rows = MeasureYcsb(*ycsb, environment);
              if (!rows.ok()) return cli::Fail(rows.status(), environment.err);
              PrintRows(*rows, ycsb->trial.json, environment.out);
              return static_cast<int>(cli::kExitOk);
            };
          }};
}

}  // namespace nokv::bench
