// CallAndWait: a unary call by a thread that has nothing else to do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "rpc/unary.h"
#include "runtime/runtime.h"

namespace nokv::bench {

inline Result<std::string> CallAndWait(runtime::Runtime& runtime, rpc::Channel& channel,
                                       const std::string& method, std::string request) {
  const std::shared_ptr<runtime::Event> ended = runtime.NewEvent();
  const auto answer = std::make_shared<std::optional<Result<std::string>>>();
  rpc::CallUnary(channel, method, std::move(request), {}, [ended, answer](Result<std::string> got) {
    *answer = std::move(got);
    ended->Set();
  });
  ended->Wait();
  return **answer;
}

}  // namespace nokv::bench
