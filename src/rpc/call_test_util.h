// What tests of calls share: a runtime with threads, and a handler that writes down what it is
// told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "rpc/call.h"
#include "rpc/service.h"
#include "runtime/runtime.h"

namespace nokv::rpc {

// Whoever waits here gives up after a time that no test should need.
constexpr uint64_t kTestPatienceMicros = 20'000'000;

// Thread safety: thread-safe.
class RecordingHandler : public CallHandler {
 public:
  void OnMessage(Call& /*call*/, std::string message) override {
    base::MutexLock lock(mu_);
    messages_.push_back(std::move(message));
    changed_.SignalAll();
  }
  void OnSent(Call& /*call*/) override {
    base::MutexLock lock(mu_);
    ++sent_;
    changed_.SignalAll();
  }
  void OnDone(Call& /*call*/, const Status& status) override {
    base::MutexLock lock(mu_);
    done_ = status;
    changed_.SignalAll();
  }

  // What had come when there were `count`, the call was over, or patience ended.
  std::vector<std::string> WaitForMessages(size_t count) {
    base::MutexLock lock(mu_);
    while (messages_.size() < count && !done_.has_value()) {
      if (!changed_.WaitFor(mu_, kTestPatienceMicros)) break;
    }
    return messages_;
  }
  int WaitForSent(int count) {
    base::MutexLock lock(mu_);
    while (sent_ < count && !done_.has_value()) {
      if (!changed_.WaitFor(mu_, kTestPatienceMicros)) break;
    }
    return sent_;
  }
  Status WaitForDone() {
    base::MutexLock lock(mu_);
    while (!done_.has_value()) {
      if (!changed_.WaitFor(mu_, kTestPatienceMicros)) return Status::Internal("not over");
    }
    return *done_;
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<std::string> messages_ GUARDED_BY(mu_);
  int sent_ GUARDED_BY(mu_) = 0;
  std::optional<Status> done_ GUARDED_BY(mu_);
};

// Sends back what it gets, and ends when the client does.
class EchoHandler final : public CallHandler {
 public:
  void OnMessage(Call& call, std::string message) override { call.Send(std::move(message)); }
  void OnDone(Call& /*call*/, const Status& /*status*/) override {}
};

// What is accepted, for the test to look at.
class AcceptedCalls {
 public:
  struct Accepted {
    std::shared_ptr<Call> call;
    std::shared_ptr<RecordingHandler> handler;
  };

  AcceptCall Accept(bool reading = true) {
    return [this, reading](const std::shared_ptr<Call>& call) {
      auto handler = std::make_shared<RecordingHandler>();
      if (!reading) call->SetReading(false);
      base::MutexLock lock(mu_);
      accepted_.push_back({call, handler});
      changed_.SignalAll();
      return handler;
    };
  }
  Accepted Wait(size_t index = 0) {
    base::MutexLock lock(mu_);
    while (accepted_.size() <= index) {
      if (!changed_.WaitFor(mu_, kTestPatienceMicros)) return {};
    }
    return accepted_[index];
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<Accepted> accepted_ GUARDED_BY(mu_);
};

}  // namespace nokv::rpc
