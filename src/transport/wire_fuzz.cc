// Hostile bytes through decoding and validation into a raft member.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "raft/memory_storage.h"
#include "raft/raw_node.h"
#include "transport/codec.h"
#include "transport/snapshot_part.h"

namespace nokv::transport {
namespace {

// A member of three that has a few entries.
class Target {
 public:
  Target() {
    raft::Snapshot snapshot;
    snapshot.index = 5;
    snapshot.term = 2;
    snapshot.conf_state.voters = {1, 2, 3};
    NOKV_CHECK(storage_.ApplySnapshot(std::make_shared<const raft::Snapshot>(snapshot)).ok());
    NOKV_CHECK(storage_
                   .Append({{.term = 2, .index = 6, .data = {"a"}},
                            {.term = 3, .index = 7, .data = {"b"}}})
                   .ok());
    storage_.SetHardState({3, raft::kNoNode, 6});
    raft::Config config;
    config.id = 1;
    config.storage = &storage_;
    config.applied = 5;
    config.pre_vote = config.check_quorum = true;
    auto node = raft::RawNode::Open(config);
    NOKV_CHECK(node.ok());
    node_ = std::move(node).value();
    Work();
  }

  void Step(raft::Message message) {
    // A refusal is as good as an answer.
    static_cast<void>(node_->Step(std::move(message)));
    node_->Tick();
    Work();
  }

 private:
  void Work() {
    for (int turns = 0; node_->HasReady() && turns < 100; ++turns) {
      const raft::Ready ready = node_->TakeReady();
      if (ready.snapshot != nullptr && !storage_.ApplySnapshot(ready.snapshot).ok()) return;
      if (!storage_.Append(ready.entries).ok()) return;
      if (!ready.hard_state.empty()) storage_.SetHardState(ready.hard_state);
      for (const raft::Entry& entry : ready.committed_entries) {
        if (!entry.IsConfChange()) continue;
        auto change = raft::DecodeConfChange(entry);
        if (change.ok()) static_cast<void>(node_->ApplyConfChange(*change).ok());
      }
      if (!node_->Advance().ok()) return;
    }
  }

  raft::MemoryStorage storage_;
  std::unique_ptr<raft::RawNode> node_;
};

}  // namespace

void FuzzOne(std::string_view bytes) {
  Target target;
  auto request = DecodeMessagesRequest(bytes);
  if (request.ok()) {
    if (Batch* batch = std::get_if<Batch>(&*request)) {
      // What is taken can be said again.
      NOKV_CHECK(DecodeMessagesRequest(EncodeBatch(*batch)).ok());
      for (GroupMessage& message : *batch) target.Step(std::move(message.message));
    }
  }
  auto progress = DecodeSnapshotProgress(bytes);
  if (progress.ok()) {
    NOKV_CHECK(DecodeSnapshotProgress(EncodeSnapshotProgress(*progress))->offset ==
               progress->offset);
  }
  auto part = DecodePart(bytes);
  if (part.ok()) NOKV_CHECK(EncodePart(*part) == bytes);
  auto snapshot = DecodeSnapshotRequest(bytes);
  if (!snapshot.ok()) return;
  if (auto* header = std::get_if<SnapshotHeader>(&*snapshot)) {
    target.Step(std::move(header->message.message));
  }
}

}  // namespace nokv::transport

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nokv::transport::FuzzOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
