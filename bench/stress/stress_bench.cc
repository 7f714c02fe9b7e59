#include "bench/stress/stress_bench.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "base/macros.h"
#include "base/random.h"
#include "bench/child_process.h"
#include "bench/measure/pause.h"
#include "bench/measure/scratch.h"
#include "bench/stress/oracle.h"
#include "bench/stress/stress_worker.h"
#include "cli/progress.h"

namespace nokv::bench {

namespace {

struct StressFlags {
  uint64_t rounds = 20;
  uint64_t round_ms = 3000;
  uint64_t keys = 20'000;
  uint64_t threads = 4;
  uint64_t seed = 1;
  std::string directory;
};

struct StressResult {
  uint64_t kills = 0;
  uint64_t operations = 0;
};

std::vector<std::string> WorkerWords(const StressFlags& flags, const std::string& folder,
                                     uint64_t seed, uint64_t millis) {
  // Not where that points to: the file may be replaced while a long run lasts.
  return {"/proc/self/exe", "stress-worker",
          "--workdir",      folder + "/db",
          "--oracle",       folder + "/oracle",
          "--keys",         std::to_string(flags.keys),
          "--threads",      std::to_string(flags.threads),
          "--seed",         std::to_string(seed),
          "--for",          std::to_string(millis) + "ms"};
}

Result<StressResult> Stress(const StressFlags& flags, const cli::Environment& environment) {
  const Scratch scratch(flags.directory);
  if (scratch.path().empty()) {
    return Status::InvalidArgument("no temporary directory can be made in " + flags.directory);
  }
  const auto runtime = runtime::NewThreadRuntime({});
  cli::Progress progress(environment, runtime->clock(), "stress", "rounds");
  base::Random random(base::MixSeed(flags.seed));
  const std::string log = scratch.path() + "/worker.log";
  StressResult result;
  for (uint64_t round = 0; round < flags.rounds; ++round) {
    progress.Update(round, flags.rounds);
    const uint64_t seed = random.Next() >> 1;
    const uint64_t millis = 1 + random.Uniform(flags.round_ms);
    if (random.OneIn(4)) {  // ends by itself
      RETURN_IF_ERROR(RunToEnd(WorkerWords(flags, scratch.path(), seed, millis), log).status());
      continue;
    }
    ASSIGN_OR_RETURN(
        ChildProcess worker,
        ChildProcess::Start(*runtime,
                            WorkerWords(flags, scratch.path(), seed, 100 * flags.round_ms), log));
    Pause(*runtime, millis * 1000);
    if (!worker.Kill()) {
      std::ostringstream said;
      said << std::ifstream(log).rdbuf();
      return Status::Unavailable("a worker ended by itself: " + said.str());
    }
    result.kills++;
  }
  RETURN_IF_ERROR(RunToEnd(WorkerWords(flags, scratch.path(), flags.seed, 0), log).status());
  ASSIGN_OR_RETURN(const auto oracle, Oracle::Open(scratch.path() + "/oracle", flags.keys));
  result.operations = oracle->operations();
  return result;
}

void DefineKeysAndThreads(cli::FlagSet& flags, uint64_t* keys, uint64_t* threads, uint64_t* seed) {
  flags.Number("keys", "N", keys, {1, 10'000'000}, "different keys");
  flags.Number("threads", "N", threads, {1, 64}, "threads, each with a range of the keys");
  flags.Number("seed", "N", seed, {}, "what options and operations are drawn from");
  flags.Check([keys, threads] {
    return *threads <= *keys ? Status::Ok()
                             : Status::InvalidArgument("--threads is more than --keys");
  });
}

}  // namespace

cli::Command StressCommand() {
  return {
      .name = "stress",
      .summary = "kills a process that writes, again and again, and looks for what was lost",
      .examples = {{"nokv-bench stress --rounds 3 --round 1s"},
                   {"nokv-bench stress --rounds 4 --round 500ms --seed 7 --keys 500",
                    "another run, on few keys"}},
      .description =
          "Each round a process opens the database with other options, compares all of it with "
          "the oracle, a file that says which version of each key was acknowledged and which "
          "was on its way, and then writes, deletes, reads, scans, flushes and compacts, "
          "checking every answer. Three times out of four it is killed with SIGKILL at a random "
          "moment. The last line says how much was done; anything that is lost, mangled or "
          "risen from the dead ends the run with what the process said about it.",
      .define = [](cli::FlagSet& flags) -> cli::Action {
        auto stress = std::make_shared<StressFlags>();
        stress->directory = std::filesystem::temp_directory_path();
        flags.Number("rounds", "N", &stress->rounds, {1, 1'000'000}, "processes, one by one").Env();
        flags.Duration("round", &stress->round_ms, {1, 3'600'000}, "how long one may live");
        DefineKeysAndThreads(flags, &stress->keys, &stress->threads, &stress->seed);
        flags.Path("dir", "DIR", &stress->directory, "where the temporary directory goes");
        return [stress](const cli::Environment& environment) {
          const auto result = Stress(*stress, environment);
          if (!result.ok()) {
            return cli::Fail(result.status().Prefixed("seed " + std::to_string(stress->seed)),
                             environment.err);
          }
          environment.out << stress->rounds << " rounds, " << result->kills << " kills, "
                          << result->operations << " operations, 0 violations\n";
          return static_cast<int>(cli::kExitOk);
        };
      }};
}

cli::Command StressWorkerCommand() {
  return {.name = "stress-worker",
          .summary = "the process that `stress` starts and kills",
          .examples = {{"nokv-bench stress-worker --workdir ./stress/db --oracle ./oracle "
                        "--for 500ms"}},
          .description =
              "Opens the database with options drawn from the seed, compares it with the oracle, "
              "works for the time given, checking every answer, and closes it. Of the same "
              "directory and oracle it continues what another one has left behind.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto work = std::make_shared<StressWork>();
            flags.Path("workdir", "DIR", &work->directory, "the database directory").Required();
            flags.Path("oracle", "FILE", &work->oracle, "what it should hold").Required();
            DefineKeysAndThreads(flags, &work->keys, &work->threads, &work->seed);
            flags.Duration("for", &work->millis, {0, 86'400'000}, "how long; 0ms: only compare");
            return [work](const cli::Environment& environment) {
              const Status status = RunStressWork(*work);
              if (status.ok()) return static_cast<int>(cli::kExitOk);
              return cli::Fail(status, environment.err);
            };
          }};
}

}  // namespace nokv::bench
