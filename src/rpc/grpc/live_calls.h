// LiveCalls: the calls of a channel with which gRPC is not done. Private to rpc/grpc.
//
// Thread safety: thread-safe.
#pragma once

#include <map>
#include <memory>

#include "base/mutex.h"
#include "rpc/call.h"

namespace nokv::rpc::grpc {

class LiveCalls {
 public:
  void Add(const std::shared_ptr<Call>& call) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    calls_.emplace(call.get(), call);
  }
  void Remove(Call* call) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    calls_.erase(call);
    changed_.SignalAll();
  }
  // Ends all of them, and waits until they have told their executor.
  void EndAll() EXCLUDES(mu_) {
    std::map<Call*, std::weak_ptr<Call>> calls;
    {
      base::MutexLock lock(mu_);
      calls = calls_;
    }
    for (const auto& [address, weak] : calls) {
      if (const auto call = weak.lock()) {
        call->End(Status(StatusCode::kCancelled, "its channel is gone"));
      }
    }
    base::MutexLock lock(mu_);
    while (!calls_.empty()) changed_.Wait(mu_);
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  std::map<Call*, std::weak_ptr<Call>> calls_ GUARDED_BY(mu_);
};

}  // namespace nokv::rpc::grpc
