// The statistics as JSON: the document of `nokv stats --json` and of "NoKV.Stats" in /debug/vars.
//
// Keys and nesting are an interface (docs/cli.md): keys may be added, none renamed or removed. Keys
// of parts that this version does not have (value log, regions, raft, transport, hot keys) are
// there with zeros, so that what reads them keeps working.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/stats.h"
#include "nokv/status.h"

namespace nokv::console {

// What the Redis gateway counts, since its start.
struct GatewayStats {
  uint64_t commands_total = 0;
  uint64_t errors_total = 0;
  int64_t connections_active = 0;
  uint64_t connections_accepted = 0;
  uint64_t connections_rejected = 0;
  uint64_t keyspace_hits = 0;
  uint64_t keyspace_misses = 0;
  uint64_t expired_keys = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  // By command name in lower case; errors are those of the commands that failed.
  std::map<std::string, uint64_t> commands_per_operation;
  std::map<std::string, uint64_t> errors_per_operation;
};

// What a program was made from.
struct BuildInfo {
  std::string version;
  std::string commit;
  std::string compiler;
  std::string build_type;
  // What it can do that not every build can: compressions, for one.
  std::vector<std::string> features = {};
  // On-disk formats that it writes: name and version.
  std::map<std::string, uint64_t> formats;
};

// All documents are indented by two spaces, without a line break at the end. Bytes that are not
// UTF-8 are replaced.
std::string StatsToJson(const nokv::Stats& stats, const GatewayStats& gateway);
// The document of /debug/vars.
std::string VarsToJson(const nokv::Stats& stats, const GatewayStats& gateway,
                       const std::vector<std::string>& command_line);
std::string ManifestToJson(const nokv::ManifestStats& manifest);
std::string ValueFilesToJson(const nokv::ValueFilesStats& values);
std::string BuildInfoToJson(const BuildInfo& info);

// The snapshot in `document`, which is the answer of /debug/vars or a snapshot itself, indented
// anew. Keys that this version does not know are kept. kInvalidArgument if it is neither.
Result<std::string> ExtractSnapshot(std::string_view document);

}  // namespace nokv::console
