// ClientCall: the client's end of a call over gRPC. Private to rpc/grpc.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>

#include "rpc/call_end.h"
#include "rpc/grpc/live_calls.h"

namespace nokv::rpc::grpc {

// Lives until gRPC is done with it and nobody holds it. Thread safety: thread-safe.
class ClientCall final : public CallEnd,
                         private ::grpc::ClientBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  static std::shared_ptr<ClientCall> Open(const std::shared_ptr<::grpc::Channel>& channel,
                                          const std::string& method, const CallOptions& options,
                                          const CallLimits& limits, const Executor& executor,
                                          std::shared_ptr<CallHandler> handler, std::string peer,
                                          const std::shared_ptr<LiveCalls>& live);

  std::string peer() const override { return peer_; }

 private:
  ClientCall(const CallLimits& limits, const Executor& executor, std::string peer)
      : CallEnd(Side::kClient, limits, executor), peer_(std::move(peer)) {}

  void StartWrite(std::string message, bool more) override;
  void StartRead() override;
  void StartEnd(const Status& status) override;
  void StartCancel() override { context_.TryCancel(); }
  void NothingMoreStarts() override { RemoveHold(); }

  void OnWriteDone(bool ok) override { Written(ok); }
  void OnWritesDoneDone(bool ok) override { Written(ok); }
  void OnReadDone(bool ok) override;
  void OnDone(const ::grpc::Status& status) override;

  const std::string peer_;
  ::grpc::ClientContext context_;
  ::grpc::ByteBuffer writing_;
  ::grpc::ByteBuffer reading_;
  std::shared_ptr<LiveCalls> live_;
  std::shared_ptr<CallEnd> self_;  // while gRPC uses this
};

}  // namespace nokv::rpc::grpc
