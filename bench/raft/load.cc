#include "bench/raft/load.h"

#include <atomic>
#include <initializer_list>
#include <memory>

#include "base/coding.h"
#include "base/macros.h"
#include "metrics/metrics.h"

namespace nokv::bench {
namespace {

class Load {
 public:
  Load(runtime::Runtime& runtime, const Ask& ask, const LoadOptions& options)
      : clock_(runtime.clock()),
        ask_(ask),
        begin_us_(clock_.MonotonicMicros()),
        end_us_(begin_us_ + options.duration_us),
        active_(options.outstanding),
        ended_(runtime.NewEvent()) {}

  LoadResult Run(uint64_t outstanding) {
    for (uint64_t slot = 0; slot < outstanding; slot++) Next(slot);
    ended_->Wait();
    const metrics::HistogramSnapshot latency = latency_us_.Snapshot();
    return {operations_, failures_, clock_.MonotonicMicros() - begin_us_, latency.Percentile(50),
            latency.Percentile(99)};
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
  const uint64_t begin_us_;
  const uint64_t end_us_;
  std::atomic<uint64_t> operations_{0};
  std::atomic<uint64_t> failures_{0};
  std::atomic<uint64_t> active_;
  metrics::Histogram latency_us_;
  const std::unique_ptr<runtime::Event> ended_;
};

std::string PutNumbers(std::initializer_list<uint64_t> numbers) {
  std::string bytes;
  for (const uint64_t number : numbers) base::PutVarint64(&bytes, number);
  return bytes;
}

Status TakeNumbers(std::string_view bytes, std::initializer_list<uint64_t*> numbers) {
  for (uint64_t* number : numbers) {
    if (!base::GetVarint64(&bytes, number)) return Status::InvalidArgument("numbers are missing");
  }
  return Status::Ok();
}

}  // namespace

LoadResult RunLoad(runtime::Runtime& runtime, const Ask& ask, const LoadOptions& options) {
  return Load(runtime, ask, options).Run(options.outstanding);
}

std::string Encode(const LoadOptions& options) {
  return PutNumbers({options.outstanding, options.duration_us});
}

std::string Encode(const LoadResult& result) {
  return PutNumbers(
      {result.operations, result.failures, result.wall_us, result.p50_us, result.p99_us});
}

Result<LoadOptions> DecodeLoadOptions(std::string_view bytes) {
  LoadOptions options;
  RETURN_IF_ERROR(TakeNumbers(bytes, {&options.outstanding, &options.duration_us}));
  return options;
}

Result<LoadResult> DecodeLoadResult(std::string_view bytes) {
  LoadResult result;
  RETURN_IF_ERROR(TakeNumbers(bytes, {&result.operations, &result.failures, &result.wall_us,
                                      &result.p50_us, &result.p99_us}));
  return result;
}

}  // namespace nokv::bench
