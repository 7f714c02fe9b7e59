#include "cli/file_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace nokv::cli {

namespace {

// For tables, log segments and pages of metrics; of a small limit a quarter.
constexpr uint64_t kReservedFiles = 1024;

}  // namespace

uint64_t ClientsWithin(uint64_t open_files) {
  return std::max<uint64_t>(open_files - std::min(open_files / 4, kReservedFiles), 1);
}

uint64_t MakeRoomForClients(uint64_t clients, base::Logger& logger) {
  rlimit limit = {};
  const uint64_t wanted = clients + kReservedFiles;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return clients;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  raised.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);  // root may
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return clients;
  const std::string why = std::strerror(errno);
  raised = limit;
  raised.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  const uint64_t possible = std::min(clients, ClientsWithin(limit.rlim_cur));
  logger.Warning("maxclients is lowered from " + std::to_string(clients) + " to " +
                 std::to_string(possible) + ": that many need " + std::to_string(wanted) +
                 " open files, the limit is " + std::to_string(limit.rlim_cur) +
                 " and cannot be raised (" + why +
                 "); raise 'ulimit -Hn', or LimitNOFILE= of the unit");
  return possible;
}

}  // namespace nokv::cli
