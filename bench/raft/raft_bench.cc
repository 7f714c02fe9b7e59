#include "bench/raft/raft_bench.h"

#include <algorithm>
#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/macros.h"
#include "bench/measure/machine.h"
#include "bench/measure/scratch.h"
#include "bench/raft/bare_log.h"
#include "bench/raft/etcd.h"
#include "bench/raft/load.h"
#include "bench/raft/raft_cluster.h"

namespace nokv::bench {
namespace {

constexpr uint64_t kWarmUpMillis = 300;

struct Flags {
  std::string outstanding = "1,16,64,256";
  uint64_t groups = 1;
  uint64_t value_bytes = 256;
  uint64_t millis = 3000;
  std::string directory = ".";
  bool only_nokv = false;
  bool json = false;
};

struct Row {
  std::string system;
  uint64_t groups = 1;
  uint64_t outstanding = 0;
  LoadResult load;
  uint64_t cpu_us = 0;  // of everybody, clients too

  double Rate() const {
    return static_cast<double>(load.operations) * 1e6 / static_cast<double>(load.wall_us);
  }
  double CpuPerOperation() const {
    return static_cast<double>(cpu_us) /
           static_cast<double>(std::max<uint64_t>(load.operations, 1));
  }
};

Result<std::vector<uint64_t>> ParseOutstanding(const std::string& text) {
  std::vector<uint64_t> numbers;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    const bool digits = !part.empty() && part.size() < 6 &&
                        part.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoul(part) == 0) {
      return Status::InvalidArgument("--outstanding wants numbers like 1,16,64: \"" + text + "\"");
    }
    numbers.push_back(std::stoul(part));
  }
  return numbers;
}

// How one system takes a load, and what other processes have used for it so far.
struct System {
  std::string name;
  uint64_t groups = 1;
  std::function<Result<LoadResult>(const LoadOptions&)> run;
  std::function<Result<uint64_t>()> others_cpu;
};

class Comparison {
 public:
  Comparison(const Flags& flags, std::vector<uint64_t> outstanding)
      : flags_(flags), outstanding_(std::move(outstanding)), value_(flags.value_bytes, 'v') {}

  // All of it, one system after the other; `err` is told of one that is not installed.
  Status Run(std::ostream& err) {
    if (!flags_.only_nokv) RETURN_IF_ERROR(RunBareLog());
    RETURN_IF_ERROR(RunNokv(1));
    if (flags_.groups > 1) RETURN_IF_ERROR(RunNokv(flags_.groups));
    return flags_.only_nokv ? Status::Ok() : RunEtcd(err);
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  Status RunBareLog() {
    const Scratch scratch(flags_.directory);
    ASSIGN_OR_RETURN(const auto log,
                     BareReplicatedLog::Start(*runtime_, scratch.path(), flags_.value_bytes));
    return Measure({"bare log, in the leader", 1,
                    [&log](const LoadOptions& options) { return log->Run(options); },
                    [&log] { return log->CpuMicros(); }});
  }

  Status RunNokv(uint64_t groups) {
    const Scratch scratch(flags_.directory);
    ASSIGN_OR_RETURN(const auto cluster,
                     RaftCluster::Start(*runtime_, scratch.path(), groups, flags_.value_bytes));
    const auto cpu = [&cluster] { return cluster->CpuMicros(); };
    RETURN_IF_ERROR(
        Measure({"nokv, in the leader", groups,
                 [&](const LoadOptions& options) { return cluster->RunInLeader(options); }, cpu}));
    RETURN_IF_ERROR(Measure(
        {"nokv, a stream each", groups,
         [&](const LoadOptions& options) -> Result<LoadResult> {
           return RunLoad(*runtime_, cluster->Proposals(value_, options.outstanding), options);
         },
         cpu}));
    return Measure({"nokv, one stream", groups,
                    [&](const LoadOptions& options) -> Result<LoadResult> {
                      return RunLoad(*runtime_, cluster->Proposals(value_, 1), options);
                    },
                    cpu});
  }

  Status RunEtcd(std::ostream& err) {
    const Scratch scratch(flags_.directory);
    const auto etcd = EtcdCluster::Start(*runtime_, scratch.path());
    if (etcd.status().IsNotFound()) {
      err << "etcd is not installed, so there is nothing to compare with: scripts/lib/deps.sh "
             "bench\n";
      return Status::Ok();
    }
    RETURN_IF_ERROR(etcd.status());
    return Measure({"etcd", 1,
                    [&](const LoadOptions& options) -> Result<LoadResult> {
                      return RunLoad(*runtime_, (*etcd)->Puts(value_), options);
                    },
                    [&] { return (*etcd)->CpuMicros(); }});
  }

  // One row of each number of requests.
  Status Measure(const System& system) {
    for (const uint64_t outstanding : outstanding_) {
      const uint64_t warm_up_ms = std::min(kWarmUpMillis, flags_.millis);
      RETURN_IF_ERROR(system.run({outstanding, warm_up_ms * 1000}).status());
      ASSIGN_OR_RETURN(const uint64_t others, system.others_cpu());
      const Counters before = ReadCounters(flags_.directory);
      Row row{system.name, system.groups, outstanding, {}, 0};
      ASSIGN_OR_RETURN(row.load, system.run({outstanding, flags_.millis * 1000}));
      row.cpu_us = ReadCounters(flags_.directory).Since(before).process_cpu_us;
      ASSIGN_OR_RETURN(const uint64_t others_after, system.others_cpu());
      row.cpu_us += others_after - others;
      rows_.push_back(std::move(row));
    }
    return Status::Ok();
  }

  const Flags flags_;
  const std::vector<uint64_t> outstanding_;
  const std::string value_;
  const std::unique_ptr<runtime::Runtime> runtime_ = runtime::NewThreadRuntime({});
  std::vector<Row> rows_;
};

void PrintJson(const Flags& flags, const std::vector<Row>& rows, std::ostream& out) {
  auto list = nlohmann::json::array();
  for (const Row& row : rows) {
    list.push_back({{"system", row.system},
                    {"members", 3},
                    {"groups", row.groups},
                    {"outstanding", row.outstanding},
                    {"value_bytes", flags.value_bytes},
                    {"operations", row.load.operations},
                    {"failures", row.load.failures},
                    {"operations_per_second", row.Rate()},
                    {"p50_us", row.load.p50_us},
                    {"p99_us", row.load.p99_us},
                    {"cpu_us_per_operation", row.CpuPerOperation()}});
  }
  out << list.dump(2) << "\n";
}

void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  out << "system                   groups  outstanding      ops/s   p50 us   p99 us   cpu us/op\n"
      << std::fixed << std::setprecision(1);
  for (const Row& row : rows) {
    out << std::left << std::setw(23) << row.system << std::right << std::setw(8) << row.groups
        << std::setw(13) << row.outstanding << std::setw(11) << static_cast<uint64_t>(row.Rate())
        << std::setw(9) << row.load.p50_us << std::setw(9) << row.load.p99_us << std::setw(12)
        << row.CpuPerOperation();
    if (row.load.failures > 0) out << "  " << row.load.failures << " failed";
    out << "\n";
  }
}

int Run(const Flags& flags, const cli::Environment& environment) {
  auto outstanding = ParseOutstanding(flags.outstanding);
  if (!outstanding.ok()) return cli::Fail(outstanding.status(), environment.err);
  Comparison comparison(flags, *std::move(outstanding));
  const Status status = comparison.Run(environment.err);
  if (!status.ok()) return cli::Fail(status, environment.err);
  if (flags.json) {
    PrintJson(flags, comparison.rows(), environment.out);
  } else {
    PrintTable(comparison.rows(), environment.out);
  }
  return cli::kExitOk;
}

}  // namespace

cli::Command RaftCommand() {
  return {
      .name = "raft",
      .summary = "a replicated log of three members beside etcd",
      .examples = {{"nokv-bench raft --only-nokv"},
                   {"nokv-bench raft --groups 64 --only-nokv --json"}},
      .description =
          "Proposes to raft groups of three members, each in a process of its own with a log that "
          "is synced before anything is promised, and connected by gRPC streams on loopback: from "
          "clients in the process of the leader, and from this process, with a stream for each "
          "client and with one for all. Beside them are three etcd servers, asked over their gRPC "
          "API, and the least that three members could do: bytes over TCP into synced files. The "
          "next request of each client follows the answer to the one before. Processor time is "
          "that of everybody, the clients too.",
      .define = [](cli::FlagSet& set) -> cli::Action {
        auto flags = std::make_shared<Flags>();
        set.Text("outstanding", "LIST", &flags->outstanding, "requests under way at a time");
        set.Number("groups", "N", &flags->groups, {1, 10000},
                   "also measure so many groups, written in turns");
        set.Number("value-size", "N", &flags->value_bytes, {1, 1 << 20}, "bytes of a proposal");
        set.Number("millis", "N", &flags->millis, {1, 600000}, "length of each measurement").Env();
        set.Path("dir", "DIR", &flags->directory, "where the temporary directories go");
        set.Switch("only-nokv", &flags->only_nokv, "compare with nobody");
        set.Switch("json", &flags->json, "print it as JSON");
        return [flags](const cli::Environment& environment) { return Run(*flags, environment); };
      }};
}

}  // namespace nokv::bench
