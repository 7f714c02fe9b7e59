// MetaRoot: one node of the metadata root, put together: directory, raft log, raft group, state
// machine, calls. Real or simulated, according to its doors.
//
//   ASSIGN_OR_RETURN(auto root, MetaRoot::Open(options, doors));
//   server = Listen(address, {root->ClientService(executor)});
//   transport_server = Listen(transport_address, {root->TransportService()});
//   root->Start();
//   …
//   server.reset(), transport_server.reset();
//   root->Stop([] { … });                         // then it may be destroyed
//
// The directory holds META_ROOT, which says whose it is, IDENTITY, which says what it is part of
// and whom it knows, LOCK, and the raft log. Files that are not known are left alone.
//
// Thread safety: thread-safe, but for construction, Start, Stop and destruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/mutex.h"
#include "metaroot/service/root_machine.h"
#include "metaroot/service/root_service.h"
#include "metrics/registry.h"
#include "nokv/status.h"
#include "raftlog/raft_log.h"
#include "raftnode/cluster_node.h"
#include "runtime/runtime.h"
#include "server/root_identity.h"
#include "vfs/vfs.h"

namespace nokv::server {

struct MetaRootOptions {
  std::string workdir;
  uint64_t node = 0;
  // All members, this one too: where their raft listens.
  std::map<uint64_t, std::string> peers;
  uint64_t tick_us = 100'000;
  uint64_t seed = 0;         // random, another one at each start
  uint64_t cluster_id = 1;   // of the cluster, if this node is the one to found it; random
  std::string version = {};  // of the program
  uint64_t snapshot_entries = 10'000;
  uint64_t kept_entries = 1'000;
  uint64_t segment_bytes = uint64_t{16} << 20;
  metaroot::WatchLimits watch = {};
  raftnode::Observer* observer = nullptr;  // for simulation
};

// Borrowed.
struct MetaRootDoors {
  runtime::Runtime& runtime;
  vfs::FileSystem& fs;
  base::Logger& logger;
  metrics::Registry& registry;
  transport::Dial dial;  // to the raft of the others
  // The node has stopped for good, with the reason; or must not go on, since it has lost its
  // directory (E2306) or has another cluster's (E2305). May be called by any thread.
  std::function<void(const Status&)> failed = {};
};

class MetaRoot final : private metaroot::RootObserver {
 public:
  // kInvalidArgument: the options contradict each other. kFailedPrecondition (E2304): the directory
  // belongs to another node or to other members. kUnavailable (E1203): another process has it. Else
  // what the files have to say.
  static Result<std::unique_ptr<MetaRoot>> Open(const MetaRootOptions& options,
                                                const MetaRootDoors& doors);
  ~MetaRoot() override;
  MetaRoot(const MetaRoot&) = delete;
  MetaRoot& operator=(const MetaRoot&) = delete;

  // What its servers must offer; they end before Stop.
  rpc::Service ClientService(rpc::Executor executor) {
    return service_->MakeService(std::move(executor));
  }
  rpc::Service TransportService() { return raft_->MakeService(); }

  // Joins the group. What has to be said against it is told to `failed`.
  void Start();
  // `stopped`: nothing that is borrowed is used any more. Once, after Start.
  void Stop(runtime::Task stopped);

  metaroot::NodeStatus status() const { return service_->Status(); }
  const metaroot::RootMachine& machine() const { return machine_; }
  raftnode::ClusterNode& raft() { return *raft_; }
  // OK, or why it does not serve: it knows of no leader, is not listened to, or has stopped.
  Status Ready() const EXCLUDES(mu_);

 private:
  MetaRoot(const MetaRootOptions& options, const MetaRootDoors& doors);
  Status OpenDirectory();
  Status OpenIdentity();
  void OpenRaft();

  // RootObserver.
  void Changed() override;
  void Stopped(const Status& reason) override EXCLUDES(mu_);

  const MetaRootOptions options_;
  const MetaRootDoors doors_;
  std::unique_ptr<vfs::FileLock> lock_;
  std::unique_ptr<raftlog::RaftLog> log_;
  std::shared_ptr<RootIdentity> identity_;
  metaroot::RootMachine machine_;
  std::unique_ptr<raftnode::ClusterNode> raft_;
  std::unique_ptr<metaroot::RootService> service_;
  std::atomic<bool> founding_ = false;    // the cluster's id is proposed
  std::atomic<bool> identified_ = false;  // the identity knows it
  mutable base::Mutex mu_;
  Status failure_ GUARDED_BY(mu_);
};

// What META_ROOT holds.
inline constexpr char kMetaRootName[] = "META_ROOT";

}  // namespace nokv::server
