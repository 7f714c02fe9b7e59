#include "coordinator/coordinator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "coordinator/timestamp.h"

namespace nokv::coordinator {

namespace {

constexpr uint64_t kUsPerMs = 1'000;
// A clock that is ahead of what timestamps follow by so much, or behind, is an alarm.
constexpr uint64_t kClockAlarmMs = 1'000;
constexpr uint64_t kRetryUs = 1'000'000;
// A root that is heard, but of which no quorum has confirmed anything for so long.
constexpr uint64_t kLeaderlessMs = 3'000;

std::string Seconds(uint64_t ms) {
  return std::to_string(ms / 1000) + " s";
}

topology::PeerId HighestId(const metaroot::State& state) {
  uint64_t highest = 0;
  for (const auto& [start, record] : state.regions) {
    highest = std::max(highest, record.region.id);
    for (const topology::Peer& peer : record.region.peers) {
      highest = std::max(highest, peer.peer);
    }
  }
  return highest;
}

// Sets the time of an event that has one and does not say it.
void SetTime(metaroot::Event* event, uint64_t wall_ms) {
  if (auto* plan = std::get_if<metaroot::TransitionPlanned>(event)) {
    if (plan->at_ms == 0) plan->at_ms = wall_ms;
  } else if (auto* moved = std::get_if<metaroot::TransitionMoved>(event)) {
    if (moved->at_ms == 0) moved->at_ms = wall_ms;
  }
}

// Stores first, as many as go together.
std::vector<metaroot::Command> CommandsOf(const FirstLayout& layout) {
  std::vector<metaroot::Command> commands(1);
  for (const metaroot::StoreJoined& store : layout.stores) {
    if (commands.back().events.size() + 1 >= metaroot::kMaxCommandEvents) commands.emplace_back();
    commands.back().events.emplace_back(store);
  }
  commands.back().events.emplace_back(metaroot::LayoutCreated{layout.regions});
  return commands;
}

void AlarmsOfRoot(const std::vector<RootMember>& members, const std::string& silence,
                  uint64_t silent_ms, std::vector<std::string>* alarms) {
  if (!silence.empty()) alarms->push_back("the metadata root is not heard: " + silence);
  const bool led = std::any_of(members.begin(), members.end(),
                               [](const RootMember& member) { return member.leader; });
  for (const RootMember& member : members) {
    // Without a leader none of them follows one.
    if (member.reachable && (member.follows || !led)) continue;
    const std::string what = member.reachable ? " takes no part yet" : " does not answer";
    alarms->push_back("meta-root " + std::to_string(member.node) + " at " + member.addr + what +
                      (member.problem.empty() ? "" : ": " + member.problem));
  }
  if (silence.empty() && silent_ms > kLeaderlessMs) {
    alarms->emplace_back("the metadata root has no leader: nothing can be changed");
  }
}

void AlarmsOfNumbers(const AllocatorStatus& numbers, uint64_t wall_ms,
                     std::vector<std::string>* alarms) {
  if (!numbers.rooted.in_force) {
    alarms->push_back("no coordinator holds the lease: no ids and timestamps are given out" +
                      (numbers.lease_problem.empty() ? "" : ": " + numbers.lease_problem));
  }
  if (numbers.twin) {
    alarms->emplace_back(
        "another process has this coordinator's id; give each its own --coordinator-id");
  }
  if (!numbers.holds) return;
  if (!numbers.window_problem.empty()) {
    alarms->push_back("windows of numbers cannot be reserved: " + numbers.window_problem);
  }
  if (numbers.clock_ahead_ms > kClockAlarmMs) {
    alarms->push_back("the clock is " + Seconds(numbers.clock_ahead_ms) +
                      " ahead of timestamps, which catch up at twice the speed; set the clock if "
                      "it is wrong");
  }
  const uint64_t next_ms = PhysicalMs(numbers.timestamp_next);
  if (next_ms > wall_ms + kClockAlarmMs) {
    alarms->push_back("timestamps are " + Seconds(next_ms - wall_ms) +
                      " ahead of the clock and wait for it; set the clock if it is wrong");
  }
}

void AlarmsOfCluster(const Catalog::Now& now, uint64_t wall_ms, uint64_t stuck_ms,
                     std::vector<std::string>* alarms) {
  const metaroot::State& root = now.view.root();
  if (now.standing.must_reload) return;
  if (root.regions.empty()) {
    alarms->emplace_back("there is no layout yet; start a coordinator with --config to bring one");
  }
  // Before the first store has reported, none is missed.
  const bool heard_any = std::any_of(root.stores.begin(), root.stores.end(), [&](const auto& each) {
    return now.view.StoreOf(each.first) != nullptr;
  });
  for (const auto& [id, store] : root.stores) {
    if (!heard_any) break;
    const StoreState state = now.view.StateOf(id, now.us);
    if (state != StoreState::kDisconnected && state != StoreState::kDown) continue;
    alarms->push_back("store " + std::to_string(id) + " at " + store.addr + " is " +
                      std::string(NameOf(state)) + ": not heard for " +
                      Seconds(now.view.SilentUs(id, now.us) / kUsPerMs));
  }
  for (const auto& [id, transition] : root.transitions) {
    if (transition.moved_at_ms + stuck_ms > wall_ms) continue;
    alarms->push_back(id + " has not moved for " + Seconds(wall_ms - transition.moved_at_ms) +
                      "; it waits for " + transition.waits_for);
  }
}

}  // namespace

std::shared_ptr<Coordinator> Coordinator::Make(const CoordinatorOptions& options,
                                               const CoordinatorDoors& doors) {
  return std::shared_ptr<Coordinator>(new Coordinator(options, doors));
}

Coordinator::Coordinator(const CoordinatorOptions& options, const CoordinatorDoors& doors)
    : options_(options),
      doors_(doors),
      started_us_(doors.runtime.clock().MonotonicMicros()),
      catalog_(std::make_shared<Catalog>(options.catalog, doors.root, doors.runtime, doors.logger)),
      allocator_(Allocator::Make(options.allocator, doors.root, doors.runtime, doors.logger)) {}

void Coordinator::Start() {
  doors_.root.Watch(shared_from_this());
  allocator_->Start();
}

void Coordinator::Stop(std::function<void()> done) {
  allocator_->Stop(std::move(done));
}

uint64_t Coordinator::uptime_ms() const {
  return (doors_.runtime.clock().MonotonicMicros() - started_us_) / kUsPerMs;
}

void Coordinator::OnState(metaroot::State state) {
  const metaroot::Lease lease = state.lease;
  const uint64_t highest_id = HighestId(state);
  catalog_->OnState(std::move(state));
  allocator_->Seen(lease);
  allocator_->SkipIds(highest_id);
  Bootstrap();
}

Status Coordinator::OnEvents(const std::vector<metaroot::TailEvent>& events) {
  Status status = catalog_->OnEvents(events);
  bool lease_changed = false;
  bool layout_created = false;
  bool cluster_created = false;
  for (const metaroot::TailEvent& event : events) {
    const auto* granted = std::get_if<metaroot::LeaseGranted>(&event.event);
    // What lies below is history, that of this one's former process for example: a root that starts
    // anew tells it again.
    if (granted != nullptr && event.revision > heard_revision_) {
      allocator_->SeenGrant(granted->holder);
    }
    lease_changed = lease_changed || granted != nullptr ||
                    std::holds_alternative<metaroot::LeaseEnded>(event.event);
    layout_created = layout_created || std::holds_alternative<metaroot::LayoutCreated>(event.event);
    cluster_created =
        cluster_created || std::holds_alternative<metaroot::ClusterCreated>(event.event);
  }
  if (lease_changed) {
    allocator_->Seen(catalog_->Read([](const Catalog::Now& now) { return now.view.root().lease; }));
  }
  if (layout_created) {
    allocator_->SkipIds(
        catalog_->Read([](const Catalog::Now& now) { return HighestId(now.view.root()); }));
  }
  if (cluster_created) Bootstrap();
  return status;
}

void Coordinator::OnHeard(uint64_t revision) {
  heard_revision_ = heard_revision_ == UINT64_MAX ? revision : std::max(heard_revision_, revision);
  catalog_->OnHeard(revision);
}

void Coordinator::Bootstrap() {
  if (options_.first_layout.regions.empty()) return;
  const bool needed = catalog_->Read([](const Catalog::Now& now) {
    return now.view.root().cluster_id != 0 && now.view.root().regions.empty();
  });
  if (!needed) return;
  {
    base::MutexLock lock(mu_);
    if (bootstrapping_) return;
    bootstrapping_ = true;
  }
  BringNext(CommandsOf(options_.first_layout));
}

void Coordinator::BringNext(std::vector<metaroot::Command> commands) {
  const metaroot::Command command = commands.front();
  commands.erase(commands.begin());
  doors_.root.Append(command, [self = shared_from_this(), rest = std::move(commands)](
                                  const Result<metaroot::Outcome>& outcome) {
    const Status status = outcome.ok() ? outcome->status : outcome.status();
    if (status.ok() && !rest.empty()) return self->BringNext(rest);
    if (status.ok()) {
      self->doors_.logger.Info(
          "the first layout is there: " +
          std::to_string(self->options_.first_layout.stores.size()) + " stores, " +
          std::to_string(self->options_.first_layout.regions.size()) + " regions");
      return;
    }
    self->doors_.logger.Warning("the first layout was not taken: " + status.ToString());
    self->Retry();
  });
}

void Coordinator::Retry() {
  doors_.runtime.PostAfter(runtime::Lane::kLog, kRetryUs, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    {
      base::MutexLock lock(self->mu_);
      self->bootstrapping_ = false;
    }
    self->Bootstrap();
  });
}

Status Coordinator::CheckPublishable(const metaroot::Event& event) {
  if (std::holds_alternative<metaroot::StoreJoined>(event) ||
      std::holds_alternative<metaroot::StoreIntended>(event) ||
      std::holds_alternative<metaroot::LayoutCreated>(event) ||
      std::holds_alternative<metaroot::TransitionPlanned>(event) ||
      std::holds_alternative<metaroot::TransitionMoved>(event)) {
    return Status::Ok();
  }
  return Status::InvalidArgument("a " + std::string(metaroot::NameOf(event)) +
                                 " is not for callers to publish");
}

void Coordinator::Publish(metaroot::Event event, uint64_t expected_layout_epoch,
                          std::function<void(Result<Published>)> done) {
  if (const Status status = CheckPublishable(event); !status.ok()) return done(status);
  SetTime(&event, doors_.runtime.clock().WallMillis());
  metaroot::Command command{.events = {std::move(event)}};
  if (expected_layout_epoch != 0) command.expected_layout_epoch = expected_layout_epoch;
  doors_.root.Append(command, [done = std::move(done)](const Result<metaroot::Outcome>& outcome) {
    if (!outcome.ok()) return done(outcome.status());
    if (!outcome->status.ok()) return done(outcome->status);
    done(Published{.revision = outcome->head.revision, .changed = outcome->applied > 0});
  });
}

std::vector<Operator> Coordinator::OperatorsFor(topology::StoreId store) {
  if (!allocator_->status().holds) return {};
  return catalog_->Read([&](const Catalog::Now& now) {
    std::vector<Operator> operators = PlanLeaderBalance(now.view, options_.plan, now.us);
    std::erase_if(operators, [&](const Operator& op) {
      const topology::Region* region = now.view.RegionById(op.region);
      return region == nullptr ||
             std::none_of(region->peers.begin(), region->peers.end(), [&](const auto& peer) {
               return peer.store == store && peer.peer == op.from_peer;
             });
    });
    return operators;
  });
}

std::vector<Operator> Coordinator::Plan(size_t max_operators) {
  PlanLimits limits = options_.plan;
  limits.max_operators = max_operators;
  return catalog_->Read([&](const Catalog::Now& now) {
    std::vector<Operator> operators = PlanReplicaRepair(now.view, limits, now.us);
    for (Operator& op : PlanLeaderBalance(now.view, limits, now.us)) {
      if (operators.size() < max_operators) operators.push_back(std::move(op));
    }
    return operators;
  });
}

std::vector<std::string> Coordinator::Alarms() {
  std::vector<std::string> alarms;
  const uint64_t wall_ms = doors_.runtime.clock().WallMillis();
  AlarmsOfRoot(doors_.root.Members(), catalog_->silence(), catalog_->standing().silent_ms, &alarms);
  AlarmsOfNumbers(allocator_->status(), wall_ms, &alarms);
  catalog_->Read([&](const Catalog::Now& now) {
    AlarmsOfCluster(now, wall_ms, options_.stuck_transition_ms, &alarms);
    return 0;
  });
  return alarms;
}

Status Coordinator::CheckId() const {
  const AllocatorStatus status = allocator_->status();
  if (!status.twin || status.held_once) return Status::Ok();
  return Status::AlreadyExists("another coordinator has the id " + options_.allocator.holder.id +
                               " and runs at " + ParseHolder(status.rooted.holder).addr)
      .WithHint("give this one another --coordinator-id, or stop that one")
      .WithErrorNumber(2303);
}

}  // namespace nokv::coordinator
