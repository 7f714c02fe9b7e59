// What the two halves of the codec share: batch_codec.cc has the batches that go between nodes all
// the time, codec.cc everything else.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "raft/types.h"
#include "transport/codec.h"

namespace nokv::transport {

// Indexes and terms are counted on from; no larger one is taken.
inline constexpr uint64_t kLastIndex = std::numeric_limits<uint64_t>::max() / 2;

// The number of a type of message on the wire, and back. 0, nullopt: it never goes there.
int WireTypeOf(raft::MessageType type);
std::optional<raft::MessageType> FromWireType(int type);

// A member, not what raft calls its own storage by.
inline bool IsMember(raft::NodeId id) {
  return id != raft::kNoNode && !raft::IsStorageThread(id);
}

// A request that is a batch as EncodeBatch writes it. Anything else, what must be refused and what
// a later version may send, is nullopt: the parser of protobuf has to judge it.
std::optional<Batch> DecodePlainBatch(std::string_view bytes);

}  // namespace nokv::transport
