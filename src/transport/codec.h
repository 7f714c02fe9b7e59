// Messages of raft groups to bytes, as proto/nokv/raft/v1/raft.proto has them, and back.
//
// Whatever is read comes from outside: every field is checked before anything of it is used, and
// the number of parts is counted before memory is spent on them. What raft itself can tell (terms,
// membership, gaps) raft::CheckMessage refuses later.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nokv/status.h"
#include "transport/group_message.h"

namespace nokv::transport {

inline constexpr uint32_t kProtocolVersion = 1;
// Of one request; what is sent keeps to them.
inline constexpr size_t kMaxBatchMessages = 16'384;
inline constexpr size_t kMaxBatchEntries = 262'144;
inline constexpr size_t kMaxContextBytes = 4096;
inline constexpr size_t kMaxMembers = 1024;
inline constexpr size_t kMaxRefusalBytes = 1024;  // a longer one is cut

struct Hello {
  uint32_t protocol = kProtocolVersion;
  uint64_t cluster = 0;
  NodeId from = 0;
  NodeId to = 0;
  std::string greeting = {};
};

using Batch = std::vector<GroupMessage>;

// A request of a Messages call.
std::string EncodeHello(const Hello& hello);
std::string EncodeBatch(const Batch& batch);
// kInvalidArgument with what is wrong.
Result<std::variant<Hello, Batch>> DecodeMessagesRequest(std::string_view bytes);
// The answer to a Hello.
struct Welcome {
  std::string greeting = {};
  std::string refusal = {};  // empty: it is welcome
  bool later = false;        // it may come again soon
};
std::string EncodeWelcome(const Welcome& welcome);
// kInvalidArgument with what is wrong.
Result<Welcome> DecodeWelcome(std::string_view bytes);

// What is told of a snapshot before its data come.
struct SnapshotHeader {
  GroupMessage message;  // kSnap; its snapshot without data
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
};
struct SnapshotChunk {
  uint64_t offset = 0;
  uint32_t crc32c = 0;
  std::string data;
};

// A request of a Snapshot or ResumeSnapshot call.
std::string EncodeSnapshotHello(const Hello& hello);
std::string EncodeSnapshotHeader(const SnapshotHeader& header);
std::string EncodeSnapshotChunk(uint64_t offset, std::string_view data);
// kInvalidArgument with what is wrong.
Result<std::variant<Hello, SnapshotHeader, SnapshotChunk>> DecodeSnapshotRequest(
    std::string_view bytes);

// What the receiver of a ResumeSnapshot call says: first from where on the data are wanted, then
// that all of it is there.
struct SnapshotProgress {
  uint64_t offset = 0;
  bool taken = false;
};
std::string EncodeSnapshotProgress(const SnapshotProgress& progress);
// kInvalidArgument with what is wrong.
Result<SnapshotProgress> DecodeSnapshotProgress(std::string_view bytes);

}  // namespace nokv::transport
