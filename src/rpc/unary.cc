#include "rpc/unary.h"

#include <cstdint>
#include <utility>

namespace nokv::rpc {
namespace {

class Collector final : public CallHandler {
 public:
  Collector(size_t max_messages, size_t max_bytes, std::function<void(Answers)> done)
      : max_messages_(max_messages), max_bytes_(max_bytes), done_(std::move(done)) {}

  void OnMessage(Call& call, std::string message) override {
    bytes_ += message.size();
    if (messages_.size() == max_messages_) {
      return call.End(Status::Internal("more than one answer from " + call.peer()));
    }
    if (bytes_ > max_bytes_) {
      return call.End(Status::ResourceExhausted("the answer of " + call.peer() + " is too long"));
    }
    messages_.push_back(std::move(message));
  }
  void OnDone(Call& call, const Status& status) override {
    if (!status.ok()) return done_(status);
    if (messages_.empty()) return done_(Status::Internal("no answer from " + call.peer()));
    done_(std::move(messages_));
  }

 private:
  const size_t max_messages_;
  const size_t max_bytes_;
  const std::function<void(Answers)> done_;
  std::vector<std::string> messages_;
  size_t bytes_ = 0;
};

class UnaryServer final : public CallHandler {
 public:
  UnaryServer(std::shared_ptr<Call> call, std::function<void(std::string, Answer)> serve)
      : call_(std::move(call)), serve_(std::move(serve)) {}

  void OnMessage(Call& call, std::string message) override {
    if (std::exchange(asked_, true)) {
      call.End(Status::InvalidArgument("more than one request in a call that takes one"));
      return;
    }
    serve_(std::move(message), [call = call_](Result<std::string> answer) {
      if (answer.ok()) call->Send(*std::move(answer));
      call->End(answer.status());
    });
  }
  void OnPeerEnded(Call& call) override {
    if (!asked_) call.End(Status::InvalidArgument("no request in a call that takes one"));
  }
  void OnDone(Call& /*call*/, const Status& /*status*/) override { call_.reset(); }

 private:
  std::shared_ptr<Call> call_;
  const std::function<void(std::string, Answer)> serve_;
  bool asked_ = false;
};

}  // namespace

std::shared_ptr<Call> CallUnary(Channel& channel, const std::string& method, std::string request,
                                const CallOptions& options,
                                std::function<void(Result<std::string>)> done) {
  std::shared_ptr<Call> call = channel.Open(
      method, options,
      std::make_shared<Collector>(1, SIZE_MAX, [done = std::move(done)](Answers answers) {
        done(OneAnswer(std::move(answers)));
      }));
  call->Send(std::move(request));
  call->End(Status::Ok());
  return call;
}

std::shared_ptr<CallHandler> CollectAnswers(size_t max_bytes, std::function<void(Answers)> done) {
  return std::make_shared<Collector>(SIZE_MAX, max_bytes, std::move(done));
}

Result<std::string> OneAnswer(Answers answers) {
  if (!answers.ok()) return answers.status();
  if (answers->size() != 1) return Status::Internal("more than one answer");
  return std::move(answers->front());
}

Method UnaryMethod(std::string name, std::function<void(std::string, Answer)> serve) {
  return {std::move(name), [serve = std::move(serve)](const std::shared_ptr<Call>& call) {
            return std::make_shared<UnaryServer>(call, serve);
          }};
}

}  // namespace nokv::rpc
