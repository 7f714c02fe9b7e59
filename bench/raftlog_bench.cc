#include "bench/raftlog_bench.h"

#include <algorithm>
#include <cstring>
#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/macros.h"
#include "base/random.h"
#include "bench/measure/scratch.h"
#include "metrics/metrics.h"
#include "raftlog/raft_log.h"
#include "wal/log.h"

namespace nokv::bench {

namespace {

struct Flags {
  uint64_t groups = 64;
  uint64_t entries = 1;
  uint64_t value_bytes = 256;
  uint64_t rounds = 2000;
  std::string directory = ".";
  bool json = false;
};

struct Costs {
  metrics::Histogram plain_append, plain_sync, group_append, group_sync, plain, group;  // ns
  uint64_t bytes = 0;  // of one append in the log
};

// Appends `bytes` to a log that knows nothing of raft, and syncs them.
class PlainLog {
 public:
  static Result<std::unique_ptr<PlainLog>> Open(const std::string& directory) {
    auto plain = std::make_unique<PlainLog>();
    ASSIGN_OR_RETURN(plain->log_, wal::Log::Create(vfs::PosixFileSystem(), directory, {}));
    return plain;
  }

  Status Append(std::string_view bytes) {
    ASSIGN_OR_RETURN(const auto place,
                     log_->Reserve(wal::RecordType::kBatch, static_cast<uint32_t>(bytes.size())));
    std::memcpy(place.payload, bytes.data(), bytes.size());
    return log_->Commit(place).status();
  }
  Status Sync() { return log_->Sync().status(); }
  // What the engine does in the background.
  Status Prepare() { return log_->WriteAhead().status(); }

 private:
  std::unique_ptr<wal::Log> log_;
};

// Every group appends its entries and its hard state, in one append.
class GroupLog {
 public:
  static Result<std::unique_ptr<GroupLog>> Open(const std::string& directory, const Flags& flags) {
    auto groups = std::make_unique<GroupLog>();
    ASSIGN_OR_RETURN(groups->log_, raftlog::RaftLog::Open(vfs::PosixFileSystem(), directory, {}));
    groups->entries_.resize(flags.groups);
    return groups;
  }

  // The entries of round `round`.
  void Make(uint64_t round, const Flags& flags, base::Random& random) {
    writes_.clear();
    for (uint64_t group = 0; group < flags.groups; ++group) {
      std::vector<raft::Entry>& entries = entries_[group];
      entries.clear();
      for (uint64_t i = 0; i < flags.entries; ++i) {
        std::string value(flags.value_bytes, '\0');
        for (char& byte : value) byte = static_cast<char>(random.Next());
        entries.push_back({raft::EntryType::kNormal, 1, round * flags.entries + i + 1,
                           raft::Payload(std::move(value))});
      }
      writes_.push_back({.group = group + 1,
                         .entries = entries,
                         .hard_state = {.term = 1, .vote = 1, .commit = round * flags.entries}});
    }
  }

  Status Append() { return log_->Append(writes_).status(); }
  Status Sync() {
    RETURN_IF_ERROR(log_->Sync().status());
    return log_->MarkSynced();
  }
  Status Prepare() { return log_->WriteAhead().status(); }
  // Of all raft records so far.
  uint64_t bytes() const {
    const raftlog::RaftLogStats stats = log_->GetStats();
    return stats.log.reserved[1].payload_bytes + stats.log.reserved[2].payload_bytes;
  }

 private:
  std::unique_ptr<raftlog::RaftLog> log_;
  std::vector<std::vector<raft::Entry>> entries_;
  std::vector<raftlog::GroupWrite> writes_;
};

// One append and one sync, timed.
template <typename Append, typename Sync>
Status Time(const Append& append, const Sync& sync, metrics::Histogram* append_ns,
            metrics::Histogram* sync_ns, metrics::Histogram* both_ns) {
  base::Clock& clock = base::SystemClock();
  const uint64_t start = clock.MonotonicNanos();
  RETURN_IF_ERROR(append());
  const uint64_t appended = clock.MonotonicNanos();
  RETURN_IF_ERROR(sync());
  const uint64_t synced = clock.MonotonicNanos();
  append_ns->Record(appended - start);
  sync_ns->Record(synced - appended);
  both_ns->Record(synced - start);
  return Status::Ok();
}

// Both in turns, so that the disk is the same for both; and each first in turns, since the first
// comes right behind what is written ahead.
Status Measure(const Flags& flags, Costs* costs) {
  const Scratch plain_directory(flags.directory);
  const Scratch group_directory(flags.directory);
  if (plain_directory.path().empty() || group_directory.path().empty()) {
    return Status::InvalidArgument("no scratch directory can be made in " + flags.directory);
  }
  ASSIGN_OR_RETURN(const auto plain, PlainLog::Open(plain_directory.path()));
  ASSIGN_OR_RETURN(const auto groups, GroupLog::Open(group_directory.path(), flags));
  base::Random random(7);
  std::string bytes;  // as many as the last append of the groups had
  uint64_t before = 0;
  const auto append_groups = [&](uint64_t round) -> Status {
    groups->Make(round, flags, random);
    RETURN_IF_ERROR(Time([&] { return groups->Append(); }, [&] { return groups->Sync(); },
                         &costs->group_append, &costs->group_sync, &costs->group));
    bytes.resize(groups->bytes() - before);
    before = groups->bytes();
    return Status::Ok();
  };
  const auto append_plain = [&]() -> Status {
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    return Time([&] { return plain->Append(bytes); }, [&] { return plain->Sync(); },
                &costs->plain_append, &costs->plain_sync, &costs->plain);
  };
  for (uint64_t round = 0; round < flags.rounds; ++round) {
    const bool groups_first = round % 2 == 0;
    if (groups_first) RETURN_IF_ERROR(append_groups(round));
    RETURN_IF_ERROR(append_plain());
    if (!groups_first) RETURN_IF_ERROR(append_groups(round));
    RETURN_IF_ERROR(groups->Prepare());
    RETURN_IF_ERROR(plain->Prepare());
  }
  costs->bytes = bytes.size();
  return Status::Ok();
}

double Micros(const metrics::Histogram& histogram, double percent) {
  return static_cast<double>(histogram.Snapshot().Percentile(percent)) / 1000;
}

void Print(const Flags& flags, const Costs& costs, std::ostream& out) {
  const double ratio = Micros(costs.group, 50) / Micros(costs.plain, 50);
  const auto row = [](const auto& append, const auto& sync, const auto& both) {
    return nlohmann::json{{"append_p50_us", Micros(append, 50)},
                          {"sync_p50_us", Micros(sync, 50)},
                          {"p50_us", Micros(both, 50)},
                          {"p99_us", Micros(both, 99)},
                          {"mean_us", both.Snapshot().mean() / 1000}};
  };
  const auto plain = row(costs.plain_append, costs.plain_sync, costs.plain);
  const auto group = row(costs.group_append, costs.group_sync, costs.group);
  if (flags.json) {
    out << nlohmann::json{{"groups", flags.groups},
                          {"entries", flags.entries},
                          {"value_bytes", flags.value_bytes},
                          {"rounds", flags.rounds},
                          {"append_bytes", costs.bytes},
                          {"plain", plain},
                          {"group", group},
                          {"ratio", ratio}}
               .dump(2)
        << "\n";
    return;
  }
  out << flags.groups << " groups, " << flags.entries << " entries of " << flags.value_bytes
      << " bytes each: " << costs.bytes << " bytes with one sync, " << flags.rounds << " rounds\n"
      << std::fixed << std::setprecision(1) << "microseconds   append    sync    both     p99\n";
  for (const auto& [name, values] : {std::pair{"plain", plain}, std::pair{"groups", group}}) {
    out << std::left << std::setw(12) << name << std::right;
    for (const char* column : {"append_p50_us", "sync_p50_us", "p50_us", "p99_us"}) {
      out << std::setw(9) << values[column].template get<double>();
    }
    out << "\n";
  }
  out << std::setprecision(2) << "groups / plain " << ratio << "\n";
}

int Run(const Flags& flags, const cli::Environment& environment) {
  Costs costs;
  const Status status = Measure(flags, &costs);
  if (!status.ok()) return cli::Fail(status, environment.err);
  Print(flags, costs, environment.out);
  return cli::kExitOk;
}

}  // namespace

cli::Command RaftLogCommand() {
  return {
      .name = "raftlog",
      .summary = "an append of many raft groups beside a plain one",
      .examples = {{"nokv-bench raftlog"}, {"nokv-bench raftlog --groups 1000 --json"}},
      .description =
          "Appends entries and hard states of many raft groups as one record with one sync, and "
          "as many bytes to the bare log with one sync, in turns. Prints the medians of both "
          "and their ratio.",
      .define = [](cli::FlagSet& set) -> cli::Action {
        auto flags = std::make_shared<Flags>();
        set.Number("groups", "N", &flags->groups, {1, 100000}, "raft groups in each append");
        set.Number("entries", "N", &flags->entries, {1, 1000}, "entries of each group");
        set.Number("value-size", "N", &flags->value_bytes, {0, 1 << 20}, "bytes of an entry");
        set.Number("rounds", "N", &flags->rounds, {1}, "appends of each kind").Env();
        set.Path("dir", "DIR", &flags->directory, "where the temporary directories go");
        set.Switch("json", &flags->json, "print it as JSON");
        return [flags](const cli::Environment& environment) { return Run(*flags, environment); };
      }};
}

}  // namespace nokv::bench
