#include "sim/metamorphic/metamorphic_command.h"

#include <memory>
#include <ostream>

#include "base/clock.h"
#include "cli/main.h"
#include "cli/progress.h"
#include "sim/metamorphic/metamorphic.h"

namespace nokv::sim {

namespace {

struct Runs {
  MetamorphicOptions first;
  uint64_t runs = 1;
};

int RunAll(const Runs& runs, const cli::Environment& environment) {
  cli::Progress progress(environment, base::SystemClock(), "metamorphic", "runs");
  uint64_t answers = 0, differences = 0;
  MetamorphicOptions options = runs.first;
  for (uint64_t run = 0; run < runs.runs; run++, options.seed++) {
    progress.Update(run, runs.runs);
    const MetamorphicReport report = RunMetamorphic(options);
    answers += report.answers;
    if (report.difference.empty()) continue;
    differences++;
    environment.out << report.difference << "\n";
  }
  progress.Finish();
  environment.out << runs.runs << " runs, " << answers << " answers compared, " << differences
                  << " differences\n";
  return differences == 0 ? cli::kExitOk : cli::kExitFailed;
}

}  // namespace

cli::Command MetamorphicCommand() {
  return {.name = "metamorphic",
          .summary = "the same operations under many sets of options",
          .examples = {{"nokv-sim metamorphic --seed 7 --runs 10"}},
          .description =
              "Draws a list of operations (writes, reads, scans, snapshots, transactions, flushes, "
              "compactions, ingests, checkpoints, closes and kills) and plays it on one database "
              "for each of several sets of options. Every answer must be the same under all. Each "
              "run has a seed of its own, from --seed on. Prints the first difference of a run and "
              "\"N runs, N answers compared, N differences\"; exits 1 if there was one.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto runs = std::make_shared<Runs>();
            flags.Number("seed", "N", &runs->first.seed, {}, "of the first run");
            flags.Number("runs", "N", &runs->runs, {1}, "lists of operations");
            flags.Number("ops", "N", &runs->first.ops, {1}, "operations of a list");
            flags.Number("sets", "N", &runs->first.sets, {2}, "sets of options");
            return
                [runs](const cli::Environment& environment) { return RunAll(*runs, environment); };
          }};
}

}  // namespace nokv::sim
