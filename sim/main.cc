// nokv-sim: runs the database in simulated worlds. Every failure is a seed.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>

#include "sim/crash/crash_run.h"

namespace nokv::sim {
namespace {

void AddRunFlags(CLI::App& app, CrashOptions* options) {
  app.add_option("--seed", options->seed, "What decides everything")->capture_default_str();
  app.add_option("--ops", options->ops, "Operations of the workload")->capture_default_str();
}

int RunWorkload(const CrashOptions& options) {
  const CrashReport report = RunPlain(options.seed, options.ops);
  for (const std::string& violation : report.violations) {
    std::printf("violation: %s\n", violation.c_str());
  }
  std::printf("seed %" PRIu64 ", %" PRIu64 " operations, trace %016" PRIx64 "\n", options.seed,
              options.ops, report.trace_hash);
  return report.violations.empty() ? 0 : 1;
}

int RunCrash(const CrashOptions& options) {
  const CrashReport report = RunCrashes(options);
  for (const std::string& violation : report.violations) {
    std::printf("violation: %s\n", violation.c_str());
  }
  std::printf("distinct operations cut:");
  for (size_t i = 0; i < kClassNames.size(); i++) {
    std::printf(" %s %" PRIu64, kClassNames[i], report.operations_cut[i]);
  }
  std::printf("\noperations failed once: %" PRIu64 "\n", report.faults);
  std::printf("%" PRIu64 " cuts, %zu violations\n", report.cuts, report.violations.size());
  return report.violations.empty() ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "nokv-sim runs the database in simulated worlds; every failure is a seed.\n\n"
      "Examples:\n"
      "  nokv-sim run --seed 7 --ops 1000      one workload; prints the hash of its trace\n"
      "  nokv-sim crash --seed 7 --ops 300     the workload cut at every file operation");
  app.name("nokv-sim");
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", NOKV_VERSION);
  CrashOptions options;
  auto* run = app.add_subcommand("run", "Run one workload and print the hash of its trace");
  AddRunFlags(*run, &options);
  auto* crash = app.add_subcommand("crash", "Cut a workload at every file operation and reopen");
  AddRunFlags(*crash, &options);
  crash->add_option("--losses", options.random_losses, "Random losses per operation")
      ->capture_default_str();
  crash->add_option("--stride", options.cut_stride, "Cut every n-th operation only")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  crash->add_option("--faults", options.fault_runs, "Runs in which one operation fails")
      ->capture_default_str();
  auto* help = app.add_subcommand("help", "Show this help");
  auto* version = app.add_subcommand("version", "Show the version");
  CLI11_PARSE(app, argc, argv);
  if (run->parsed()) return RunWorkload(options);
  if (crash->parsed()) return RunCrash(options);
  if (version->parsed()) {
    std::printf("nokv-sim %s\n", NOKV_VERSION);
    return 0;
  }
  (void)help;
  std::printf("%s", app.help().c_str());
  return 0;
}

}  // namespace
}  // namespace nokv::sim

int main(int argc, char** argv) {
  return nokv::sim::Main(argc, argv);
}
