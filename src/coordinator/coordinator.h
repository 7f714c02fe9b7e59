// Coordinator: one of any number of processes that stand between a cluster and its metadata root.
// docs/coordinator.md explains the ideas.
//
// It owns nothing that it cannot rebuild: its copy of the root's state, what it has heard of stores
// and regions (catalog.h), and the lease with windows of numbers, if it holds it (allocator.h).
// Everything is asynchronous, and serves what can be served while the root is silent.
//
//   auto coordinator = Coordinator::Make(options, {root, runtime, logger});
//   coordinator->Start();
//   server = rpc::grpc::Listen(address, {MakeService(coordinator, executor)}, …);
//   coordinator->Stop([] { … });                 // gives the lease back
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "coordinator/allocator.h"
#include "coordinator/catalog.h"
#include "coordinator/planner.h"
#include "coordinator/root.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

// What a cluster begins with, for a root that has no layout yet.
struct FirstLayout {
  std::vector<metaroot::StoreJoined> stores = {};
  std::vector<topology::Region> regions = {};
};

struct CoordinatorOptions {
  AllocatorOptions allocator = {};
  CatalogOptions catalog = {};
  PlanLimits plan = {};
  FirstLayout first_layout = {};  // without regions: none
  std::string version = {};       // of the program
  // A transition that has not moved for so long is an alarm.
  uint64_t stuck_transition_ms = 600'000;
};

// Borrowed; they outlive the coordinator and what it has put into the runtime and the root.
struct CoordinatorDoors {
  Root& root;
  runtime::Runtime& runtime;
  base::Logger& logger;
};

// What became of events that were published.
struct Published {
  uint64_t revision = 0;
  bool changed = false;  // false: it was so already
};

class Coordinator : public RootWatcher, public std::enable_shared_from_this<Coordinator> {
 public:
  static std::shared_ptr<Coordinator> Make(const CoordinatorOptions& options,
                                           const CoordinatorDoors& doors);

  // Follows the root, and asks for the lease.
  void Start();
  // Gives out nothing any more and gives the lease back; then calls `done`, which may take as long
  // as the root takes to answer.
  void Stop(std::function<void()> done);

  const CoordinatorOptions& options() const { return options_; }
  Allocator& allocator() { return *allocator_; }
  Catalog& catalog() { return *catalog_; }
  std::vector<RootMember> RootMembers() const { return doors_.root.Members(); }
  uint64_t uptime_ms() const;
  uint64_t wall_ms() const { return doors_.runtime.clock().WallMillis(); }

  // Tells the root of an event that callers may publish: kInvalidArgument for others; else what the
  // root says. `expected_layout_epoch` 0: whatever it is.
  void Publish(metaroot::Event event, uint64_t expected_layout_epoch,
               std::function<void(Result<Published>)> done);
  // kInvalidArgument for an event that only the root and holders of the lease may bring.
  static Status CheckPublishable(const metaroot::Event& event);

  // What the leader of a store's regions should be asked to do; empty unless the lease is held.
  std::vector<Operator> OperatorsFor(topology::StoreId store);
  // What should change; nobody carries it out.
  std::vector<Operator> Plan(size_t max_operators);

  // What somebody should look after, each in a sentence.
  std::vector<std::string> Alarms();
  // kAlreadyExists if another process has this one's id and this one never held the lease: then it
  // is the one that should go.
  Status CheckId() const;

  // RootWatcher.
  void OnState(metaroot::State state) override;
  Status OnEvents(const std::vector<metaroot::TailEvent>& events) override;
  void OnHeard(uint64_t revision) override;
  void OnSilence(const Status& why) override { catalog_->OnSilence(why); }

 private:
  Coordinator(const CoordinatorOptions& options, const CoordinatorDoors& doors);

  // Brings the first layout if there is a cluster and no layout.
  void Bootstrap() EXCLUDES(mu_);
  void BringNext(std::vector<metaroot::Command> commands);
  void Retry();

  const CoordinatorOptions options_;
  const CoordinatorDoors doors_;
  const uint64_t started_us_;
  const std::shared_ptr<Catalog> catalog_;
  const std::shared_ptr<Allocator> allocator_;
  // The last revision that was confirmed; none yet: the largest number. Of the root's calls, which
  // come one after the other.
  uint64_t heard_revision_ = UINT64_MAX;
  base::Mutex mu_;
  bool bootstrapping_ GUARDED_BY(mu_) = false;
};

}  // namespace nokv::coordinator
