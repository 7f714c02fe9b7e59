#include "raftstore/localmeta/catalog.h"

#include "base/coding.h"
#include "base/framed.h"
#include "base/macros.h"

namespace nokv::raftstore {

namespace {

constexpr std::string_view kMagic = "nokvreg1";
constexpr uint32_t kFormat = 1;
constexpr uint64_t kMaxBytes = uint64_t{256} << 20;
constexpr std::string_view kStates[] = {"new", "running", "removing", "tombstone"};

Status WithWayOut(const Status& status) {
  if (!status.IsCorruption()) return status;
  return status.WithHint("restore the file from a copy of the directory").WithErrorNumber(1309);
}

Status Damaged(const std::string& path, const std::string& what) {
  return WithWayOut(base::FrameDamage(path, what));
}

}  // namespace

std::string_view NameOf(ReplicaState state) {
  return kStates[static_cast<size_t>(state)];
}

std::optional<ReplicaState> ParseReplicaState(std::string_view name) {
  for (size_t i = 0; i < std::size(kStates); i++) {
    if (kStates[i] == name) return static_cast<ReplicaState>(i);
  }
  return std::nullopt;
}

std::string EncodeCatalog(const Catalog& catalog) {
  std::string body;
  base::PutVarint64(&body, catalog.size());
  for (const auto& [id, replica] : catalog) {
    base::PutVarint64(&body, static_cast<uint64_t>(replica.state));
    topology::EncodeRegion(replica.region, &body);
  }
  return base::EncodeFramed(kMagic, kFormat, body);
}

Result<Catalog> DecodeCatalog(std::string_view bytes, const std::string& path) {
  const Result<std::string_view> body = base::DecodeFramed(bytes, kMagic, kFormat, path);
  if (!body.ok()) return WithWayOut(body.status());
  std::string_view in = *body;
  uint64_t count = 0;
  if (!base::GetVarint64(&in, &count)) return Damaged(path, "has no regions and no number of them");
  Catalog catalog;
  for (uint64_t i = 0; i < count; i++) {
    const std::string place = "region " + std::to_string(i + 1) + " of " + std::to_string(count) +
                              " at offset " +
                              std::to_string(static_cast<size_t>(in.data() - bytes.data()));
    Replica replica;
    uint64_t state = 0;
    if (!base::GetVarint64(&in, &state) || state >= std::size(kStates) ||
        !topology::DecodeRegion(&in, &replica.region)) {
      return Damaged(path, place + " cannot be read");
    }
    replica.state = static_cast<ReplicaState>(state);
    if (!catalog.empty() && catalog.rbegin()->first >= replica.region.id) {
      return Damaged(path, place + " is out of order");
    }
    catalog.emplace_hint(catalog.end(), replica.region.id, std::move(replica));
  }
  if (!in.empty()) return Damaged(path, "has bytes behind the last region");
  return catalog;
}

Result<Catalog> ReadCatalog(vfs::FileSystem& fs, const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, kCatalogName);
  const Result<std::string> bytes = fs.ReadFile(path, kMaxBytes);
  if (bytes.status().IsNotFound()) return Catalog();
  if (!bytes.ok()) return bytes.status();
  return DecodeCatalog(*bytes, path);
}

Status WriteCatalog(vfs::FileSystem& fs, const std::string& dir, const Catalog& catalog) {
  const std::string bytes = EncodeCatalog(catalog);
  if (bytes.size() > kMaxBytes) {
    return Status::ResourceExhausted(dir + ": a catalog of " + std::to_string(bytes.size()) +
                                     " bytes is longer than any may be");
  }
  return vfs::WriteFileAtomically(fs, vfs::JoinPath(dir, kCatalogName), bytes);
}

}  // namespace nokv::raftstore
