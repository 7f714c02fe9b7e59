// SnapshotPart: a piece of a snapshot that has not come whole yet, as a file that tells which
// snapshot it is of, and where in it the piece lies. docs/formats/snapshot-part.md has the bytes.
// Private to transport.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "transport/codec.h"

namespace nokv::transport {

// Two snapshots with the same one are the same bytes.
struct SnapshotIdentity {
  GroupId group = 0;
  raft::NodeId member = 0;  // to whom it is sent
  raft::LogIndex index = 0;
  raft::Term term = 0;
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;  // of all of it

  bool operator==(const SnapshotIdentity&) const = default;
};

SnapshotIdentity IdentityOf(const SnapshotHeader& header);

struct SnapshotPart {
  SnapshotIdentity of;
  uint64_t offset = 0;
  std::string_view data;
};

// More than the data take in a file.
inline constexpr size_t kPartHeaderBytes = 76;

std::string EncodePart(const SnapshotPart& part);
// With data that are a view of `bytes`. kDataLoss: it is none, or is damaged.
Result<SnapshotPart> DecodePart(std::string_view bytes);

// "3-12-0.part": of group 3 and member 12, the first.
std::string PartName(GroupId group, raft::NodeId member, uint64_t number);
// False if `name` is not one of these.
bool ParsePartName(std::string_view name, GroupId* group, raft::NodeId* member, uint64_t* number);

}  // namespace nokv::transport
