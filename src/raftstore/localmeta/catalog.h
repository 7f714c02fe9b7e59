// Catalog: which regions a store's directory hosts, so that a restart finds its peers without
// asking anybody. It mirrors what raft has applied and owns no truth: a range that the cluster has
// changed since is learned from the raft log and the metadata root.
//
// The file REGIONS holds all of it (docs/formats/regions.md) and is replaced as a whole.
//
// Thread safety: thread-compatible values and pure functions, but for the files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "topology/region.h"
#include "vfs/vfs.h"

namespace nokv::raftstore {

inline constexpr const char* kCatalogName = "REGIONS";

// Where a peer is in its life. The numbers are on disk.
enum class ReplicaState : uint8_t {
  kNew = 0,        // it is to begin
  kRunning = 1,    // it takes part
  kRemoving = 2,   // its data is being removed
  kTombstone = 3,  // it is gone, and no message may bring it back
};
// "new", "running", "removing" or "tombstone".
std::string_view NameOf(ReplicaState state);
std::optional<ReplicaState> ParseReplicaState(std::string_view name);

struct Replica {
  topology::Region region;
  ReplicaState state = ReplicaState::kRunning;
  bool operator==(const Replica&) const = default;
};

using Catalog = std::map<topology::RegionId, Replica>;

std::string EncodeCatalog(const Catalog& catalog);
// Takes any bytes. kDataLoss (E1309) for what EncodeCatalog does not write, kUnimplemented (E1305)
// for a newer format; they name `path`.
Result<Catalog> DecodeCatalog(std::string_view bytes, const std::string& path);

// An empty one, if the directory has none. Errors as DecodeCatalog, or of the file system.
Result<Catalog> ReadCatalog(vfs::FileSystem& fs, const std::string& dir);
// Replaces what there is. Durable on return. For whoever holds the directory's LOCK.
Status WriteCatalog(vfs::FileSystem& fs, const std::string& dir, const Catalog& catalog);

}  // namespace nokv::raftstore
