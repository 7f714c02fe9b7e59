#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "cli/doctor.h"
#include "cli/flag_values.h"
#include "cli/text.h"
#include "nokv/options.h"

namespace nokv::cli {

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kFileBytes = 64 << 10;
constexpr uint64_t kUnlimited = uint64_t{1} << 60;
// The gateway's limit of clients, and files beside it.
constexpr uint64_t kFilesWanted = 10'000 + 240;
constexpr uint64_t kFilesNeeded = 256;
constexpr uint64_t kYear2024Ms = 1'704'067'200'000;

// The first word of `path`, without a line break; empty if it cannot be read.
std::string ReadWord(vfs::FileSystem& fs, const std::string& path) {
  const auto text = fs.ReadFile(path, kFileBytes);
  return text.ok() ? text->substr(0, text->find_first_of(" \n")) : "";
}

// "MemTotal:       16384 kB" in bytes.
uint64_t TotalMemory(vfs::FileSystem& fs) {
  const auto text = fs.ReadFile("/proc/meminfo", kFileBytes);
  const std::string_view key = "MemTotal:";
  const size_t begin = text.ok() ? text->find(key) : std::string::npos;
  if (begin == std::string::npos) return 0;
  std::string_view rest = std::string_view(*text).substr(begin + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return ParseNumber(rest.substr(0, rest.find(' '))).value_or(0) * 1024;
}

uint64_t CgroupLimit(vfs::FileSystem& fs) {
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const uint64_t limit = ParseNumber(ReadWord(fs, path)).value_or(0);
    if (limit > 0 && limit < kUnlimited) return limit;
  }
  return 0;
}

// What an engine with default options may hold.
uint64_t DefaultMemory() {
  const Options options;
  return options.block_cache_bytes + options.memtable_bytes + options.immutable_memtable_bytes;
}

// "2026-11-25", in UTC.
std::string DateOf(uint64_t wall_ms) {
  using std::chrono::days;
  const std::chrono::year_month_day date{
      std::chrono::sys_days(days(static_cast<int64_t>(wall_ms / 86'400'000)))};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string Rounded(uint64_t bytes) {
  char text[32];
  if (bytes >= kGiB) {
    std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / kGiB);
  } else {
    std::snprintf(text, sizeof text, "%.0f MiB", static_cast<double>(bytes) / kMiB);
  }
  return text;
}

Finding CheckMemory(const Machine& machine) {
  const bool contained = machine.cgroup_bytes != 0 &&
                         (machine.memory_bytes == 0 || machine.cgroup_bytes < machine.memory_bytes);
  const uint64_t bytes = contained ? machine.cgroup_bytes : machine.memory_bytes;
  Finding finding{.check = "memory"};
  finding.detail = Rounded(bytes) + (contained ? " in this container" : "") +
                   "; caches and memtables take up to " + Rounded(DefaultMemory());
  if (bytes == 0) finding.detail = "unknown";
  if (bytes != 0 && bytes < 3 * DefaultMemory()) {
    finding.verdict = bytes < DefaultMemory() ? Verdict::kProblem : Verdict::kWarning;
    finding.fix =
        "give it at least " + Rounded(3 * DefaultMemory()) + ", or the kernel may end the process";
  }
  return finding;
}

Finding CheckOpenFiles(uint64_t limit) {
  Finding finding{.check = "open files", .detail = "limit " + std::to_string(limit)};
  if (limit < kFilesWanted) {
    finding.verdict = limit < kFilesNeeded ? Verdict::kProblem : Verdict::kWarning;
    finding.fix = "ulimit -n " + std::to_string(kFilesWanted) +
                  ", or LimitNOFILE= of its unit: 10000 clients need that many";
  }
  return finding;
}

}  // namespace

Machine ReadMachine(vfs::FileSystem& fs, base::Clock& clock) {
  Machine machine;
  machine.kernel = ReadWord(fs, "/proc/sys/kernel/osrelease");
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) machine.open_files = limit.rlim_cur;
  machine.memory_bytes = TotalMemory(fs);
  machine.cgroup_bytes = CgroupLimit(fs);
  const auto modes = fs.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled", kFileBytes);
  if (modes.ok() && modes->find('[') != std::string::npos) {
    const size_t begin = modes->find('[') + 1;
    machine.huge_pages = modes->substr(begin, modes->find(']') - begin);
  }
  machine.wall_ms = clock.WallMillis();
  return machine;
}

std::vector<Finding> CheckMachine(const Machine& machine) {
  std::vector<Finding> findings;
  findings.push_back({.check = "kernel", .detail = "Linux " + machine.kernel});
  findings.push_back({.check = "clock", .detail = DateOf(machine.wall_ms)});
  if (machine.wall_ms < kYear2024Ms) {
    findings.back().verdict = Verdict::kProblem;
    findings.back().fix = "set the clock (timedatectl): keys expire by it";
  }
  findings.push_back(CheckOpenFiles(machine.open_files));
  findings.push_back(CheckMemory(machine));
  findings.push_back({.check = "huge pages",
                      .detail = machine.huge_pages.empty() ? "unknown" : machine.huge_pages});
  if (machine.huge_pages == "never") {
    findings.back().verdict = Verdict::kWarning;
    findings.back().fix =
        "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled: commands take less time";
  }
  return findings;
}

Finding JudgeSyncs(std::vector<uint64_t> micros) {
  Finding finding{.check = "disk sync", .detail = "not measured"};
  if (micros.empty()) return finding;
  std::sort(micros.begin(), micros.end());
  const double p50 = static_cast<double>(micros[micros.size() / 2]) / 1e3;
  const double p99 = static_cast<double>(micros[micros.size() * 99 / 100]) / 1e3;
  char text[96];
  std::snprintf(text, sizeof text, "median %.2f ms, p99 %.2f ms over %zu syncs", p50, p99,
                micros.size());
  finding.detail = text;
  if (p99 > 10) {
    finding.verdict = p99 > 1000 ? Verdict::kProblem : Verdict::kWarning;
    finding.fix =
        "use a local SSD for the directory: with --sync always each write waits that long";
  }
  return finding;
}

Finding JudgeFreeSpace(uint64_t bytes) {
  Finding finding{.check = "free disk", .detail = Rounded(bytes)};
  if (bytes < kGiB) {
    finding.verdict = bytes < 256 * kMiB ? Verdict::kProblem : Verdict::kWarning;
    finding.fix = "free space: log, memtables and compaction need some hundred MiB at a time";
  }
  return finding;
}

Finding JudgeCertificate(const std::string& path, const Result<double>& days) {
  constexpr double kSoonDays = 30;
  Finding finding{.check = "TLS"};
  if (!days.ok()) {
    finding.verdict = Verdict::kProblem;
    finding.detail = std::string(days.status().message());
    finding.fix = std::string(days.status().hint());
    finding.exit_code = ExitCodeFor(days.status());
    return finding;
  }
  finding.detail = path + " expires in " + std::to_string(static_cast<int64_t>(*days)) + " days";
  if (*days < kSoonDays) {
    finding.verdict = Verdict::kWarning;
    finding.fix = "renew it; a running server takes the new files within a second";
  }
  return finding;
}

Finding JudgeSecrets(const std::vector<std::string>& secrets,
                     const std::vector<std::string>& exposed) {
  if (exposed.empty()) {
    return {.check = "secrets",
            .detail = std::to_string(secrets.size()) + " files, for their owner only"};
  }
  std::string names;
  for (const std::string& path : exposed) names += (names.empty() ? "" : " ") + path;
  return {.check = "secrets",
          .verdict = Verdict::kProblem,
          .detail = "the gateway refuses what others may use: " + names,
          .fix = "chmod 600 " + names};
}

Finding JudgeGateway(const std::string& address, const Result<std::string>& answer, bool expected) {
  Finding finding{.check = "gateway", .detail = address, .exit_code = kExitUnavailable};
  if (!answer.ok()) {
    if (!expected) {
      finding.detail = "nothing listens on " + address;
      return finding;
    }
    finding.verdict = Verdict::kProblem;
    finding.detail = std::string(answer.status().message());
    finding.fix =
        "start it: nokv-redis --addr " + address + " --workdir DIR; or name another --addr";
  } else if (*answer == "+PONG") {
    finding.detail += " answers PING";
  } else if (answer->starts_with("-NOAUTH")) {
    finding.detail += " answers, and wants a password";
  } else if (answer->starts_with("-LOADING")) {
    finding.verdict = Verdict::kWarning;
    finding.detail += " is loading";
    finding.fix = "wait: its keys are being counted";
  } else {
    finding.verdict = expected ? Verdict::kProblem : Verdict::kWarning;
    finding.detail += " answers PING with " + Quoted(*answer);
    finding.fix = "another server has this port: choose a different --addr";
  }
  return finding;
}

}  // namespace nokv::cli
