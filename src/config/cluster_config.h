// ClusterConfig: what raft_config.json says of a cluster: where its coordinator and its stores are,
// and the regions that it begins with. After the first start only the addresses count: regions are
// then what the stores and the metadata root say.
//
// The file is one JSON object (docs/cluster-config.md). Keys are text, or "hex:00ff".
//
// Thread safety: thread-compatible values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/json_document.h"
#include "nokv/status.h"
#include "topology/region.h"
#include "vfs/vfs.h"

namespace nokv::config {

// Which addresses and folders count: those of this machine, or those inside containers.
enum class Scope { kHost, kDocker };
// "host", its other name "local", or "docker".
std::optional<Scope> ParseScope(std::string_view name);

struct CoordinatorConfig {
  std::string addr = {};  // HOST:PORT; several with commas between
  std::string docker_addr = {};
  std::string work_dir = {};  // of older versions; nothing uses it
  std::string docker_work_dir = {};
  Place at = {};
};

// Of older versions: the HTTP service for timestamps.
struct TsoConfig {
  std::string listen_addr = {};
  std::string advertise_url = {};
  Place at = {};
};

struct StoreConfig {
  topology::StoreId id = topology::kNoId;
  std::string addr = {};
  std::string listen_addr = {};
  std::string docker_addr = {};
  std::string docker_listen_addr = {};
  std::string work_dir = {};
  std::string docker_work_dir = {};
  Place at = {};
};

struct RegionConfig {
  topology::Region region = {};
  topology::StoreId leader_store = topology::kNoId;  // a hint; zero: none
  Place at = {};
};

struct ClusterConfig {
  uint64_t max_retries = 0;  // of a client; 0: its own default
  std::optional<CoordinatorConfig> coordinator = std::nullopt;
  std::optional<TsoConfig> tso = std::nullopt;
  std::string store_work_dir_template = {};  // "{id}" stands for the store's
  std::string store_docker_work_dir_template = {};
  Place store_work_dir_template_at = {};
  Place store_docker_work_dir_template_at = {};
  std::vector<StoreConfig> stores = {};
  std::vector<RegionConfig> regions = {};
};

// With Scope::kDocker each falls back to the host's value where there is none for containers.
std::string AddrOf(const StoreConfig& store, Scope scope);
// Where it listens; AddrOf, if nothing else is said.
std::string ListenAddrOf(const StoreConfig& store, Scope scope);
// Its own folder, or the template's; empty: neither is given.
std::string WorkDirOf(const ClusterConfig& config, const StoreConfig& store, Scope scope);
std::string AddrOf(const CoordinatorConfig& coordinator, Scope scope);
std::string WorkDirOf(const CoordinatorConfig& coordinator, Scope scope);

// Reads "text" or "hex:00ff"; empty optional: no hexadecimal digits, or half a byte.
std::optional<std::string> ParseKey(std::string_view text);
// What ParseKey reads back: the text itself if it has no blank, no control character, nothing but
// ASCII, and cannot be taken for another notation; else hex:.
std::string FormatKey(std::string_view key);

struct ParsedClusterConfig {
  ClusterConfig config;
  std::vector<Problem> problems;  // with the text itself; Validate has those with what it says
};
// Takes any bytes.
ParsedClusterConfig ParseClusterConfig(std::string_view text);

// What is wrong with a description: ids and addresses that are missing or given twice, regions that
// overlap or leave gaps, peers on stores that there are not. In the order of their places.
std::vector<Problem> Validate(const ClusterConfig& config);

// Reads and validates a file. E2203 with all that is wrong, each with line and column; errors of
// the file system if it cannot be read.
Result<ClusterConfig> LoadFile(vfs::FileSystem& fs, const std::string& path);

}  // namespace nokv::config
