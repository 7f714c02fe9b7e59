#include "transport/snapshot_part.h"

#include <array>
#include <charconv>

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::transport {
namespace {

constexpr std::string_view kMagic = "nokvpart";
constexpr uint32_t kVersion = 1;
constexpr std::string_view kSuffix = ".part";

Status Damaged(const char* what) {
  return Status::Corruption(std::string("a part of a snapshot: ") + what);
}

}  // namespace

SnapshotIdentity IdentityOf(const SnapshotHeader& header) {
  const raft::Message& message = header.message.message;
  return {.group = header.message.group,
          .member = message.to,
          .index = message.snapshot->index,
          .term = message.snapshot->term,
          .size_bytes = header.size_bytes,
          .crc32c = header.crc32c};
}

std::string EncodePart(const SnapshotPart& part) {
  std::string bytes(kMagic);
  base::PutFixed32(&bytes, kVersion);
  base::PutFixed32(&bytes, part.of.crc32c);
  for (const uint64_t field : {part.of.group, part.of.member, part.of.index, part.of.term,
                               part.of.size_bytes, part.offset, uint64_t{part.data.size()}}) {
    base::PutFixed64(&bytes, field);
  }
  base::PutFixed32(&bytes, base::MaskCrc(base::Crc32c(part.data, base::Crc32c(bytes))));
  bytes += part.data;
  return bytes;
}

Result<SnapshotPart> DecodePart(std::string_view bytes) {
  const std::string_view whole = bytes;
  if (bytes.size() < kPartHeaderBytes || !bytes.starts_with(kMagic)) return Damaged("no header");
  bytes.remove_prefix(kMagic.size());
  uint32_t version = 0;
  uint32_t crc = 0;
  SnapshotPart part;
  std::array<uint64_t, 7> fields = {};
  base::GetFixed32(&bytes, &version);
  base::GetFixed32(&bytes, &part.of.crc32c);
  for (uint64_t& field : fields) base::GetFixed64(&bytes, &field);
  base::GetFixed32(&bytes, &crc);
  const std::string_view header = whole.substr(0, kPartHeaderBytes - sizeof(crc));
  if (base::MaskCrc(base::Crc32c(bytes, base::Crc32c(header))) != crc) {
    return Damaged("its checksum is wrong");
  }
  if (version != kVersion) return Damaged("its version is not known here");
  part.of.group = fields[0];
  part.of.member = fields[1];
  part.of.index = fields[2];
  part.of.term = fields[3];
  part.of.size_bytes = fields[4];
  part.offset = fields[5];
  part.data = bytes;
  if (fields[6] != bytes.size() || part.offset > part.of.size_bytes ||
      bytes.size() > part.of.size_bytes - part.offset) {
    return Damaged("it is longer than its snapshot");
  }
  return part;
}

std::string PartName(GroupId group, raft::NodeId member, uint64_t number) {
  return std::to_string(group) + "-" + std::to_string(member) + "-" + std::to_string(number) +
         std::string(kSuffix);
}

bool ParsePartName(std::string_view name, GroupId* group, raft::NodeId* member, uint64_t* number) {
  const char* at = name.data();
  const char* const end = name.data() + name.size();
  for (uint64_t* field : {group, member, number}) {
    if (field != group && (at == end || *at++ != '-')) return false;
    const auto [next, error] = std::from_chars(at, end, *field);
    if (error != std::errc()) return false;
    at = next;
  }
  // Each name has one spelling.
  return name == PartName(*group, *member, *number);
}

}  // namespace nokv::transport
