#include "rpc/grpc/client_call.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "rpc/grpc/bytes.h"

namespace nokv::rpc::grpc {

std::shared_ptr<ClientCall> ClientCall::Open(const std::shared_ptr<::grpc::Channel>& channel,
                                             const std::string& method, const CallOptions& options,
                                             const CallLimits& limits, const Executor& executor,
                                             std::shared_ptr<CallHandler> handler, std::string peer,
                                             const std::shared_ptr<LiveCalls>& live) {
  std::shared_ptr<ClientCall> call(new ClientCall(limits, executor, std::move(peer)));
  call->self_ = call;
  call->live_ = live;
  live->Add(call);
  if (options.deadline_ms > 0) {
    const auto span = static_cast<int64_t>(std::min<uint64_t>(options.deadline_ms, INT64_MAX / 2));
    call->context_.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(span, GPR_TIMESPAN)));
  }
  ::grpc::TemplatedGenericStub<::grpc::ByteBuffer, ::grpc::ByteBuffer> stub(channel);
  stub.PrepareBidiStreamingCall(&call->context_, method, {}, call.get());
  // Writes and reads start from any thread until NothingMoreStarts.
  call->AddHold();
  call->StartCall();
  call->Start(std::move(handler));
  return call;
}

void ClientCall::StartWrite(std::string message, bool more) {
  writing_ = ToBuffer(std::move(message));
  ::grpc::WriteOptions options;
  if (more) options.set_buffer_hint();
  ClientBidiReactor::StartWrite(&writing_, options);
}

void ClientCall::StartRead() {
  ClientBidiReactor::StartRead(&reading_);
}

void ClientCall::StartEnd(const Status& /*status*/) {
  StartWritesDone();
}

void ClientCall::OnReadDone(bool ok) {
  if (!ok) return PeerEnded();
  Arrived(FromBuffer(reading_));
}

void ClientCall::OnDone(const ::grpc::Status& status) {
  const std::shared_ptr<CallEnd> self = std::move(self_);
  Done(FromGrpc(status));
  live_->Remove(this);
}

}  // namespace nokv::rpc::grpc
