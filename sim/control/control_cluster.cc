#include "sim/control/control_cluster.h"

#include <utility>

#include "base/check.h"
#include "coordinator/service.h"
#include "sim/world/executor.h"

namespace nokv::sim {
namespace {

// Of clients: longer than most pauses, so that late answers are seen.
constexpr uint64_t kAttemptMs = 4'000;
constexpr uint64_t kHandOverMicros = 300'000;
constexpr uint64_t kLookMicros = 10'000;
// How long the leader of the root is the target of faults, and then the holder of the lease.
constexpr uint64_t kTurnMicros = 1'000'000;
constexpr uint64_t kStores = 3;

// Two regions, which the coordinators bring.
coordinator::FirstLayout TheFirstLayout() {
  coordinator::FirstLayout layout;
  for (uint64_t id = 1; id <= 2; id++) {
    topology::Region region = {.id = id, .epoch = {1, 1}};
    (id == 1 ? region.range.end : region.range.start) = "m";
    for (uint64_t store = 1; store <= kStores; store++) {
      region.peers.push_back({store, 10 * id + store});
    }
    layout.regions.push_back(std::move(region));
  }
  for (uint64_t store = 1; store <= kStores; store++) {
    layout.stores.push_back({store, "s" + std::to_string(store) + ":1"});
  }
  return layout;
}

}  // namespace

ControlCluster::ControlCluster(World& world, Network& network, const ControlOptions& options)
    : world_(world),
      network_(network),
      random_(world.random().Fork()),
      options_(options),
      roots_(world, network, options.root),
      history_([this](const std::string& what) { roots_.Violated(what); }),
      slots_(kCoordinators) {
  for (size_t i = 0; i < kCoordinators; i++) {
    slots_[i].machine = std::make_unique<Machine>(world_, RootCluster::kNodes + i + 1);
  }
  // For good.
  for (size_t i = 0; i < ControlCluster::machines(); i++) {
    ControlCluster::machine(i).clock().SetRate(1000 - kMostDriftPermille +
                                               random_.Uniform(2 * kMostDriftPermille + 1));
  }
}

ControlCluster::~ControlCluster() {
  for (Slot& slot : slots_) End(&slot, End::kKill, Machine::Loss::kNothing);
}

void ControlCluster::Begin() {
  roots_.Begin();
  for (size_t i = 0; i < kCoordinators; i++) Start(i);
  Look();
}

std::string ControlCluster::AddressOf(size_t coordinator) {
  return std::to_string(RootCluster::kNodes + coordinator + 1) + ":coordinator";
}

std::unique_ptr<coordinator::Client> ControlCluster::NewClient(Network::Address address,
                                                               size_t first) {
  coordinator::ClientOptions options;
  for (size_t i = 0; i < kCoordinators; i++) {
    options.addresses.push_back(AddressOf((first + i) % kCoordinators));
  }
  options.attempt_ms = kAttemptMs;
  runtime::Runtime& runtime = world_.runtime();
  return std::make_unique<coordinator::Client>(
      runtime, options,
      [this, &runtime, from = std::to_string(address) + ":client"](const std::string& to) {
        return roots_.calls().NewChannel(from, to, [&runtime](std::function<void()> task) {
          runtime.Post(runtime::Lane::kUrgent, std::move(task));
        });
      });
}

Machine& ControlCluster::machine(size_t number) {
  if (number < RootCluster::kNodes) return roots_.machine(number);
  return *slots_[number - RootCluster::kNodes].machine;
}

void ControlCluster::Start(size_t coordinator) {
  Slot& slot = slots_[coordinator];
  if (slot.process != 0) return;
  slot.machine->Start();
  slot.process = next_process_++;
  slot.alive = std::make_shared<bool>(true);
  world_.Note("start", {slot.machine->id(), slot.process});

  const std::string address = AddressOf(coordinator);
  coordinator::ClientRootOptions root_options;
  for (uint64_t i = 0; i < RootCluster::kNodes; i++) {
    const uint64_t node = 1 + (coordinator + i) % RootCluster::kNodes;
    root_options.members.push_back({node, RootCluster::ClientAddress(node)});
  }
  const rpc::Executor executor = ExecutorOf(*slot.machine, slot.alive);
  slot.root = std::make_unique<coordinator::ClientRoot>(
      slot.machine->runtime(), root_options, [this, address, executor](const std::string& to) {
        return roots_.calls().NewChannel(address, to, executor,
                                         {.max_message_bytes = metaroot::kMaxWireBytes});
      });
  coordinator::CoordinatorOptions options;
  options.allocator = {.holder = {.id = "c" + std::to_string(coordinator),
                                  .addr = address,
                                  .incarnation = std::to_string(slot.process)},
                       .lease_ttl_ms = options_.lease_ttl_ms,
                       .lease_renew_before_ms = options_.lease_ttl_ms / 3,
                       .id_window = options_.id_window,
                       .timestamp_window_ms = options_.timestamp_window_ms,
                       .seed = random_.Next()};
  options.first_layout = TheFirstLayout();
  slot.coordinator = coordinator::Coordinator::Make(
      options, {*slot.root, slot.machine->runtime(), base::NullLogger()});
  auto server =
      roots_.calls().Listen(address, {coordinator::MakeService(slot.coordinator, executor)});
  NOKV_CHECK(server.ok()) << server.status().ToString();
  slot.server = *std::move(server);
  slot.coordinator->Start();
}

// In the order in which the shipped process ends.
void ControlCluster::End(Slot* slot, sim::End end, Machine::Loss loss) {
  if (slot->process == 0) return;
  world_.Note("stop", {slot->machine->id(), slot->process, static_cast<uint64_t>(end)});
  *slot->alive = false;
  slot->process = 0;
  slot->server = nullptr;
  slot->root = nullptr;
  if (end == End::kKill) {
    slot->machine->EndByKill();
  } else {
    slot->machine->EndByPowerLoss(loss);
  }
  slot->coordinator = nullptr;
}

void ControlCluster::Stop(size_t number, sim::End end, Machine::Loss loss) {
  if (number < RootCluster::kNodes) return roots_.Stop(number, end, loss);
  End(&slots_[number - RootCluster::kNodes], end, loss);
}

void ControlCluster::Restart(size_t number) {
  if (number < RootCluster::kNodes) return roots_.Restart(number);
  Start(number - RootCluster::kNodes);
}

void ControlCluster::RestartAll() {
  roots_.RestartAll();
  for (size_t i = 0; i < kCoordinators; i++) Start(i);
}

bool ControlCluster::LoseForGood(base::Random* random) {
  return options_.may_lose_a_root && roots_.LoseForGood(random);
}

std::optional<size_t> ControlCluster::holder() const {
  for (size_t i = 0; i < kCoordinators; i++) {
    if (slots_[i].process == 0) continue;
    if (slots_[i].coordinator->allocator().status().holds) return i;
  }
  return std::nullopt;
}

std::optional<size_t> ControlCluster::leader() {
  if (world_.now_us() / kTurnMicros % 2 == 0) return roots_.leader();
  const auto found = holder();
  if (!found.has_value()) return std::nullopt;
  return RootCluster::kNodes + *found;
}

void ControlCluster::HandOver() {
  const auto found = holder();
  if (!found.has_value()) return;
  const size_t number = *found;
  const uint64_t process = slots_[number].process;
  slots_[number].machine->runtime().Arrive(
      [this, number] { slots_[number].coordinator->Stop([] {}); });
  world_.After(kHandOverMicros, [this, number, process] {
    if (slots_[number].process != process) return;
    End(&slots_[number], End::kKill, Machine::Loss::kNothing);
    Start(number);
  });
}

const LayoutHistory& ControlCluster::CatchUp() {
  for (size_t i = 0; i < RootCluster::kNodes; i++) {
    if (const metaroot::RootMachine* machine = roots_.StateOf(i)) history_.Follow(*machine);
  }
  return history_;
}

void ControlCluster::Look() {
  CatchUp();
  for (const Slot& slot : slots_) {
    if (slot.process == 0) continue;
    const coordinator::AllocatorStatus status = slot.coordinator->allocator().status();
    if (!status.holds) continue;
    const auto [known, is_new] = holders_.emplace(status.rooted.generation, slot.process);
    if (known->second == slot.process) continue;
    roots_.Violated("processes " + std::to_string(known->second) + " and " +
                    std::to_string(slot.process) + " both act under generation " +
                    std::to_string(status.rooted.generation));
  }
  world_.After(kLookMicros, [this] { Look(); });
}

std::string ControlCluster::Divergence() {
  const auto state = roots_.AgreedState();
  if (!state.has_value()) return "the nodes of the root are not in one state:" + roots_.Standing();
  for (const Slot& slot : slots_) {
    const std::string name = "process " + std::to_string(slot.process);
    if (slot.process == 0) return "a coordinator does not run";
    const bool same = slot.coordinator->catalog().Read(
        [&](const coordinator::Catalog::Now& now) { return now.view.root() == *state; });
    if (!same) return "the copy of " + name + " is not what the root has";
  }
  if (!state->lease.in_force) return "nobody holds the lease";
  for (const auto& [id, transition] : state->transitions) {
    return id + " is still under way and waits for " + transition.waits_for;
  }
  return "";
}

}  // namespace nokv::sim
