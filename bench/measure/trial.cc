#include "bench/measure/trial.h"

#include <algorithm>

#include "base/macros.h"
#include "bench/measure/pause.h"
#include "cli/progress.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kLookMicros = 50'000;
// An engine is at rest once it has said so, and used next to no processor time, so often in a row.
constexpr int kRestfulLooks = 4;
constexpr uint64_t kRestfulCpuMicros = 2'500;
constexpr uint64_t kPatienceMicros = uint64_t{30} * 60 * 1'000'000;

}  // namespace

Trial::Trial(std::string engine, const EngineConfig& config, const std::string& parent,
             const cli::Environment& environment)
    : name_(std::move(engine)),
      config_(config),
      environment_(environment),
      scratch_(parent),
      runtime_(runtime::NewThreadRuntime({})) {
  config_.directory = scratch_.path();
}

Result<std::unique_ptr<Trial>> Trial::Open(const std::string& engine, const EngineConfig& config,
                                           const std::string& parent,
                                           const cli::Environment& environment) {
  std::unique_ptr<Trial> trial(new Trial(engine, config, parent, environment));
  if (trial->scratch_.path().empty()) {
    return Status::InvalidArgument("no temporary directory can be made in " + parent);
  }
  ASSIGN_OR_RETURN(trial->engine_, OpenEngine(engine, trial->config_));
  return trial;
}

Result<double> Trial::Reopen() {
  RETURN_IF_ERROR(engine_->Close());
  engine_.reset();
  const uint64_t began = runtime_->clock().MonotonicMicros();
  ASSIGN_OR_RETURN(engine_, OpenEngine(name_, config_));
  const uint64_t opened = runtime_->clock().MonotonicMicros();
  RETURN_IF_ERROR(Settle());
  return static_cast<double>(opened - began) / 1000;
}

Result<PhaseReport> Trial::Run(const std::string& name, const PhaseOptions& options,
                               const ClientFactory& factory) {
  cli::Progress progress(environment_, runtime_->clock(), name, "ops");
  const auto tick = [&](uint64_t done) {
    peak_anonymous_bytes_ = std::max(peak_anonymous_bytes_, AnonymousBytes());
    progress.Update(done, options.ops);
  };
  const Counters before = ReadCounters(scratch_.path());
  PhaseReport report;
  ASSIGN_OR_RETURN(report.result, RunPhase(*runtime_, options, factory, tick));
  const Counters worked = ReadCounters(scratch_.path());
  RETURN_IF_ERROR(Settle());
  const Counters after = ReadCounters(scratch_.path());
  report.spent = after.Since(before);
  report.foreign_cores = worked.Since(before).ForeignCores();
  report.settle_seconds = static_cast<double>(after.wall_us - worked.wall_us) / 1e6;
  report.space_bytes = SpaceBytes(scratch_.path());
  report.peak_anonymous_bytes = peak_anonymous_bytes_;
  return report;
}

Status Trial::Settle() {
  const uint64_t began = runtime_->clock().MonotonicMicros();
  Counters last = ReadCounters(scratch_.path());
  for (int restful = 0; restful < kRestfulLooks;) {
    Pause(*runtime_, kLookMicros);
    peak_anonymous_bytes_ = std::max(peak_anonymous_bytes_, AnonymousBytes());
    const Counters now = ReadCounters(scratch_.path());
    ASSIGN_OR_RETURN(const bool idle, engine_->Idle());
    const bool quiet = now.Since(last).process_cpu_us < kRestfulCpuMicros;
    restful = idle && quiet ? restful + 1 : 0;
    last = now;
    if (now.wall_us - began > kPatienceMicros) {
      return Status::Unavailable("the engine's background work does not end within 30 minutes");
    }
  }
  return SyncFileSystem(scratch_.path());
}

}  // namespace nokv::bench
