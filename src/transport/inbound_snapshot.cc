// How a snapshot of another node is taken.
#include <optional>
#include <utility>
#include <variant>

#include "base/crc32c.h"
#include "base/macros.h"
#include "transport/inbound.h"

namespace nokv::transport {
namespace {

std::string Bytes(size_t size) {
  return std::to_string(size) + " bytes";
}

}  // namespace

// One snapshot; its data grow by what has come, not by what was promised. While a part of it is
// written nothing is read.
//
// Thread safety: as of a handler; a task that reads what is kept goes on with it in its own thread.
class Inbound::SnapshotHandler final : public rpc::CallHandler,
                                       public std::enable_shared_from_this<SnapshotHandler> {
 public:
  SnapshotHandler(std::shared_ptr<Inbound> inbound, std::weak_ptr<rpc::Call> call, bool resumes)
      : inbound_(std::move(inbound)), call_(std::move(call)), resumes_(resumes) {}

  void OnMessage(rpc::Call& call, std::string bytes) override {
    {
      const base::MutexLock lock(mu_);
      if (over_) return;
    }
    EndUnless(Take(call, bytes), call);
  }
  void OnPeerEnded(rpc::Call& call) override {
    {
      const base::MutexLock lock(mu_);
      if (over_) return;
    }
    EndUnless(Refused(call, Refuse::kChunk, "the snapshot ends too early"), call);
  }
  void OnDone(rpc::Call& call, const Status& status) override {
    if (counted_) inbound_->EndSnapshot();
    if (status.code() == StatusCode::kResourceExhausted) {
      static_cast<void>(Refused(call, Refuse::kTooLong, std::string(status.message())));
    }
    KeepRest();
  }

 private:
  const TransportOptions& options() const { return inbound_->core_->options; }
  PartialSnapshots* partials() const { return inbound_->core_->partials.get(); }
  Status Refused(rpc::Call& call, Refuse why, const std::string& what) {
    return inbound_->core_->metrics.Refused(why, call.peer(), what);
  }
  void EndUnless(const Status& status, rpc::Call& call) EXCLUDES(mu_) {
    if (status.ok()) return;
    {
      const base::MutexLock lock(mu_);
      over_ = true;
    }
    call.End(status);
  }

  Status Take(rpc::Call& call, std::string_view bytes) {
    if (bytes.size() > options().snapshot_chunk_bytes + kMaxMembers * 64) {
      return Refused(call, Refuse::kTooLong, "a chunk of " + Bytes(bytes.size()));
    }
    auto request = DecodeSnapshotRequest(bytes);
    if (!request.ok()) {
      return Refused(call, Refuse::kMalformed, std::string(request.status().message()));
    }
    if (const Hello* hello = std::get_if<Hello>(&*request)) {
      if (from_.has_value()) return Refused(call, Refuse::kMalformed, "it says hello twice");
      RETURN_IF_ERROR(inbound_->Check(*hello, call.peer()));
      RETURN_IF_ERROR(inbound_->Judge(*hello, call.peer()));
      from_ = hello->from;
      return Status::Ok();
    }
    if (!from_.has_value()) return Refused(call, Refuse::kMalformed, "it does not say hello");
    if (auto* header = std::get_if<SnapshotHeader>(&*request)) {
      return TakeHeader(call, std::move(*header));
    }
    return TakeChunk(call, std::get<SnapshotChunk>(*request));
  }

  Status TakeHeader(rpc::Call& call, SnapshotHeader header) {
    if (header_.has_value()) return Refused(call, Refuse::kMalformed, "a second snapshot");
    if (header.size_bytes > options().max_snapshot_bytes) {
      return Refused(call, Refuse::kTooLong, "a snapshot of " + Bytes(header.size_bytes));
    }
    if (!inbound_->BeginSnapshot()) {
      return Refused(call, Refuse::kBusy, "too many snapshots at a time");
    }
    counted_ = true;
    header_ = std::move(header);
    if (!resumes_ || partials() == nullptr) return GoOn(call);
    partials()->Take(IdentityOf(*header_),
                     [weak = weak_from_this()](PartialSnapshots::Claim claim, std::string data) {
                       if (const auto self = weak.lock()) self->Claimed(claim, std::move(data));
                     });
    return Status::Ok();
  }

  void Claimed(PartialSnapshots::Claim claim, std::string data) EXCLUDES(mu_) {
    const std::shared_ptr<rpc::Call> call = call_.lock();
    {
      const base::MutexLock lock(mu_);
      if (over_ || call == nullptr) return;
      claim_ = claim;
      data_ = std::move(data);
      saved_ = data_.size();
    }
    EndUnless(GoOn(*call), *call);
  }

  // Says what is wanted.
  Status GoOn(rpc::Call& call) EXCLUDES(mu_) {
    size_t offset = 0;
    {
      const base::MutexLock lock(mu_);
      wanted_ = true;
      offset = data_.size();
    }
    if (offset > 0) {
      inbound_->core_->metrics.snapshots_resumed.Add();
      inbound_->core_->metrics.snapshot_bytes_kept.Add(offset);
    }
    if (resumes_) call.Send(EncodeSnapshotProgress({.offset = offset}));
    return offset == header_->size_bytes ? Finish(call) : Status::Ok();
  }

  Status TakeChunk(rpc::Call& call, const SnapshotChunk& chunk) EXCLUDES(mu_) {
    if (!header_.has_value()) return Refused(call, Refuse::kChunk, "a chunk of no snapshot");
    std::string wrong;
    std::string part;
    size_t offset = 0;
    PartialSnapshots::Claim claim = 0;
    {
      const base::MutexLock lock(mu_);
      if (over_) return Status::Ok();
      wrong = WhatIsWrong(chunk);
      if (wrong.empty()) {
        data_ += chunk.data;
        if (data_.size() < header_->size_bytes) {
          if (claim_ == 0 || data_.size() - saved_ < options().snapshot_part_bytes) {
            return Status::Ok();
          }
          claim = claim_;
          offset = std::exchange(saved_, data_.size());
          part = data_.substr(offset);
        }
      }
    }
    if (!wrong.empty()) return Refused(call, Refuse::kChunk, wrong);
    if (part.empty()) return Finish(call);
    call.SetReading(false);
    partials()->Save(claim, offset, std::move(part), [weak = call_] {
      if (const auto same = weak.lock()) same->SetReading(true);
    });
    return Status::Ok();
  }

  std::string WhatIsWrong(const SnapshotChunk& chunk) const REQUIRES(mu_) {
    if (!wanted_) return "a chunk before it was said which one is wanted";
    const size_t left = header_->size_bytes - data_.size();
    if (chunk.offset != data_.size()) {
      return "a chunk at " + std::to_string(chunk.offset) + " where " +
             std::to_string(data_.size()) + " comes next";
    }
    if (chunk.data.empty() || chunk.data.size() > left) {
      return "a chunk of " + Bytes(chunk.data.size()) + ", and " + Bytes(left) + " are left";
    }
    if (base::Crc32c(chunk.data) == chunk.crc32c) return "";
    return "the checksum of the chunk at " + std::to_string(chunk.offset) + " is wrong";
  }

  Status Finish(rpc::Call& call) EXCLUDES(mu_) {
    std::string data;
    PartialSnapshots::Claim claim = 0;
    {
      const base::MutexLock lock(mu_);
      over_ = whole_ = true;
      data = std::move(data_);
      claim = claim_;
    }
    if (claim != 0) partials()->Drop(claim);
    if (base::Crc32c(data) != header_->crc32c) {
      return Refused(call, Refuse::kChunk, "the checksum of the snapshot is wrong");
    }
    if (!inbound_->Takes(*from_)) return Status::PermissionDenied("the node was removed");
    raft::Message& message = header_->message.message;
    auto snapshot = std::make_shared<raft::Snapshot>(*message.snapshot);
    snapshot->data = raft::Payload(std::move(data));
    message.snapshot = std::move(snapshot);
    inbound_->core_->metrics.snapshots_received.Add();
    Batch batch;
    batch.push_back(std::move(header_->message));
    inbound_->core_->receiver.Receive(*from_, std::move(batch));
    // A SnapshotResponse has no fields.
    call.Send(resumes_ ? EncodeSnapshotProgress({.offset = header_->size_bytes, .taken = true})
                       : "");
    call.End(Status::Ok());
    return Status::Ok();
  }

  // The call is over: what has come and is not written yet.
  void KeepRest() EXCLUDES(mu_) {
    std::string rest;
    size_t offset = 0;
    PartialSnapshots::Claim claim = 0;
    {
      const base::MutexLock lock(mu_);
      over_ = true;
      claim = claim_;
      if (claim_ == 0 || whole_ || data_.size() == saved_) return;
      offset = saved_;
      rest = data_.substr(offset);
      data_.clear();
    }
    partials()->Save(claim, offset, std::move(rest), [] {});
  }

  const std::shared_ptr<Inbound> inbound_;
  const std::weak_ptr<rpc::Call> call_;
  const bool resumes_;
  std::optional<NodeId> from_;
  std::optional<SnapshotHeader> header_;
  bool counted_ = false;
  mutable base::Mutex mu_;
  PartialSnapshots::Claim claim_ GUARDED_BY(mu_) = 0;  // 0: nothing is kept of it
  bool wanted_ GUARDED_BY(mu_) = false;                // the first chunk was asked for
  std::string data_ GUARDED_BY(mu_);
  size_t saved_ GUARDED_BY(mu_) = 0;  // of them
  bool whole_ GUARDED_BY(mu_) = false;
  bool over_ GUARDED_BY(mu_) = false;  // what comes is let be
};

std::shared_ptr<rpc::CallHandler> Inbound::TakeSnapshot(const std::shared_ptr<rpc::Call>& call,
                                                        bool resumes) {
  return std::make_shared<SnapshotHandler>(shared_from_this(), call, resumes);
}

}  // namespace nokv::transport
