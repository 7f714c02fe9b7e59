#include "sim/replog/wire.h"

#include <memory>
#include <utility>
#include <variant>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "transport/codec.h"

namespace nokv::sim {
namespace {

// As on the stream of a snapshot, in one piece: the header and its length, then the data.
std::string EncodeSnapshot(transport::GroupMessage message) {
  const std::string data(message.message.snapshot->data.view());
  const std::string header = transport::EncodeSnapshotHeader(
      {.message = std::move(message), .size_bytes = data.size(), .crc32c = base::Crc32c(data)});
  std::string bytes(1, 's');
  base::PutVarint64(&bytes, header.size());
  return bytes + header + data;
}

Result<transport::GroupMessage> DecodeSnapshot(std::string_view bytes) {
  uint64_t size = 0;
  if (!base::GetVarint64(&bytes, &size) || size > bytes.size()) {
    return Status::InvalidArgument("a snapshot without a header");
  }
  ASSIGN_OR_RETURN(auto request, transport::DecodeSnapshotRequest(bytes.substr(0, size)));
  auto* header = std::get_if<transport::SnapshotHeader>(&request);
  const std::string_view data = bytes.substr(size);
  if (header == nullptr || header->size_bytes != data.size() ||
      header->crc32c != base::Crc32c(data)) {
    return Status::InvalidArgument("a snapshot that is not what its header says");
  }
  transport::GroupMessage message = std::move(header->message);
  raft::Snapshot snapshot = *message.message.snapshot;
  snapshot.data = raft::Payload(std::string(data));
  message.message.snapshot = std::make_shared<const raft::Snapshot>(std::move(snapshot));
  return message;
}

}  // namespace

std::string EncodeForWire(transport::GroupMessage message) {
  if (message.message.snapshot != nullptr) return EncodeSnapshot(std::move(message));
  transport::Batch batch;
  batch.push_back(std::move(message));
  return "m" + transport::EncodeBatch(batch);
}

Result<transport::GroupMessage> DecodeFromWire(std::string_view bytes) {
  if (bytes.starts_with('s')) return DecodeSnapshot(bytes.substr(1));
  ASSIGN_OR_RETURN(auto request, transport::DecodeMessagesRequest(bytes.substr(1)));
  auto* batch = std::get_if<transport::Batch>(&request);
  if (batch == nullptr || batch->size() != 1) {
    return Status::InvalidArgument("not one message");
  }
  return std::move(batch->front());
}

}  // namespace nokv::sim
