// WatchHub: tells who follows this node of every event, by the Watch calls of the service.
//
// There is no queue of events to anybody: each watcher has the revision up to which it was told,
// and gets what the machine's tail has after it once the network has taken what was sent before;
// whoever is behind the tail gets the whole state. A heartbeat is sent when a quorum has confirmed
// that there is nothing more, so that a node that was cut off does not pass for one that is up to
// date.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/mutex.h"
#include "metaroot/service/root_machine.h"
#include "rpc/call.h"
#include "runtime/runtime.h"

namespace nokv::metaroot {

struct WatchLimits {
  size_t max_watchers = 1024;
  uint64_t default_heartbeat_ms = 500;
  uint64_t min_heartbeat_ms = 20;
  uint64_t max_heartbeat_ms = 60'000;
};

// Has a quorum confirm that the machine holds all that was committed at the call; false: there was
// none.
using ConfirmDone = std::function<void(bool)>;
using Confirm = std::function<void(ConfirmDone)>;

class Watcher;

class WatchHub : public std::enable_shared_from_this<WatchHub> {
 public:
  // All are borrowed until Close has ended. `confirm` is called without a lock, and may answer, or
  // call Notify, from within.
  WatchHub(runtime::Runtime& runtime, const RootMachine& machine, Confirm confirm,
           const WatchLimits& limits);
  ~WatchHub();

  // Serves a Watch call.
  std::shared_ptr<rpc::CallHandler> Accept(const std::shared_ptr<rpc::Call>& call) EXCLUDES(mu_);
  // The machine has something new.
  void Notify() EXCLUDES(mu_);
  // Ends the calls with `why`. `closed` is called when nothing that is borrowed is used any more:
  // at once, or by the last thread that uses it. Once.
  void Close(const Status& why, runtime::Task closed) EXCLUDES(mu_);
  size_t watchers() const EXCLUDES(mu_);

 private:
  friend class Watcher;
  // Calls `use`, which uses what is borrowed, unless the hub is closed. Without the lock.
  void With(const std::function<void()>& use) EXCLUDES(mu_);
  void Forget(uint64_t id) EXCLUDES(mu_);

  runtime::Runtime& runtime_;
  const RootMachine& machine_;
  const Confirm confirm_;
  const WatchLimits limits_;
  mutable base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  size_t users_ GUARDED_BY(mu_) = 0;  // of what is borrowed, at this moment
  runtime::Task when_unused_ GUARDED_BY(mu_);
  uint64_t next_id_ GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers_ GUARDED_BY(mu_);
};

}  // namespace nokv::metaroot
