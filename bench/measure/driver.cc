#include "bench/measure/driver.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "bench/measure/pause.h"
#include "metrics/metrics.h"
#include "runtime/thread.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kTickMicros = 50'000;
// Operations that a closed loop takes at once: few enough that all threads end together.
constexpr uint64_t kChunk = 32;
constexpr uint64_t kNanos = 1'000'000'000;

uint64_t NowNanos() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

void SleepUntil(uint64_t nanos) {
  const timespec when{static_cast<time_t>(nanos / kNanos), static_cast<int64_t>(nanos % kNanos)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
}

// What a thread has counted; nobody else touches it while the phase runs, but for `done`.
struct alignas(64) Worker {
  std::array<metrics::Histogram, kOpKinds> latency;
  std::atomic<uint64_t> done{0};
  uint64_t rows = 0, puts = 0, put_bytes = 0;
  uint64_t ended_ns = 0;
  Status status;
};

class Phase {
 public:
  Phase(runtime::Runtime& runtime, const PhaseOptions& options, const ClientFactory& factory)
      : runtime_(runtime),
        options_(options),
        factory_(factory),
        start_(runtime.NewEvent()),
        workers_(options.threads + options.background_threads),
        running_(options.threads) {}

  Result<PhaseResult> Run(const std::function<void(uint64_t done)>& tick) {
    {
      std::vector<std::unique_ptr<runtime::Thread>> threads;
      for (uint64_t i = 0; i < workers_.size(); ++i) {
        threads.push_back(runtime::StartThread("bench-client", [this, i] { Work(i); }));
      }
      while (ready_.load() < workers_.size()) Pause(runtime_, 100);
      began_ns_ = NowNanos();
      start_->Set();
      while (running_.load() > 0) {
        Pause(runtime_, kTickMicros);
        uint64_t done = 0;
        for (uint64_t i = 0; i < options_.threads; ++i) {
          done += workers_[i].done.load(std::memory_order_relaxed);
        }
        tick(done);
      }
    }  // joins them all
    return Sum();
  }

 private:
  void Work(uint64_t thread) {
    const std::unique_ptr<Client> client = factory_(thread);
    Worker& worker = workers_[thread];
    ready_.fetch_add(1);
    start_->Wait();
    const bool counted = thread < options_.threads;
    if (!counted) {
      WorkBeside(*client, worker);
    } else if (options_.rate > 0) {
      WorkOpen(*client, worker);
    } else {
      WorkClosed(*client, worker);
    }
    worker.ended_ns = NowNanos();
    if (!worker.status.ok()) failed_.store(true);
    if (counted) running_.fetch_sub(1);
  }

  void WorkBeside(Client& client, Worker& worker) {
    for (uint64_t op = 0; running_.load() > 0 && !failed_.load() && worker.status.ok(); ++op) {
      OpReport report;
      worker.status = client.Step(op, &report);
    }
  }

  void WorkClosed(Client& client, Worker& worker) {
    while (!failed_.load(std::memory_order_relaxed)) {
      const uint64_t first = next_op_.fetch_add(kChunk, std::memory_order_relaxed);
      const uint64_t end = std::min(options_.ops, first + kChunk);
      for (uint64_t op = first; op < end; ++op) {
        if (!One(client, worker, op, NowNanos())) return;
      }
      if (end == options_.ops || first >= options_.ops) return;
    }
  }

  void WorkOpen(Client& client, Worker& worker) {
    while (!failed_.load(std::memory_order_relaxed)) {
      const uint64_t op = next_op_.fetch_add(1, std::memory_order_relaxed);
      if (op >= options_.ops) return;
      const uint64_t due_ns =
          began_ns_ + static_cast<uint64_t>(static_cast<double>(op) * static_cast<double>(kNanos) /
                                            static_cast<double>(options_.rate));
      if (NowNanos() < due_ns) SleepUntil(due_ns);
      if (!One(client, worker, op, due_ns)) return;
    }
  }

  bool One(Client& client, Worker& worker, uint64_t op, uint64_t from_ns) {
    OpReport report;
    worker.status = client.Step(op, &report);
    if (!worker.status.ok()) return false;
    worker.latency[static_cast<size_t>(report.kind)].Record(NowNanos() - from_ns);
    worker.rows += report.rows;
    worker.puts += report.puts;
    worker.put_bytes += report.put_bytes;
    worker.done.store(worker.done.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return true;
  }

  Result<PhaseResult> Sum() const {
    PhaseResult result;
    uint64_t ended_ns = began_ns_;
    for (const Worker& worker : workers_) {
      if (!worker.status.ok()) return worker.status;
    }
    for (uint64_t i = 0; i < options_.threads; ++i) {
      const Worker& worker = workers_[i];
      ended_ns = std::max(ended_ns, worker.ended_ns);
      result.ops += worker.done.load();
      result.rows += worker.rows;
      result.puts += worker.puts;
      result.put_bytes += worker.put_bytes;
      for (size_t kind = 0; kind < kOpKinds; ++kind) {
        const metrics::HistogramSnapshot latency = worker.latency[kind].Snapshot();
        result.by_kind[kind].Add(latency);
        result.all.Add(latency);
      }
    }
    result.seconds = static_cast<double>(ended_ns - began_ns_) / static_cast<double>(kNanos);
    return result;
  }

  runtime::Runtime& runtime_;
  const PhaseOptions options_;
  const ClientFactory& factory_;
  const std::unique_ptr<runtime::Event> start_;
  std::vector<Worker> workers_;
  std::atomic<uint64_t> ready_{0};
  std::atomic<uint64_t> running_;
  std::atomic<bool> failed_{false};
  uint64_t began_ns_ = 0;
  alignas(64) std::atomic<uint64_t> next_op_{0};
};

}  // namespace

std::string_view OpName(OpKind kind) {
  constexpr std::array<std::string_view, kOpKinds> kNames = {
      "read", "update", "insert", "read_modify_write", "scan", "delete"};
  return kNames[static_cast<size_t>(kind)];
}

Result<PhaseResult> RunPhase(runtime::Runtime& runtime, const PhaseOptions& options,
                             const ClientFactory& factory,
                             const std::function<void(uint64_t done)>& tick) {
  return Phase(runtime, options, factory).Run(tick);
}

}  // namespace nokv::bench
