#include "rpc/grpc/bytes.h"

#include <nokv/error/v1/error.pb.h>

#include <memory>
#include <utility>
#include <vector>

namespace nokv::rpc::grpc {
namespace {

void FreeString(void* string) {
  delete static_cast<std::string*>(string);
}

}  // namespace

::grpc::ByteBuffer ToBuffer(std::string message) {
  auto owned = std::make_unique<std::string>(std::move(message));
  char* const data = owned->data();
  const size_t size = owned->size();
  const ::grpc::Slice slice(data, size, FreeString, owned.release());
  return {&slice, 1};
}

std::string FromBuffer(const ::grpc::ByteBuffer& buffer) {
  std::vector<::grpc::Slice> slices;
  std::string message;
  if (!buffer.Dump(&slices).ok()) return message;
  message.reserve(buffer.Length());
  for (const ::grpc::Slice& slice : slices) {
    message.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return message;
}

::grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return {};
  const auto code = static_cast<::grpc::StatusCode>(status.code());
  const std::string message(status.message());
  if (status.hint().empty() && status.error_number() == 0) return {code, message};
  error::v1::ErrorDetail detail;
  detail.set_hint(std::string(status.hint()));
  detail.set_error_number(status.error_number());
  error::v1::RpcStatus all;
  all.set_code(static_cast<int>(code));
  all.set_message(message);
  all.add_details()->PackFrom(detail);
  return {code, message, all.SerializeAsString()};
}

Status FromGrpc(const ::grpc::Status& status) {
  if (status.ok()) return Status::Ok();
  const int code = status.error_code();
  Status result(code == ::grpc::StatusCode::UNAUTHENTICATED ? StatusCode::kPermissionDenied
                : code > 0 && code <= static_cast<int>(StatusCode::kDataLoss)
                    ? static_cast<StatusCode>(code)
                    : StatusCode::kUnknown,
                status.error_message());
  if (status.error_code() == ::grpc::StatusCode::UNIMPLEMENTED && status.error_message().empty()) {
    // What gRPC answers for a server that has nothing of this name.
    result = Status::Unimplemented("something else answers there: it does not know this service");
  }
  error::v1::RpcStatus all;
  error::v1::ErrorDetail detail;
  if (status.error_details().empty() || !all.ParseFromString(status.error_details()) ||
      all.details().empty() || !all.details(0).UnpackTo(&detail)) {
    return result;
  }
  if (!detail.hint().empty()) result = result.WithHint(detail.hint());
  if (detail.error_number() != 0 && detail.error_number() <= UINT16_MAX) {
    result = result.WithErrorNumber(static_cast<uint16_t>(detail.error_number()));
  }
  return result;
}

}  // namespace nokv::rpc::grpc
