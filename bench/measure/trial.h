// Trial: one engine in a directory of its own, and phases of work on it, each of which begins and
// ends with the engine at rest and everything written back.
//
// Thread safety: one owner.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bench/engines/engine.h"
#include "bench/measure/driver.h"
#include "bench/measure/machine.h"
#include "bench/measure/scratch.h"
#include "cli/command.h"
#include "runtime/runtime.h"

namespace nokv::bench {

struct PhaseReport {
  PhaseResult result;
  // From the begin of the phase until the engine was at rest again.
  Counters spent;
  // As long as the phase lasted, without the rest after it.
  double foreign_cores = 0;
  double settle_seconds = 0;
  uint64_t space_bytes = 0;
  // The most anonymous memory of this process since the trial began.
  uint64_t peak_anonymous_bytes = 0;
};

class Trial {
 public:
  // Makes a directory in `parent`, which goes with the trial, and opens the engine in it;
  // config.directory is ignored. Borrows `environment`, to show progress.
  static Result<std::unique_ptr<Trial>> Open(const std::string& engine, const EngineConfig& config,
                                             const std::string& parent,
                                             const cli::Environment& environment);

  // Until the next Reopen.
  KvEngine& engine() { return *engine_; }
  // Closes the engine and opens it again, so that nothing is in its memory, and waits until it is
  // at rest. Returns how long the opening took, in milliseconds.
  Result<double> Reopen();
  // Does the work and waits until the engine is at rest. `name` is for the line of progress.
  Result<PhaseReport> Run(const std::string& name, const PhaseOptions& options,
                          const ClientFactory& factory);
  Status Close() { return engine_->Close(); }

 private:
  Trial(std::string engine, const EngineConfig& config, const std::string& parent,
        const cli::Environment& environment);
  // Waits until nothing is left to flush or compact, and writes back what is dirty.
  Status Settle();

  const std::string name_;
  EngineConfig config_;
  const cli::Environment& environment_;
  const Scratch scratch_;
  const std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<KvEngine> engine_;
  uint64_t peak_anonymous_bytes_ = 0;
};

}  // namespace nokv::bench
