// nokv-sim: runs the database in simulated worlds. Every failure is a seed.
#include "cli/main.h"

#include <charconv>
#include <iomanip>
#include <ostream>

#include "cli/command.h"
#include "cli/flags.h"
#include "sim/crash/crash_run.h"

namespace nokv::sim {
namespace {

constexpr std::string_view kGuide =
    R"(nokv-sim run --seed 7 --ops 1000      one workload; prints the hash of its trace
nokv-sim crash --seed 7 --ops 300     the same, cut at every file operation

nokv-sim runs the database on a simulated disk and a deterministic runtime: the
seed decides everything, so a failing seed is its own repro.
)";

constexpr std::string_view kRunHelp =
    R"(nokv-sim run --seed 7 --ops 1000

Runs one generated workload and prints the hash of its trace: the same in every
process. Exits 1 if the database ever differs from the model.

  --seed N    what decides everything (1)
  --ops N     operations of the workload (300)
)";

constexpr std::string_view kCrashHelp =
    R"(nokv-sim crash --seed 7 --ops 300
nokv-sim crash --seed 7 --ops 300 --faults 100000     every operation fails once

Cuts a generated workload before every operation that changes the disk: kills the
process, or loses power with all, none or a random part of what was not synced.
Then reopens what is left, and compares it with a model. Also runs the workload
with single operations failing. Prints the distinct operations cut by kind and
"N cuts, N violations"; exits 1 on any violation.

  --seed N      what decides everything (1)
  --ops N       operations of the workload (300)
  --losses N    random losses per operation, beside the fixed ones (2)
  --stride N    cut every N-th operation only (1)
  --faults N    runs in which one operation fails, at most one per operation (200)
)";

// A flag that takes a number of at least `minimum`.
struct NumberFlag {
  std::string name;
  uint64_t* target;
  uint64_t minimum = 0;
};

Status ParseNumbers(const cli::Args& args, const std::vector<NumberFlag>& flags) {
  cli::FlagSet parser;
  std::vector<std::string> texts(flags.size());
  for (size_t i = 0; i < flags.size(); i++) {
    texts[i] = std::to_string(*flags[i].target);
    parser.String(flags[i].name, &texts[i]);
  }
  const Status status = parser.Parse(args);
  if (!status.ok()) return status;
  for (size_t i = 0; i < flags.size(); i++) {
    const std::string& text = texts[i];
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), *flags[i].target);
    if (error != std::errc() || end != text.data() + text.size() ||
        *flags[i].target < flags[i].minimum) {
      return Status::InvalidArgument("--" + flags[i].name + " \"" + text +
                                     "\" is not a number of at least " +
                                     std::to_string(flags[i].minimum));
    }
  }
  return Status::Ok();
}

int PrintViolations(const CrashReport& report, std::ostream& out) {
  for (const std::string& violation : report.violations) out << "violation: " << violation << "\n";
  return report.violations.empty() ? cli::kExitOk : cli::kExitFailed;
}

int RunWorkload(const cli::Args& args, const cli::Environment& environment) {
  CrashOptions options;
  const Status usage = ParseNumbers(args, {{"seed", &options.seed}, {"ops", &options.ops, 1}});
  if (!usage.ok()) return cli::FailUsage(usage, "nokv-sim run", environment.err);
  const CrashReport report = RunPlain(options.seed, options.ops);
  const int exit_code = PrintViolations(report, environment.out);
  environment.out << "seed " << options.seed << ", " << options.ops << " operations, trace "
                  << std::hex << std::setw(16) << std::setfill('0') << report.trace_hash << "\n";
  return exit_code;
}

int RunCrash(const cli::Args& args, const cli::Environment& environment) {
  CrashOptions options;
  const Status usage = ParseNumbers(args, {{"seed", &options.seed},
                                           {"ops", &options.ops, 1},
                                           {"losses", &options.random_losses},
                                           {"stride", &options.cut_stride, 1},
                                           {"faults", &options.fault_runs}});
  if (!usage.ok()) return cli::FailUsage(usage, "nokv-sim crash", environment.err);
  const CrashReport report = RunCrashes(options);
  std::ostream& out = environment.out;
  const int exit_code = PrintViolations(report, out);
  out << "distinct operations cut:";
  for (size_t i = 0; i < kClassNames.size(); i++) {
    out << " " << kClassNames[i] << " " << report.operations_cut[i];
  }
  out << "\noperations failed once: " << report.faults << "\n";
  out << report.cuts << " cuts, " << report.violations.size() << " violations\n";
  return exit_code;
}

}  // namespace
}  // namespace nokv::sim

int main(int argc, char** argv) {
  const nokv::cli::Program program = {
      .name = "nokv-sim",
      .guide = std::string(nokv::sim::kGuide),
      .commands = {{"run", "one workload; prints the hash of its trace",
                    std::string(nokv::sim::kRunHelp), nokv::sim::RunWorkload},
                   {"crash", "a workload cut at every file operation",
                    std::string(nokv::sim::kCrashHelp), nokv::sim::RunCrash}}};
  return nokv::cli::RunMain(program, argc, argv, nullptr);
}
