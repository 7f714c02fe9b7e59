#include "bench/tso/tso_bench.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "base/mutex.h"
#include "bench/raft/load.h"
#include "coordinator/client/client.h"
#include "rpc/grpc/grpc.h"

namespace nokv::bench {
namespace {

constexpr uint64_t kWarmUpMillis = 500;
constexpr uint64_t kPatienceMillis = 10'000;

struct Flags {
  std::string address = "127.0.0.1:2379";
  uint64_t requesters = 64;
  uint64_t count = 16;
  uint64_t millis = 5'000;
  bool json = false;
};

void Print(const Flags& flags, const LoadResult& load, std::ostream& out) {
  const double calls =
      static_cast<double>(load.operations) * 1e6 / static_cast<double>(load.wall_us);
  const auto timestamps = static_cast<uint64_t>(calls * static_cast<double>(flags.count));
  if (flags.json) {
    out << nlohmann::json{{"requesters", flags.requesters},
                          {"timestamps_per_call", flags.count},
                          {"calls", load.operations},
                          {"failures", load.failures},
                          {"timestamps_per_second", timestamps},
                          {"p50_us", load.p50_us},
                          {"p99_us", load.p99_us}}
               .dump(2)
        << "\n";
    return;
  }
  out << timestamps << " timestamps a second: " << flags.requesters << " requesters, "
      << flags.count << " a call; p50 " << load.p50_us << " us, p99 " << load.p99_us << " us; "
      << load.failures << " calls failed\n";
}

int Run(const Flags& flags, const cli::Environment& environment) {
  const auto runtime = runtime::NewThreadRuntime({});
  coordinator::Client client(
      *runtime, {.addresses = {flags.address}}, [](const std::string& address) {
        return rpc::grpc::NewChannel(
            address, {.executor = [](const std::function<void()>& task) { task(); }});
      });
  Status last;
  base::Mutex mu;
  const Ask ask = [&](uint64_t, std::function<void(bool)> done) {
    client.Timestamps(flags.count, kPatienceMillis,
                      [&, done = std::move(done)](const Result<uint64_t>& first) {
                        if (!first.ok()) {
                          base::MutexLock lock(mu);
                          last = first.status();
                        }
                        done(first.ok());
                      });
  };
  RunLoad(*runtime, ask,
          {.outstanding = flags.requesters,
           .duration_us = std::min(kWarmUpMillis, flags.millis) * 1000});
  const LoadResult load =
      RunLoad(*runtime, ask, {.outstanding = flags.requesters, .duration_us = flags.millis * 1000});
  if (load.operations == 0) return cli::Fail(last, environment.err);
  Print(flags, load, environment.out);
  return cli::kExitOk;
}

}  // namespace

cli::Command TsoCommand() {
  return {
      .name = "tso",
      .summary = "timestamps of a running coordinator",
      .examples = {{"nokv-bench tso --coordinator-addr 127.0.0.1:2379"}},
      .description =
          "Asks a running coordinator for timestamps: so many requesters at a time, each asking "
          "again as soon as it is answered, all over one stream.",
      .define = [](cli::FlagSet& flags) -> cli::Action {
        auto options = std::make_shared<Flags>();
        flags.Address("coordinator-addr", &options->address, "where the coordinator is");
        flags.Number("requesters", "N", &options->requesters, {1, 10'000},
                     "that ask at the same time");
        flags.Number("count", "N", &options->count, {1, 65'536}, "timestamps a call");
        flags.Duration("duration", &options->millis, {100, 600'000}, "how long it is measured")
            .Env();
        flags.Switch("json", &options->json, "a JSON document");
        return
            [options](const cli::Environment& environment) { return Run(*options, environment); };
      }};
}

}  // namespace nokv::bench
