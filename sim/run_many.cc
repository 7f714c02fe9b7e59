#include "sim/run_many.h"

#include <atomic>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "runtime/thread.h"

namespace nokv::sim {

ManyReport RunMany(const Scenario& scenario, const ManyOptions& options,
                   const std::function<void(uint64_t seed, const RunReport&)>& seen) {
  base::Mutex mu;
  ManyReport all;
  std::atomic<uint64_t> next{options.first_seed};
  const auto work = [&] {
    for (uint64_t seed = next++; seed <= options.last_seed; seed = next++) {
      const RunReport report =
          scenario.run({.seed = seed, .seconds = options.seconds, .trace = nullptr});
      base::MutexLock lock(mu);
      all.seeds++;
      all.violations += !report.violations.empty();
      all.invalid += report.violations.empty() && !report.invalid.empty();
      for (const auto& [kind, times] : report.faults) all.faults[kind]++;
      for (const auto& [name, count] : report.counters) all.counters[name] += count;
      seen(seed, report);
    }
  };
  // The destructors wait.
  std::vector<std::unique_ptr<runtime::Thread>> threads;
  for (uint64_t job = 1; job < options.jobs; job++) {
    threads.push_back(runtime::StartThread("sim", work));
  }
  work();
  threads.clear();
  return all;
}

}  // namespace nokv::sim
