#include "bench/redis_bench.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/macros.h"
#include "bench/child_process.h"
#include "bench/measure/scratch.h"
#include "cli/progress.h"

namespace nokv::bench {

namespace {

struct BenchFlags {
  std::string sync = "everysec";
  uint64_t rounds = 3;
  uint64_t requests = 100'000;
  std::string directory = std::filesystem::temp_directory_path();
  bool json = false;
};

struct Sample {
  double rate = 0;  // requests per second
  double p99_ms = 0;
  double cpu_micros = 0;  // of the server, per request
};

struct Row {
  std::string command;
  int pipeline = 1;
  std::array<std::vector<Sample>, 2> samples;  // nokv-redis, redis-server
};

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The medians of each number.
Sample Median(const std::vector<Sample>& samples) {
  const auto of = [&samples](double Sample::* number) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(sample.*number);
    return MedianOf(std::move(values));
  };
  return {of(&Sample::rate), of(&Sample::p99_ms), of(&Sample::cpu_micros)};
}

// The last line of redis-benchmark --csv:
// "SET","156494.53","0.187","0.056","0.175","0.311","0.431","1.199"
Result<Sample> ParseCsv(const std::string& output) {
  const size_t end = output.find_last_not_of("\r\n");
  const size_t begin = output.rfind('\n', end == std::string::npos ? 0 : end);
  std::vector<std::string> fields(1);
  for (size_t i = begin == std::string::npos ? 0 : begin + 1; i <= end && i < output.size(); ++i) {
    if (output[i] == ',') {
      fields.emplace_back();
    } else if (output[i] != '"') {
      fields.back().push_back(output[i]);
    }
  }
  if (fields.size() < 7) return Status::Internal("redis-benchmark printed: " + output);
  return Sample{std::atof(fields[1].c_str()), std::atof(fields[6].c_str()), 0};
}

struct Server {
  ChildProcess process;
  uint16_t port;
};

// Begins with `servers[first]`: what one leaves to be done in the background is a load on the next.
Status RunRow(const std::array<Server, 2>& servers, size_t first, uint64_t requests,
              const std::string& log, Row* row) {
  const uint64_t count = row->pipeline == 1 ? requests : 8 * requests;
  for (const size_t i : {first, 1 - first}) {
    const Server& server = servers[i];
    ASSIGN_OR_RETURN(const uint64_t cpu_before, server.process.CpuMicros());
    ASSIGN_OR_RETURN(const std::string output,
                     RunToEnd({"redis-benchmark", "-p", std::to_string(server.port), "-c", "50",
                               "-d", "256", "-r", "100000", "-n", std::to_string(count), "-P",
                               std::to_string(row->pipeline), "-t", row->command, "--csv"},
                              log));
    ASSIGN_OR_RETURN(const uint64_t cpu_after, server.process.CpuMicros());
    ASSIGN_OR_RETURN(Sample sample, ParseCsv(output));
    sample.cpu_micros = static_cast<double>(cpu_after - cpu_before) / static_cast<double>(count);
    row->samples[i].push_back(sample);
  }
  return Status::Ok();
}

Result<std::vector<Row>> Measure(const BenchFlags& flags, cli::Progress* progress) {
  const Scratch scratch(flags.directory);
  if (scratch.path().empty()) {
    return Status::InvalidArgument("no temporary directory can be made in " + flags.directory);
  }
  std::filesystem::create_directory(scratch.path() + "/redis");
  const std::string gateway =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "nokv-redis";
  const auto runtime = runtime::NewThreadRuntime({});
  std::array<uint16_t, 2> ports{};
  for (uint16_t& port : ports) {
    ASSIGN_OR_RETURN(port, FreePort());
  }
  ASSIGN_OR_RETURN(
      ChildProcess nokv,
      ChildProcess::Start(*runtime,
                          {gateway, "--addr", "127.0.0.1:" + std::to_string(ports[0]), "--workdir",
                           scratch.path() + "/nokv", "--sync", flags.sync},
                          scratch.path() + "/nokv.log"));
  ASSIGN_OR_RETURN(
      ChildProcess redis,
      ChildProcess::Start(
          *runtime,
          {"redis-server", "--port", std::to_string(ports[1]), "--bind", "127.0.0.1", "--save", "",
           "--appendonly", "yes", "--appendfsync", flags.sync, "--dir", scratch.path() + "/redis"},
          scratch.path() + "/redis.log"));
  RETURN_IF_ERROR(WaitForPort(ports[0], nokv).Prefixed("nokv-redis"));
  RETURN_IF_ERROR(WaitForPort(ports[1], redis).Prefixed("redis-server"));
  const std::array<Server, 2> servers{Server{std::move(nokv), ports[0]},
                                      Server{std::move(redis), ports[1]}};
  std::vector<Row> rows = {{"set", 1, {}}, {"get", 1, {}}, {"set", 16, {}}, {"get", 16, {}}};
  uint64_t runs = 0;
  for (uint64_t round = 0; round < flags.rounds; ++round) {
    for (Row& row : rows) {
      progress->Update(runs++, flags.rounds * rows.size());
      RETURN_IF_ERROR(
          RunRow(servers, round % 2, flags.requests, scratch.path() + "/benchmark.log", &row));
    }
  }
  return rows;
}

double Ratio(const Sample& nokv, const Sample& redis) {
  return redis.rate > 0 ? nokv.rate / redis.rate : 0;
}

void PrintTable(const BenchFlags& flags, const std::vector<Row>& rows, std::ostream& out) {
  char line[160];
  out << "sync " << flags.sync << ", 50 clients, 256-byte values, median of " << flags.rounds
      << "\n";
  std::snprintf(line, sizeof line, "%-5s %9s %12s %12s %7s %10s %10s %10s %10s\n", "", "pipeline",
                "nokv/s", "redis/s", "ratio", "nokv p99", "redis p99", "nokv cpu", "redis cpu");
  out << line;
  for (const Row& row : rows) {
    const Sample nokv = Median(row.samples[0]);
    const Sample redis = Median(row.samples[1]);
    std::snprintf(line, sizeof line,
                  "%-5s %9d %12.0f %12.0f %7.2f %7.2f ms %7.2f ms %7.2f us %7.2f us\n",
                  row.command.c_str(), row.pipeline, nokv.rate, redis.rate, Ratio(nokv, redis),
                  nokv.p99_ms, redis.p99_ms, nokv.cpu_micros, redis.cpu_micros);
    out << line;
  }
}

void PrintJson(const BenchFlags& flags, const std::vector<Row>& rows, std::ostream& out) {
  nlohmann::ordered_json json;
  json["sync"] = flags.sync;
  json["clients"] = 50;
  json["value_bytes"] = 256;
  json["rounds"] = flags.rounds;
  for (const Row& row : rows) {
    const Sample nokv = Median(row.samples[0]);
    const Sample redis = Median(row.samples[1]);
    json["rows"].push_back({{"command", row.command},
                            {"pipeline", row.pipeline},
                            {"nokv_per_second", nokv.rate},
                            {"redis_per_second", redis.rate},
                            {"ratio", Ratio(nokv, redis)},
                            {"nokv_p99_ms", nokv.p99_ms},
                            {"redis_p99_ms", redis.p99_ms},
                            {"nokv_cpu_us", nokv.cpu_micros},
                            {"redis_cpu_us", redis.cpu_micros}});
  }
  out << json.dump(2) << "\n";
}

int RunRedis(const BenchFlags& flags, const cli::Environment& environment) {
  cli::Progress progress(environment, base::SystemClock(), "redis", "runs");
  const auto rows = Measure(flags, &progress);
  progress.Finish();
  if (!rows.ok()) return cli::Fail(rows.status(), environment.err);
  if (flags.json) {
    PrintJson(flags, *rows, environment.out);
  } else {
    PrintTable(flags, *rows, environment.out);
  }
  return cli::kExitOk;
}

}  // namespace

cli::Command RedisCommand() {
  return {.name = "redis",
          .summary = "the gateway beside redis-server",
          .examples = {{"nokv-bench redis"}, {"nokv-bench redis --sync always --rounds 5 --json"}},
          .description =
              "Runs redis-benchmark (50 clients, 256-byte values) against nokv-redis and against "
              "redis-server with an append-only file and the same sync policy, in turns, on "
              "temporary directories, and prints medians: requests per second and their ratio, "
              "99th percentiles, and the processor time that a server used for a request.",
          .define = [](cli::FlagSet& flags) -> cli::Action {
            auto bench = std::make_shared<BenchFlags>();
            flags.Choice("sync", &bench->sync, {"always", "everysec", "no"},
                         "when a write is on stable storage");
            flags.Number("rounds", "N", &bench->rounds, {1, 1000}, "runs of each row").Env();
            flags
                .Number("requests", "N", &bench->requests, {1, 100'000'000},
                        "requests of a run without pipelining; eight times as many with pipelines "
                        "of 16")
                .Env();
            flags.Path("dir", "DIR", &bench->directory, "where the temporary directory goes");
            flags.Switch("json", &bench->json, "print it as JSON");
            return [bench](const cli::Environment& environment) {
              return RunRedis(*bench, environment);
            };
          }};
}

}  // namespace nokv::bench
