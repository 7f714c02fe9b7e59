#include "bench/raft/load.h"

namespace nokv::bench {
namespace {

class Load {
 public:
  Load(runtime::Runtime& runtime, const Ask& ask, uint64_t outstanding, uint64_t duration_us)
      : clock_(runtime.clock()),
        ask_(ask),
        end_us_(clock_.MonotonicMicros() + duration_us),
        active_(outstanding),
        ended_(runtime.NewEvent()) {}

  LoadResult Run(uint64_t outstanding) {
    const uint64_t begin_us = clock_.MonotonicMicros();
    for (uint64_t slot = 0; slot < outstanding; slot++) Next(slot);
    ended_->Wait();
    return {operations_, failures_, clock_.MonotonicMicros() - begin_us, latency_us_.Snapshot()};
  }

 private:
  void Next(uint64_t slot) {
    const uint64_t begin_us = clock_.MonotonicMicros();
    ask_(slot, [this, slot, begin_us](bool ok) {
      const uint64_t now_us = clock_.MonotonicMicros();
      latency_us_.Record(now_us - begin_us);
      (ok ? operations_ : failures_)++;
      // Whoever is refused would be refused again at once.
      if (ok && now_us < end_us_) return Next(slot);
      if (--active_ == 0) ended_->Set();
    });
  }

  base::Clock& clock_;
  const Ask& ask_;
  const uint64_t end_us_;
  std::atomic<uint64_t> operations_{0};
  std::atomic<uint64_t> failures_{0};
  std::atomic<uint64_t> active_;
  metrics::Histogram latency_us_;
  const std::unique_ptr<runtime::Event> ended_;
};

}  // namespace

LoadResult RunLoad(runtime::Runtime& runtime, const Ask& ask, uint64_t outstanding,
                   uint64_t duration_us) {
  return Load(runtime, ask, outstanding, duration_us).Run(outstanding);
}

}  // namespace nokv::bench
