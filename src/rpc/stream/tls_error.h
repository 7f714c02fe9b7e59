// What OpenSSL complains about. Private to rpc/stream.
#pragma once

#include <string>

namespace nokv::rpc::stream {

// The oldest complaint of this thread's queue, in words; empties the queue.
std::string TakeTlsError();

}  // namespace nokv::rpc::stream
