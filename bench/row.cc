#include "bench/row.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/workload/record.h"
#include "cli/flag_values.h"

namespace nokv::bench {

namespace {

using Json = nlohmann::ordered_json;

double Share(double part, uint64_t whole) {
  return whole == 0 ? 0 : part / static_cast<double>(whole);
}

double Micros(uint64_t nanos) {
  return static_cast<double>(nanos) / 1000;
}

// What the disk has written, or this process if the disk does not tell.
double Written(const Counters& spent) {
  return static_cast<double>(spent.disk_written.value_or(spent.process_written));
}

uint64_t LiveBytes(const Row& row) {
  return row.live_records * (kKeyBytes + row.flags.value_bytes);
}

double CpuMicrosPerOp(const PhaseReport& report) {
  return Share(static_cast<double>(report.spent.process_cpu_us), report.result.ops);
}

void AddLatency(const Latency& latency, Json* json) {
  (*json)["mean_us"] = latency.mean() / 1000;
  (*json)["p50_us"] = Micros(latency.Percentile(50));
  (*json)["p95_us"] = Micros(latency.Percentile(95));
  (*json)["p99_us"] = Micros(latency.Percentile(99));
  (*json)["p999_us"] = Micros(latency.Percentile(99.9));
  (*json)["max_us"] = Micros(latency.max());
}

Json Setting(const Row& row) {
  const TrialFlags& flags = row.flags;
  return {{"engine", flags.engine},
          {"engine_version", row.engine_version},
          {"engine_options", row.engine_options},
          {"workload", row.workload},
          {"distribution", row.distribution},
          {"records", flags.records},
          {"ops", row.report.result.ops},
          {"value_size", flags.value_bytes},
          {"threads", flags.threads},
          {"sync", flags.sync},
          {"rate", flags.rate},
          {"seed", flags.seed},
          {"memtable_bytes", flags.memtable_bytes},
          {"cache_bytes", flags.cache_bytes}};
}

void AddCosts(const Row& row, Json* json) {
  const PhaseReport& report = row.report;
  const PhaseResult& result = report.result;
  const Counters& spent = report.spent;
  (*json)["cpu_us_per_op"] = CpuMicrosPerOp(report);
  (*json)["put_bytes"] = result.put_bytes;
  (*json)["process_bytes_written"] = spent.process_written;
  (*json)["disk_bytes_written"] = spent.disk_written ? Json(*spent.disk_written) : Json(nullptr);
  (*json)["bytes_written_per_byte_put"] =
      result.put_bytes == 0 ? Json(nullptr) : Json(Share(Written(spent), result.put_bytes));
  (*json)["space_bytes"] = report.space_bytes;
  (*json)["space_per_live_byte"] =
      row.live_records == 0 ? Json(nullptr)
                            : Json(Share(static_cast<double>(report.space_bytes), LiveBytes(row)));
  (*json)["peak_anonymous_bytes"] = report.peak_anonymous_bytes;
  (*json)["settle_seconds"] = report.settle_seconds;
  (*json)["foreign_cores"] = report.foreign_cores;
}

Json RowJson(const Row& row) {
  const PhaseResult& result = row.report.result;
  Json json = Setting(row);
  json["ops_per_sec"] = result.rate();
  json["load_ops_per_sec"] = row.load_rate ? Json(*row.load_rate) : Json(nullptr);
  json["reopen_ms"] = row.reopen_ms ? Json(*row.reopen_ms) : Json(nullptr);
  json["seconds"] = result.seconds;
  AddLatency(result.all, &json);
  json["rows_scanned"] = result.rows;
  AddCosts(row, &json);
  json["distinct_keys"] = row.distinct ? Json(*row.distinct) : Json(nullptr);
  json["expected_distinct_keys"] =
      row.expected_distinct ? Json(*row.expected_distinct) : Json(nullptr);
  json["operations"] = Json::object();
  for (size_t kind = 0; kind < kOpKinds; ++kind) {
    const Latency& latency = result.by_kind[kind];
    if (latency.count() == 0) continue;
    Json& operation = json["operations"][std::string(OpName(static_cast<OpKind>(kind)))];
    operation["count"] = latency.count();
    AddLatency(latency, &operation);
  }
  return json;
}

std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

void PrintLatency(const std::string& name, double rate, const Latency& latency, std::ostream& out) {
  char line[160];
  std::snprintf(line, sizeof line, "%-20s %12.0f %9.1f %9.1f %9.1f %9.1f %10.0f %10.0f\n",
                name.c_str(), rate, latency.mean() / 1000, Micros(latency.Percentile(50)),
                Micros(latency.Percentile(95)), Micros(latency.Percentile(99)),
                Micros(latency.Percentile(99.9)), Micros(latency.max()));
  out << line;
}

void PrintCosts(const Row& row, std::ostream& out) {
  const PhaseReport& report = row.report;
  const double mib = 1 << 20;
  char line[200];
  std::snprintf(line, sizeof line,
                "%-20s %.2f us of processor per op, %.0f MiB anonymous at most, %.0f MiB on disk",
                "", CpuMicrosPerOp(report), static_cast<double>(report.peak_anonymous_bytes) / mib,
                static_cast<double>(report.space_bytes) / mib);
  out << line;
  if (row.live_records > 0) {
    std::snprintf(line, sizeof line, " (%.2f of the live bytes)",
                  Share(static_cast<double>(report.space_bytes), LiveBytes(row)));
    out << line;
  }
  if (report.result.put_bytes > 0) {
    std::snprintf(line, sizeof line, ", %.2f bytes written per byte put",
                  Share(Written(report.spent), report.result.put_bytes));
    out << line;
  }
  out << "\n";
  if (report.foreign_cores > 0.3) {
    std::snprintf(line, sizeof line, "%-20s others used %.1f cores meanwhile: measure again\n", "",
                  report.foreign_cores);
    out << line;
  }
}

void PrintJson(const std::vector<Row>& rows, std::ostream& out) {
  Json json = Json::array();
  for (const Row& row : rows) json.push_back(RowJson(row));
  out << json.dump(2) << "\n";
}

void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  const TrialFlags& flags = rows.front().flags;
  out << flags.engine << " " << rows.front().engine_version << " (" << rows.front().engine_options
      << "), " << cli::SizeText(flags.memtable_bytes) << " memtable, "
      << cli::SizeText(flags.cache_bytes) << " cache\n"
      << Grouped(flags.records) << " records of " << Grouped(flags.value_bytes) << " bytes, "
      << flags.threads << " clients, sync " << (flags.sync ? "on" : "off") << ", "
      << (flags.rate == 0 ? "closed loop" : Grouped(flags.rate) + " per second, open loop")
      << "\n\n";
  char line[160];
  std::snprintf(line, sizeof line, "%-20s %12s %9s %9s %9s %9s %10s %10s\n", "microseconds",
                "ops/s", "mean", "p50", "p95", "p99", "p99.9", "max");
  out << line;
  for (const Row& row : rows) {
    const PhaseResult& result = row.report.result;
    const std::string& engine = row.flags.engine;
    PrintLatency(engine == flags.engine ? row.workload : row.workload + " of " + engine,
                 result.rate(), result.all, out);
    size_t kinds = 0;
    for (const auto& latency : result.by_kind) kinds += latency.count() > 0 ? 1 : 0;
    for (size_t kind = 0; kind < kOpKinds && kinds > 1; ++kind) {
      const Latency& latency = result.by_kind[kind];
      if (latency.count() == 0) continue;
      PrintLatency("  " + std::string(OpName(static_cast<OpKind>(kind))),
                   static_cast<double>(latency.count()) / result.seconds, latency, out);
    }
    PrintCosts(row, out);
  }
}

}  // namespace

EngineConfig TrialFlags::Config() const {
  EngineConfig config;
  config.memtable_bytes = memtable_bytes;
  config.cache_bytes = cache_bytes;
  config.sync = sync;
  config.sessions = threads;
  config.data_bytes = (records + ops) * (kKeyBytes + value_bytes);
  return config;
}

void DefineTrialFlags(cli::FlagSet& flags, TrialFlags* target) {
  constexpr uint64_t kMost = 1'000'000'000;
  target->directory = std::filesystem::temp_directory_path();
  flags.Choice("engine", &target->engine, EngineNames(), "the store to measure");
  flags.Number("records", "N", &target->records, {1, kMost}, "records that are loaded").Env();
  flags.Number("ops", "N", &target->ops, {1, kMost}, "operations that are measured").Env();
  flags.Number("value-size", "N", &target->value_bytes, {1, 1 << 20}, "bytes of a value").Env();
  flags.Number("threads", "N", &target->threads, {1, 1024}, "clients").Env();
  flags.Number("rate", "N", &target->rate, {0, kMost},
               "operations per second of all clients, due at fixed times from which their "
               "latency counts; 0: as fast as it goes");
  flags.Switch("sync", &target->sync, "acknowledge writes once they are on stable storage");
  flags.Size("memtable", &target->memtable_bytes, {1 << 20, uint64_t{1} << 40},
             "memory for writes, of every engine that has a choice");
  flags.Size("cache", &target->cache_bytes, {1 << 20, uint64_t{1} << 40},
             "memory for blocks, of every engine that has a choice");
  flags.Number("seed", "N", &target->seed, {}, "what keys and values are drawn from");
  flags.Path("dir", "DIR", &target->directory, "where the temporary directory goes");
  flags.Switch("json", &target->json, "print a JSON list of rows");
}

void PrintRows(const std::vector<Row>& rows, bool json, std::ostream& out) {
  if (json) {
    PrintJson(rows, out);
  } else {
    PrintTable(rows, out);
  }
}

}  // namespace nokv::bench
