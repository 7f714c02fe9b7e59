// What gRPC has to be told once in a process. Private to rpc/grpc.
#pragma once

namespace nokv::rpc::grpc {

// Before the first server and the first channel; later calls do nothing. Thread-safe.
void SetUpLibrary();

}  // namespace nokv::rpc::grpc
