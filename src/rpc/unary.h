// Unary calls: one message each way; and calls with one request and some answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rpc/call.h"
#include "rpc/service.h"

namespace nokv::rpc {

// Sends `request` and calls `done` once, in the channel's executor, with the answer or why there is
// none. The call that is returned may be ended to give it up.
std::shared_ptr<Call> CallUnary(Channel& channel, const std::string& method, std::string request,
                                const CallOptions& options,
                                std::function<void(Result<std::string>)> done);

// What a call was answered with: at least one message, or why there is none.
using Answers = Result<std::vector<std::string>>;

// A client's handler that keeps the answers until the call is over. More than `max_bytes` end it
// with kResourceExhausted.
std::shared_ptr<CallHandler> CollectAnswers(size_t max_bytes, std::function<void(Answers)> done);
// The one message of an answer: kInternal if there are more.
Result<std::string> OneAnswer(Answers answers);

// Answers a request: called once, from any thread, now or later.
using Answer = std::function<void(Result<std::string>)>;

// A method that answers each request by itself. A client that goes away meanwhile is not noticed;
// the answer is then dropped.
Method UnaryMethod(std::string name, std::function<void(std::string request, Answer answer)> serve);

}  // namespace nokv::rpc
