#include "rpc/unary.h"

#include <optional>
#include <utility>

namespace nokv::rpc {
namespace {

class UnaryClient final : public CallHandler {
 public:
  explicit UnaryClient(std::function<void(Result<std::string>)> done) : done_(std::move(done)) {}

  void OnMessage(Call& call, std::string message) override {
    if (answer_.has_value()) {
      call.End(Status::Internal("more than one answer from " + call.peer()));
      return;
    }
    answer_ = std::move(message);
  }
  void OnDone(Call& call, const Status& status) override {
    if (!status.ok()) return done_(status);
    if (!answer_.has_value()) return done_(Status::Internal("no answer from " + call.peer()));
    done_(*std::move(answer_));
  }

 private:
  const std::function<void(Result<std::string>)> done_;
  std::optional<std::string> answer_;
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
  std::shared_ptr<Call> call =
      channel.Open(method, options, std::make_shared<UnaryClient>(std::move(done)));
  call->Send(std::move(request));
  call->End(Status::Ok());
  return call;
}

Method UnaryMethod(std::string name, std::function<void(std::string, Answer)> serve) {
  return {std::move(name), [serve = std::move(serve)](const std::shared_ptr<Call>& call) {
            return std::make_shared<UnaryServer>(call, serve);
          }};
}

}  // namespace nokv::rpc
