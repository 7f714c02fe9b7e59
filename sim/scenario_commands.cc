#include "sim/scenario_commands.h"

#include <charconv>
#include <iomanip>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/progress.h"
#include "sim/run_many.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

constexpr int kExitInvalid = 3;

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Scenario& scenario : Scenarios()) names.push_back(scenario.name);
  return names;
}

struct Flags {
  std::string scenario = "replicated-log";
  uint64_t seed = 1;
  uint64_t seconds = 20;
  std::string trace;
  std::string seeds = "1..100";
  uint64_t jobs = 1;
};

std::string Hex(uint64_t value) {
  std::ostringstream text;
  text << std::hex << std::setw(16) << std::setfill('0') << value;
  return text.str();
}

template <typename Map>
std::string Counts(const Map& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  }
  return text;
}

int RunOne(const Flags& flags, const cli::Environment& environment) {
  std::ostringstream lines;
  const RunReport report = FindScenario(flags.scenario)
                               ->run({.seed = flags.seed,
                                      .seconds = flags.seconds,
                                      .trace = flags.trace.empty() ? nullptr : &lines});
  if (!flags.trace.empty()) {
    const Status written = vfs::WriteFileAtomically(environment.fs, flags.trace, lines.str());
    if (!written.ok()) return cli::Fail(written, environment.err);
  }
  std::ostream& out = environment.out;
  out << flags.scenario << " seed " << flags.seed << ": " << report.acknowledged
      << " operations acknowledged, " << report.leader_changes << " changes of the leader\n";
  out << "drawn: " << report.drawn << "\n";
  out << "faults: " << Counts(report.faults) << "\n";
  out << "counters: " << Counts(report.counters) << "\n";
  for (const std::string& violation : report.violations) out << "violation: " << violation << "\n";
  if (!report.invalid.empty()) out << "invalid: " << report.invalid << "\n";
  out << "trace " << Hex(report.trace_hash) << "\n";
  if (!report.violations.empty()) return cli::kExitFailed;
  return report.invalid.empty() ? cli::kExitOk : kExitInvalid;
}

// "A..B" with A <= B.
bool ParseSeeds(const std::string& text, ManyOptions* options) {
  const size_t dots = text.find("..");
  if (dots == std::string::npos) return false;
  const auto number = [](std::string_view digits, uint64_t* value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  return number(std::string_view(text).substr(0, dots), &options->first_seed) &&
         number(std::string_view(text).substr(dots + 2), &options->last_seed) &&
         options->first_seed <= options->last_seed && options->last_seed < UINT64_MAX / 2;
}

int RunRange(const Flags& flags, const cli::Environment& environment) {
  ManyOptions options{.jobs = flags.jobs, .seconds = flags.seconds};
  ParseSeeds(flags.seeds, &options);
  const uint64_t total = options.last_seed - options.first_seed + 1;
  std::ostream& out = environment.out;
  base::Clock& clock = base::SystemClock();
  const uint64_t began_us = clock.MonotonicMicros();
  cli::Progress progress(environment, clock, flags.scenario, "seeds");
  uint64_t done = 0;
  const auto seen = [&](uint64_t seed, const RunReport& report) {
    progress.Update(++done, total);
    if (report.violations.empty() && report.invalid.empty()) return;
    out << (report.violations.empty() ? "invalid: nokv-sim run --scenario "
                                      : "violation: nokv-sim run --scenario ")
        << flags.scenario << " --seed " << seed << " --seconds " << flags.seconds << "  # "
        << (report.violations.empty()
                ? report.invalid
                : report.violations[0].substr(0, report.violations[0].find('\n')))
        << std::endl;
  };
  const ManyReport report = RunMany(*FindScenario(flags.scenario), options, seen);
  progress.Finish();
  const double seconds = static_cast<double>(clock.MonotonicMicros() - began_us + 1) / 1e6;
  out << "seeds in which a fault fired: " << Counts(report.faults) << "\n";
  out << "counters: " << Counts(report.counters) << "\n";
  out << std::fixed << std::setprecision(1) << static_cast<double>(report.seeds) / seconds
      << " seeds per second, " << static_cast<double>(report.seeds * flags.seconds) / seconds
      << " times real time\n";
  out << report.seeds << " seeds, " << report.violations << " violations, " << report.invalid
      << " invalid\n";
  if (report.violations > 0) return cli::kExitFailed;
  return report.invalid > 0 ? kExitInvalid : cli::kExitOk;
}

void DefineShared(cli::FlagSet& flags, Flags* target) {
  flags.Choice("scenario", &target->scenario, Names(), "what runs in the world");
  flags.Number("seconds", "V", &target->seconds, {10, 100'000},
               "virtual seconds: faults, then 8 without");
}

}  // namespace

cli::Command RunCommand() {
  return {.name = "run",
          .summary = "a scenario with one seed; prints the hash of its trace",
          .examples = {{"nokv-sim run --scenario replicated-log --seed 7"},
                       {"nokv-sim run --scenario replicated-log --seed 7 --trace seed-7.trace",
                        "a line for everything that happens"}},
          .description =
              "Runs a scenario in a simulated world: processes, disks, clocks and networks break, "
              "and are mended; histories, invariants and progress are checked. The seed decides "
              "everything, so the trace, and its hash, are the same in every process. Exits 1 on a "
              "violation, and 3 if the run proves nothing: it counts only with 200 acknowledged "
              "operations, 3 kinds of fault that fired and one change of the leader.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto target = std::make_shared<Flags>();
            DefineShared(flags, target.get());
            flags.Number("seed", "N", &target->seed, {}, "what decides everything");
            flags.Path("trace", "FILE", &target->trace, "where the trace is written as text");
            return [target](const cli::Environment& environment) {
              return RunOne(*target, environment);
            };
          }};
}

cli::Command ManyCommand() {
  return {.name = "many",
          .summary = "a scenario with many seeds",
          .examples = {{"nokv-sim many --scenario replicated-log --seeds 1..20 --jobs 2"}},
          .description =
              "Runs a scenario once for each seed from A to B, both included. For a seed with a "
              "violation, and for one that proves nothing, prints a line that replays it. Ends "
              "with seeds per second and \"N seeds, N violations, N invalid\"; exits 1 on a "
              "violation, 3 if none was found but seeds were invalid.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto target = std::make_shared<Flags>();
            DefineShared(flags, target.get());
            flags.Text("seeds", "A..B", &target->seeds, "the seeds, both ends included");
            flags.Number("jobs", "J", &target->jobs, {1, 256}, "threads");
            flags.Check([target] {
              ManyOptions options;
              return ParseSeeds(target->seeds, &options)
                         ? Status::Ok()
                         : Status::InvalidArgument("--seeds: \"" + target->seeds +
                                                   "\" is not A..B with A up to B");
            });
            return [target](const cli::Environment& environment) {
              return RunRange(*target, environment);
            };
          }};
}

}  // namespace nokv::sim
