// GatewayStats: what the gateway has done since it started, for INFO and /debug/vars.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace nokv::redis {

struct GatewayStats {
  uint64_t commands_total = 0;
  uint64_t errors_total = 0;
  uint64_t connections_active = 0;
  uint64_t connections_accepted = 0;
  uint64_t connections_rejected = 0;
  uint64_t connections_evicted = 0;  // they held too much memory
  uint64_t keyspace_hits = 0;
  uint64_t keyspace_misses = 0;
  uint64_t expired_keys = 0;
  // Connections that were closed because too much output waited for them.
  uint64_t slow_readers = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  // Calls by command name; commands that were never called are left out.
  std::map<std::string, uint64_t> commands_per_operation;
  // Those of them that were answered with an error, likewise.
  std::map<std::string, uint64_t> errors_per_operation;
};

}  // namespace nokv::redis
