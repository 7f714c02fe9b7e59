// RootService: the calls of nokv.meta.v1.MetadataRoot on one node: reads from its machine, what has
// to be agreed upon through its raft group.
//
// Thread safety: thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "metaroot/service/root_machine.h"
#include "metaroot/service/watch_hub.h"
#include "nokv/status.h"
#include "raftnode/node.h"
#include "rpc/service.h"
#include "rpc/unary.h"
#include "runtime/runtime.h"

namespace nokv::metaroot {

struct RootServiceOptions {
  WatchLimits watch = {};
  // Completes what the machine and the group say of this node: members, version, what it waits for.
  std::function<void(NodeStatus*)> describe = {};
};

class RootService {
 public:
  // All are borrowed until Close has ended.
  RootService(runtime::Runtime& runtime, raftnode::Node& node, RootMachine& machine,
              RootServiceOptions options);
  RootService(const RootService&) = delete;
  RootService& operator=(const RootService&) = delete;

  // What a server must offer; borrows this, so the server ends first.
  rpc::Service MakeService(rpc::Executor executor);

  // The machine has something new.
  void Notify() { hub_->Notify(); }
  // How this node stands.
  NodeStatus Status() const;
  // Ends the watches. The node may be stopped when `closed` is called: WatchHub::Close.
  void Close(runtime::Task closed) {
    hub_->Close(nokv::Status::Unavailable("this node of the root ends"), std::move(closed));
  }

 private:
  void Append(const std::string& request, rpc::Answer answer);
  void Confirm(rpc::Answer answer);
  Result<std::string> ListEvents(const std::string& request) const;
  std::shared_ptr<rpc::CallHandler> AcceptSnapshot(const std::shared_ptr<rpc::Call>& call);
  // Calls `then` when the machine holds all that was committed at the call, or with why it may not.
  void WhenCurrent(std::function<void(const nokv::Status&)> then);

  raftnode::Node& node_;
  RootMachine& machine_;
  const RootServiceOptions options_;
  const std::shared_ptr<WatchHub> hub_;
};

}  // namespace nokv::metaroot
