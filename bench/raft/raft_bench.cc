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
#include "bench/raft/etcd.h"
#include "bench/raft/in_process.h"
#include "bench/raft/load.h"

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

// One row of each number of requests; `others_cpu` is what other processes have used.
Status Measure(runtime::Runtime& runtime, const Flags& flags,
               const std::vector<uint64_t>& outstanding, const Row& kind, const Ask& ask,
               const std::function<Result<uint64_t>()>& others_cpu, std::vector<Row>* rows) {
  for (const uint64_t number : outstanding) {
    RunLoad(runtime, ask, number, kWarmUpMillis * 1000);
    ASSIGN_OR_RETURN(const uint64_t others, others_cpu());
    const Counters before = ReadCounters(flags.directory);
    Row row = kind;
    row.outstanding = number;
    row.load = RunLoad(runtime, ask, number, flags.millis * 1000);
    row.cpu_us = ReadCounters(flags.directory).Since(before).process_cpu_us;
    ASSIGN_OR_RETURN(const uint64_t others_after, others_cpu());
    row.cpu_us += others_after - others;
    rows->push_back(std::move(row));
  }
  return Status::Ok();
}

Status MeasureAll(const Flags& flags, std::ostream& err, std::vector<Row>* rows) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> outstanding, ParseOutstanding(flags.outstanding));
  const auto runtime = runtime::NewThreadRuntime({});
  const std::string value(flags.value_bytes, 'v');
  std::vector<uint64_t> group_counts{1};
  if (flags.groups > 1) group_counts.push_back(flags.groups);
  for (const uint64_t groups : group_counts) {
    const Scratch scratch(flags.directory);
    ASSIGN_OR_RETURN(const auto members, InProcessGroups::Start(scratch.path(), groups));
    RETURN_IF_ERROR(Measure(
        *runtime, flags, outstanding, {.system = "nokv in process", .groups = groups, .load = {}},
        members->Proposals(value), [] { return uint64_t{0}; }, rows));
  }
  if (flags.only_nokv) return Status::Ok();
  const Scratch scratch(flags.directory);
  const auto etcd = EtcdCluster::Start(*runtime, scratch.path());
  if (etcd.status().IsNotFound()) {
    err << "etcd is not installed, so there is nothing to compare with: scripts/lib/deps.sh "
           "bench\n";
    return Status::Ok();
  }
  RETURN_IF_ERROR(etcd.status());
  return Measure(
      *runtime, flags, outstanding, {.system = "etcd", .load = {}}, (*etcd)->Puts(value),
      [&etcd] { return (*etcd)->CpuMicros(); }, rows);
}

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
                    {"p50_us", row.load.latency_us.Percentile(50)},
                    {"p99_us", row.load.latency_us.Percentile(99)},
                    {"cpu_us_per_operation", row.CpuPerOperation()}});
  }
  out << list.dump(2) << "\n";
}

void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  out << "system              groups  outstanding      ops/s   p50 us   p99 us  cpu us/op\n"
      << std::fixed << std::setprecision(1);
  for (const Row& row : rows) {
    out << std::left << std::setw(18) << row.system << std::right << std::setw(8) << row.groups
        << std::setw(13) << row.outstanding << std::setw(11) << static_cast<uint64_t>(row.Rate())
        << std::setw(9) << row.load.latency_us.Percentile(50) << std::setw(9)
        << row.load.latency_us.Percentile(99) << std::setw(11) << row.CpuPerOperation();
    if (row.load.failures > 0) out << "  " << row.load.failures << " failed";
    out << "\n";
  }
}

int Run(const Flags& flags, const cli::Environment& environment) {
  std::vector<Row> rows;
  const Status status = MeasureAll(flags, environment.err, &rows);
  if (!status.ok()) return cli::Fail(status, environment.err);
  if (flags.json) {
    PrintJson(flags, rows, environment.out);
  } else {
    PrintTable(rows, environment.out);
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
          "Proposes to raft groups of three members in this process, each with a log that is "
          "synced before anything is promised, and puts to three etcd servers on loopback, over "
          "their gRPC API. The next request of each slot follows the answer to the one before. "
          "Processor time is that of everybody, the clients too.",
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
