// nokv-sim: runs the database in simulated worlds. Every failure is a seed.
#include "cli/main.h"

#include <iomanip>
#include <memory>
#include <ostream>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "sim/crash/crash_run.h"
#include "sim/crash/raftlog_workload.h"
#include "sim/crash/workload.h"
#include "sim/gateway/gateway_workload.h"
#include "sim/metamorphic/metamorphic_command.h"
#include "sim/raft/conformance.h"
#include "sim/scenario_commands.h"

namespace nokv::sim {
namespace {

int PrintViolations(const CrashReport& report, std::ostream& out) {
  for (const std::string& violation : report.violations) out << "violation: " << violation << "\n";
  return report.violations.empty() ? cli::kExitOk : cli::kExitFailed;
}

// Which workload, and how it is cut.
struct WorkloadOptions {
  CrashOptions crash;
  std::string workload = "engine";

  MakeSubject make() const { return workload == "raftlog" ? NewRaftLogWorkload : NewWorkload; }
};

int RunCuts(const std::string& what, const MakeSubject& make, CrashOptions options,
            const cli::Environment& environment) {
  cli::Progress progress(environment, base::SystemClock(), what, "steps");
  options.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  const CrashReport report = RunCrashes(make, options);
  progress.Finish();
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

void DefineCuts(cli::FlagSet& flags, CrashOptions* options) {
  flags.Number("seed", "N", &options->seed, {}, "what decides everything");
  flags.Number("ops", "N", &options->ops, {1}, "operations of the workload");
  flags.Number("losses", "N", &options->random_losses, {},
               "random losses per operation, beside the fixed ones");
  flags.Number("stride", "N", &options->cut_stride, {1}, "cut every N-th operation only");
  flags.Number("faults", "N", &options->fault_runs, {},
               "runs in which one operation fails, at most one per operation");
}

void DefineChoice(cli::FlagSet& flags, WorkloadOptions* options) {
  flags.Choice("workload", &options->workload, {"engine", "raftlog"},
               "the database, or the raft groups of a store");
}

cli::Command CrashCommand() {
  return {
      .name = "crash",
      .summary = "a workload cut at every file operation",
      .examples = {{"nokv-sim crash --seed 7 --ops 100"},
                   {"nokv-sim crash --seed 7 --ops 100 --workload raftlog", "the raft log alone"},
                   {"nokv-sim crash --seed 7 --ops 50 --faults 100000",
                    "every operation fails once"}},
      .description =
          "Cuts a generated workload before every operation that changes the disk: kills the "
          "process, or loses power with all, none or a random part of what was not synced. Then "
          "reopens what is left, and compares it with a model. Also runs the workload with single "
          "operations failing. Prints the distinct operations cut by kind and \"N cuts, N "
          "violations\"; exits 1 on any violation.",
      .define = [](cli::FlagSet& flags) -> cli::Action {
        auto options = std::make_shared<WorkloadOptions>();
        DefineCuts(flags, &options->crash);
        DefineChoice(flags, options.get());
        return [options](const cli::Environment& environment) {
          return RunCuts("crash", options->make(), options->crash, environment);
        };
      }};
}

struct GatewayOptions {
  CrashOptions crash;
  std::string sync = "always";

  redis::SyncPolicy policy() const {
    if (sync == "always") return redis::SyncPolicy::kAlways;
    return sync == "no" ? redis::SyncPolicy::kNo : redis::SyncPolicy::kEverySec;
  }
};

cli::Command GatewayCommand() {
  return {
      .name = "gateway",
      .summary = "the same with a gateway and its clients on top",
      .examples = {{"nokv-sim gateway --seed 7 --ops 100"},
                   {"nokv-sim gateway --seed 7 --ops 50 --sync everysec --faults 100000",
                    "every operation fails once"}},
      .description =
          "Runs a gateway with three clients that send commands, transactions, watches and "
          "scripts, "
          "and cuts it as \"nokv-sim crash\" does. Every reply must be that of a model. After each "
          "cut the gateway is started on what is left: everything acknowledged is there under "
          "--sync always (or if the process was only killed), what is older than two seconds under "
          "everysec; commands, transactions and scripts are there whole, and none before them is "
          "missing; DBSIZE and the expiry index are exact.",
      .define = [](cli::FlagSet& flags) -> cli::Action {
        auto options = std::make_shared<GatewayOptions>();
        DefineCuts(flags, &options->crash);
        flags.Choice("sync", &options->sync, {"always", "everysec", "no"},
                     "when the gateway makes an acknowledged write durable");
        return [options](const cli::Environment& environment) {
          const MakeSubject make = [&](uint64_t seed, vfs::FileSystem& fs) {
            return std::make_unique<GatewayWorkload>(seed, options->policy(), fs);
          };
          return RunCuts("gateway", make, options->crash, environment);
        };
      }};
}

int RunConformance(const std::string& directory, const cli::Environment& environment) {
  const Result<ConformanceResult> result = RunScripts(directory, environment.out);
  if (!result.ok()) return cli::Fail(result.status(), environment.err);
  return result->failed == 0 ? cli::kExitOk : cli::kExitFailed;
}

cli::Command RaftConformanceCommand() {
  return {.name = "raft-conformance",
          .summary = "runs the raft core against script files",
          .examples = {{"nokv-sim raft-conformance ."}},
          .description =
              "Runs every *.txt file in DIR and below it: scripts in the grammar of etcd's raft "
              "tests. Prints the first difference of each file and \"N passed, N failed\", counted "
              "in files; exits 1 if any failed.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto directory = std::make_shared<std::string>();
            flags.Argument("DIR", directory.get(), "the folder with the scripts").Required();
            return [directory](const cli::Environment& environment) {
              return RunConformance(*directory, environment);
            };
          }};
}

}  // namespace
}  // namespace nokv::sim

int main(int argc, char** argv) {
  const nokv::cli::Command program = {
      .name = "nokv-sim",
      .summary = "runs the database in simulated worlds",
      .examples = {{"nokv-sim crash --seed 7 --ops 100", "a database, cut at every operation"},
                   {"nokv-sim gateway --seed 7 --ops 100", "and a gateway on top"},
                   {"nokv-sim run --scenario replicated-log --seed 7", "a group of machines"},
                   {"nokv-sim many --scenario replicated-log --seeds 1..20"}},
      .description =
          "nokv-sim runs the database, and groups of machines, on simulated disks, clocks and "
          "networks: the seed decides everything, so a failing seed is its own repro.",
      .commands = {nokv::sim::RunCommand(), nokv::sim::ManyCommand(), nokv::sim::CrashCommand(),
                   nokv::sim::GatewayCommand(), nokv::sim::MetamorphicCommand(),
                   nokv::sim::RaftConformanceCommand()}};
  return nokv::cli::RunMain(program, argc, argv, nullptr);
}
