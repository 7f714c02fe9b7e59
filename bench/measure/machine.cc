#include "bench/measure/machine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "base/process.h"

namespace nokv::bench {

namespace {

constexpr uint64_t kSectorBytes = 512;

// The number after `name` in a file of the kernel with lines "name: 123 kB"; 0 if there is none.
uint64_t NamedNumber(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    uint64_t number = 0;
    if (word == name && file >> number) return number;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

uint64_t MachineCpuMicros() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  uint64_t user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft_irq = 0;
  file >> cpu >> user >> nice >> system >> idle >> waiting >> irq >> soft_irq;
  const auto ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return (user + nice + system + irq + soft_irq) * 1'000'000 / ticks;
}

std::optional<uint64_t> DiskWritten(const std::string& directory) {
  struct stat info{};
  if (stat(directory.c_str(), &info) != 0) return std::nullopt;
  std::ifstream file("/sys/dev/block/" + std::to_string(major(info.st_dev)) + ":" +
                     std::to_string(minor(info.st_dev)) + "/stat");
  // Reads done, merged, sectors, milliseconds; writes done, merged, sectors, …
  std::vector<uint64_t> fields;
  for (uint64_t field = 0; file >> field;) fields.push_back(field);
  if (fields.size() < 7) return std::nullopt;
  return fields[6] * kSectorBytes;
}

}  // namespace

Counters ReadCounters(const std::string& directory) {
  const base::ProcessUsage usage = base::ReadProcessUsage();
  Counters counters;
  counters.wall_us = base::SystemClock().MonotonicMicros();
  counters.process_cpu_us = usage.user_us + usage.system_us;
  counters.machine_cpu_us = MachineCpuMicros();
  counters.process_written = NamedNumber("/proc/self/io", "write_bytes:");
  counters.disk_written = DiskWritten(directory);
  return counters;
}

Counters Counters::Since(const Counters& before) const {
  Counters spent;
  spent.wall_us = wall_us - before.wall_us;
  spent.process_cpu_us = process_cpu_us - before.process_cpu_us;
  spent.machine_cpu_us = machine_cpu_us - before.machine_cpu_us;
  spent.process_written = process_written - before.process_written;
  if (disk_written && before.disk_written)
    spent.disk_written = *disk_written - *before.disk_written;
  return spent;
}

double Counters::ForeignCores() const {
  // The two are counted in units of different length.
  const uint64_t foreign = machine_cpu_us - std::min(machine_cpu_us, process_cpu_us);
  return wall_us == 0 ? 0 : static_cast<double>(foreign) / static_cast<double>(wall_us);
}

Status SyncFileSystem(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Status::IoError("open " + directory, errno);
  const int result = syncfs(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? Status::Ok()
                     : Status::IoError("sync the file system of " + directory, error);
}

uint64_t AnonymousBytes() {
  return NamedNumber("/proc/self/status", "RssAnon:") * 1024;
}

uint64_t SpaceBytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    struct stat info{};
    if (stat(entry->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      bytes += static_cast<uint64_t>(info.st_blocks) * kSectorBytes;
    }
  }
  return bytes;
}

}  // namespace nokv::bench
