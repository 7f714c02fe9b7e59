#include "raftstore/localmeta/catalog.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/macros.h"

namespace nokv::raftstore {

namespace {

constexpr std::string_view kMagic = "nokvreg1";
constexpr uint32_t kFormat = 1;
constexpr size_t kHeaderBytes = kMagic.size() + 4 + 8;  // magic, format, length of the body
constexpr size_t kChecksumBytes = 4;
constexpr uint64_t kMaxBytes = uint64_t{256} << 20;
constexpr std::string_view kStates[] = {"new", "running", "removing", "tombstone"};

Status Damaged(const std::string& path, const std::string& what) {
  return Status::Corruption(path + ": " + what + "; nothing was changed")
      .WithHint("restore the file from a copy of the directory")
      .WithErrorNumber(1309);
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
  std::string bytes(kMagic);
  base::PutFixed32(&bytes, kFormat);
  base::PutFixed64(&bytes, body.size());
  bytes += body;
  base::PutFixed32(&bytes, base::MaskCrc(base::Crc32c(bytes)));
  return bytes;
}

Result<Catalog> DecodeCatalog(std::string_view bytes, const std::string& path) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return Damaged(path, "is no catalog of regions");
  }
  const uint32_t format = base::LoadFixed32(bytes.data() + kMagic.size());
  if (format != kFormat) {
    return Status::Unimplemented(path + ": has format " + std::to_string(format) +
                                 "; this version knows " + std::to_string(kFormat))
        .WithHint("use the version that wrote it, or a later one")
        .WithErrorNumber(1305);
  }
  const uint64_t length = base::LoadFixed64(bytes.data() + kMagic.size() + 4);
  if (bytes.size() < kHeaderBytes + kChecksumBytes ||
      length != bytes.size() - kHeaderBytes - kChecksumBytes) {
    return Damaged(path, "has " + std::to_string(bytes.size()) + " bytes, not as many as it says");
  }
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  const uint32_t stored = base::UnmaskCrc(base::LoadFixed32(checked.data() + checked.size()));
  if (stored != base::Crc32c(checked)) return Damaged(path, "checksum mismatch");

  std::string_view in = checked.substr(kHeaderBytes);
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
