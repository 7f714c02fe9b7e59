// Inbound: takes what other nodes send, and refuses what must not be taken. Private to transport.
//
// Thread safety: thread-safe.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"
#include "rpc/service.h"
#include "transport/core.h"

namespace nokv::transport {

class Inbound : public std::enable_shared_from_this<Inbound> {
 public:
  explicit Inbound(std::shared_ptr<TransportCore> core) : core_(std::move(core)) {}

  rpc::Service MakeService(rpc::Executor executor);
  void Allow(NodeId node) EXCLUDES(mu_);
  // Refuses it from now on, and ends its streams.
  void Remove(NodeId node) EXCLUDES(mu_);
  // Nothing is taken any more.
  void Close() EXCLUDES(mu_);

 private:
  class MessagesHandler;
  class SnapshotHandler;

  // Whoever takes a snapshot that `call` brings: inbound_snapshot.cc.
  std::shared_ptr<rpc::CallHandler> TakeSnapshot(const std::shared_ptr<rpc::Call>& call,
                                                 bool resumes);
  // `call` is the stream of the node from now on, in place of an older one.
  void Begin(NodeId from, const std::shared_ptr<rpc::Call>& call) EXCLUDES(mu_);
  // Whether what `hello` says of its node fits what is known of it.
  Status Judge(const Hello& hello, const std::string& peer);
  // Whether `hello` may say what follows it.
  Status Check(const Hello& hello, const std::string& peer) EXCLUDES(mu_);
  // False after Close, and when `node` was removed meanwhile.
  bool Takes(NodeId node) const EXCLUDES(mu_);
  bool BeginSnapshot() EXCLUDES(mu_);
  void EndSnapshot() EXCLUDES(mu_);

  const std::shared_ptr<TransportCore> core_;
  mutable base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  std::set<NodeId> allowed_ GUARDED_BY(mu_);
  std::set<NodeId> removed_ GUARDED_BY(mu_);
  std::map<NodeId, std::weak_ptr<rpc::Call>> streams_ GUARDED_BY(mu_);
  size_t snapshots_ GUARDED_BY(mu_) = 0;
};

}  // namespace nokv::transport
