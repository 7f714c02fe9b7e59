#include "base/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

// Of jemalloc, in programs that are linked with it.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace nokv::base {

namespace {

uint64_t Micros(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

uint64_t ReadAllocated() {
  if (mallctl == nullptr) return 0;
  uint64_t epoch = 1;  // makes jemalloc add up what its threads have counted
  size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
  size_t allocated = 0;
  size = sizeof allocated;
  return mallctl("stats.allocated", &allocated, &size, nullptr, 0) == 0 ? allocated : 0;
}

uint64_t ReadResident() {
  // lint: allow(file) what the kernel says, no data
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128] = {};
  // lint: allow(file) as above
  const ssize_t length = ::read(file, text, sizeof text - 1);
  ::close(file);
  const char* second = length > 0 ? std::strchr(text, ' ') : nullptr;
  if (second == nullptr) return 0;
  return std::strtoull(second, nullptr, 10) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  usage.id = static_cast<uint64_t>(::getpid());
  usage.allocated_bytes = ReadAllocated();
  usage.resident_bytes = ReadResident();
  rusage own{};
  if (::getrusage(RUSAGE_SELF, &own) == 0) {
    // The kernel counts the two at different times.
    usage.peak_resident_bytes =
        std::max(static_cast<uint64_t>(own.ru_maxrss) * 1024, usage.resident_bytes);
    usage.user_us = Micros(own.ru_utime);
    usage.system_us = Micros(own.ru_stime);
  }
  if (::getrusage(RUSAGE_THREAD, &own) == 0) {
    usage.thread_user_us = Micros(own.ru_utime);
    usage.thread_system_us = Micros(own.ru_stime);
  }
  struct sysinfo machine{};
  if (::sysinfo(&machine) == 0) {
    usage.machine_bytes = static_cast<uint64_t>(machine.totalram) * machine.mem_unit;
  }
  return usage;
}

void ReturnFreedMemory() {
  // 4096: all arenas.
  if (mallctl != nullptr) mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

}  // namespace nokv::base
