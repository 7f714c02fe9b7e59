// Random events, legal and not, on three replicas: the invariants hold after each, what is refused
// changes nothing, and all replicas are the same, also those that came from a snapshot.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "metaroot/machine.h"
#include "metaroot/machine_test_util.h"

namespace nokv::metaroot {
namespace {

using topology::Region;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Command Next(const State& state) {
    Command command;
    const size_t count = 1 + (random_.OneIn(8) ? random_.Uniform(3) : 0);
    for (size_t i = 0; i < count; i++) command.events.push_back(One(state));
    if (random_.OneIn(16)) command.expected_revision = state.revision - random_.Uniform(2);
    if (random_.OneIn(16)) command.expected_layout_epoch = state.layout_epoch - random_.Uniform(2);
    return command;
  }

 private:
  Event One(const State& state) {
    if (state.cluster_id == 0) return ClusterCreated{random_.Uniform(2)};
    if (state.stores.size() < 3) return Join();
    if (state.regions.empty()) return Layout(state);
    switch (random_.Uniform(12)) {
      case 0:
        return Join();
      case 1:
        return StoreIntended{1 + random_.Uniform(8),
                             static_cast<StoreIntent>(random_.Uniform(random_.OneIn(4) ? 3 : 2))};
      case 2:
        return LeaseGranted{"c" + std::to_string(random_.Uniform(3)), 1 + random_.Uniform(1000)};
      case 3:
        return LeaseEnded{state.lease.generation + 1 - random_.Uniform(3), random_.OneIn(2),
                          state.lease.granted_revision - random_.Uniform(2)};
      case 4:
        return Window(state);
      case 5:
      case 6:
        return Spoiled(PeerChange(state));
      case 7:
      case 8:
        return Spoiled(Split(state));
      case 9:
        return Spoiled(Merge(state));
      default:
        return Move(state);
    }
  }

  WindowReserved Window(const State& state) {
    const auto kind = static_cast<WindowKind>(random_.Uniform(2));
    const uint64_t from = FenceOf(state, kind) - (random_.OneIn(8) ? 1 : 0);
    return {kind, state.lease.generation - random_.Uniform(2), from, from + random_.Uniform(200)};
  }

  StoreJoined Join() {
    return {1 + random_.Uniform(8), "h" + std::to_string(random_.Uniform(12)) + ":1"};
  }

  LayoutCreated Layout(const State& state) {
    Region region = {.id = 1, .epoch = {1, 1}};
    for (const auto& [id, store] : state.stores) region.peers.push_back({id, 10 + id});
    if (random_.OneIn(2)) region.range.start = "a";
    return {{region}};
  }

  const Region& Any(const State& state) {
    auto it = state.regions.begin();
    std::advance(it, random_.Uniform(state.regions.size()));
    return it->second.region;
  }
  std::string Key() {
    return std::string(1 + random_.Uniform(2), static_cast<char>('a' + random_.Uniform(26)));
  }
  // Given out, most of the time.
  uint64_t Id(const State& state) { return 1 + random_.Uniform(state.id_fence + 2); }

  TransitionPlanned PeerChange(const State& state) {
    Region to = Any(state);
    TransitionPlanned plan = {.kind = TransitionKind::kPeerChange, .from = {to}};
    to.epoch.conf_version++;
    const size_t which = random_.Uniform(to.peers.size());
    switch (random_.Uniform(3)) {
      case 0:
        to.peers.push_back({1 + random_.Uniform(8), Id(state),
                            static_cast<topology::PeerRole>(random_.Uniform(2))});
        break;
      case 1:
        to.peers.erase(to.peers.begin() + static_cast<ptrdiff_t>(which));
        break;
      default:
        to.peers[which].role = static_cast<topology::PeerRole>(random_.Uniform(2));
    }
    plan.to = {to};
    return plan;
  }

  TransitionPlanned Split(const State& state) {
    const Region from = Any(state);
    Region left = from;
    Region right = from;
    left.range.end = right.range.start = Key();
    left.epoch.version++;
    right.epoch.version++;
    Region& added = random_.OneIn(2) ? left : right;
    added.id = Id(state);
    for (topology::Peer& peer : added.peers) peer.peer = Id(state);
    return {.kind = TransitionKind::kSplit, .from = {from}, .to = {left, right}};
  }

  TransitionPlanned Merge(const State& state) {
    const Region left = Any(state);
    const RegionRecord* next = RegionOf(state, left.range.end);
    Region to = random_.OneIn(2) ? left : next->region;
    to.range = {left.range.start, next->region.range.end};
    to.epoch.version = std::max(left.epoch.version, next->region.epoch.version) + 1;
    return {.kind = TransitionKind::kMerge, .from = {left, next->region}, .to = {to}};
  }

  // Says what it waits for; now and then something about it is wrong.
  TransitionPlanned Spoiled(TransitionPlanned plan) {
    plan.waits_for = "the test";
    if (!random_.OneIn(5)) return plan;
    auto& side = random_.OneIn(2) ? plan.from : plan.to;
    Region& region = side[random_.Uniform(side.size())];
    switch (random_.Uniform(6)) {
      case 0:
        region.epoch.version -= random_.Uniform(2);
        break;
      case 1:
        region.range.end = Key();
        break;
      case 2:
        region.range.start = Key();
        break;
      case 3:
        side.push_back(region);
        break;
      case 4:
        region.id = 1 + random_.Uniform(4);
        break;
      default:
        plan.waits_for = "";
    }
    return plan;
  }

  TransitionMoved Move(const State& state) {
    TransitionMoved move = {.id = "split:1:61",
                            .step = static_cast<TransitionStep>(random_.Uniform(6)),
                            .text = random_.OneIn(8) ? "" : "the test"};
    if (!state.transitions.empty() && !random_.OneIn(16)) {
      auto it = state.transitions.begin();
      std::advance(it, random_.Uniform(state.transitions.size()));
      move.id = it->first;
    } else if (!state.ended.empty()) {
      move.id = state.ended[random_.Uniform(state.ended.size())].id;
    }
    return move;
  }

  base::Random random_;
};

void ExpectNothingWentBack(const State& before, const State& after) {
  EXPECT_GE(after.revision, before.revision);
  EXPECT_GE(after.layout_epoch, before.layout_epoch);
  EXPECT_GE(after.id_fence, before.id_fence);
  EXPECT_GE(after.timestamp_fence, before.timestamp_fence);
  EXPECT_GE(after.lease.generation, before.lease.generation);
  if (before.lease.in_force && after.lease.in_force &&
      before.lease.generation == after.lease.generation) {
    EXPECT_EQ(before.lease.holder, after.lease.holder) << "one holder to a generation";
  }
  for (const auto& [start, record] : before.regions) {
    const RegionRecord* now = FindRegion(after, record.region.id);
    if (now != nullptr) {
      EXPECT_TRUE(topology::NotBehind(now->region.epoch, record.region.epoch));
    }
  }
}

// What has been taken and refused, by name of the event.
struct Counts {
  std::map<std::string, std::pair<int, int>> by_name;
};

void RunSeed(uint64_t seed, Counts* counts) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator generator(seed);
  Machine machine;
  Machine follower;
  for (int i = 0; i < 400; i++) {
    const State before = machine.state();
    const Command command = generator.Next(before);
    const std::string bytes = EncodeCommand(command);
    const Outcome outcome = machine.Apply(bytes);
    const Outcome again = follower.Apply(bytes);
    ASSERT_EQ(outcome.status.ToString(), again.status.ToString());
    ASSERT_EQ(HashOf(machine.state()), HashOf(follower.state()));
    ASSERT_TRUE(outcome.status.ok() || machine.state() == before) << "a refusal changed the state";
    ExpectNothingWentBack(before, machine.state());
    const Status sound = CheckState(machine.state());
    ASSERT_TRUE(sound.ok()) << sound << "\nafter " << Describe(command.events[0]);
    auto& [taken, refused] = counts->by_name[std::string(NameOf(command.events[0]))];
    (outcome.status.ok() ? taken : refused)++;
    if (i % 100 == 50) {
      auto restored = Machine::Restore(follower.Snapshot(), "snapshot");
      ASSERT_TRUE(restored.ok()) << restored.status();
      follower = std::move(*restored);
    }
  }
  EXPECT_EQ(machine.Snapshot(), follower.Snapshot());
}

TEST(PropertyTest, InvariantsHoldAndReplicasAgreeUnderRandomEvents) {
  Counts counts;
  for (uint64_t seed = 1; seed <= 100; seed++) RunSeed(seed, &counts);
  // Else nothing was tested.
  for (const char* name : {"store_joined", "store_intended", "transition_planned",
                           "transition_moved", "lease_granted", "lease_ended", "window_reserved"}) {
    EXPECT_GT(counts.by_name[name].first, 100) << name << " is never taken";
    EXPECT_GT(counts.by_name[name].second, 100) << name << " is never refused";
  }
}

}  // namespace
}  // namespace nokv::metaroot
