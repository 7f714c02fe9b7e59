#include "metaroot/apply.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "metaroot/transition_rules.h"

namespace nokv::metaroot {

namespace {

constexpr uint64_t kMaxTtlMs = 3'600'000;

Status CheckText(const std::string& text, const char* what) {
  if (!text.empty() && text.size() <= kMaxNameBytes) return Status::Ok();
  return Status::InvalidArgument(std::string(what) + " is empty or longer than " +
                                 std::to_string(kMaxNameBytes) + " bytes");
}

std::string NameOfStore(topology::StoreId id) {
  return "store " + std::to_string(id);
}

// One function for each kind of event. Each judges first and changes then.
class Applier {
 public:
  explicit Applier(Edit* edit) : edit_(*edit), state_(edit->state()) {}

  Result<Effect> operator()(const ClusterCreated& event) {
    if (event.cluster_id == 0) return Status::InvalidArgument("a cluster's id is not zero");
    if (state_.cluster_id == event.cluster_id) return Effect::kNothing;
    if (state_.cluster_id != 0) {
      return Status::FailedPrecondition("this is cluster " + std::to_string(state_.cluster_id));
    }
    edit_.head().cluster_id = event.cluster_id;
    return Effect::kApplied;
  }

  Result<Effect> operator()(const StoreJoined& event) {
    if (event.store == topology::kNoId) return Status::InvalidArgument("a store's id is not zero");
    RETURN_IF_ERROR(CheckText(event.addr, "a store's address"));
    const auto known = state_.stores.find(event.store);
    if (known != state_.stores.end()) {
      if (known->second.intent == StoreIntent::kRemove) {
        return Status::FailedPrecondition(NameOfStore(event.store) + " was removed for good")
            .WithHint("give the store another id and an empty directory");
      }
      if (known->second.addr == event.addr) return Effect::kNothing;
    } else if (state_.stores.size() >= kMaxStores) {
      return Status::ResourceExhausted("there are " + std::to_string(kMaxStores) +
                                       " stores, as many as there may be");
    }
    for (const auto& [id, store] : state_.stores) {
      if (id == event.store || store.addr != event.addr) continue;
      if (store.intent == StoreIntent::kRemove) continue;
      return Status::FailedPrecondition(NameOfStore(id) + " has the address " + event.addr)
          .WithHint("remove that store, or give this one another address");
    }
    const StoreIntent intent =
        known == state_.stores.end() ? StoreIntent::kServe : known->second.intent;
    edit_.SetStore(event.store, {event.addr, intent});
    edit_.head().membership_epoch++;
    return Effect::kApplied;
  }

  Result<Effect> operator()(const StoreIntended& event) {
    const auto known = state_.stores.find(event.store);
    if (known == state_.stores.end()) {
      return Status::NotFound("there is no " + NameOfStore(event.store));
    }
    if (known->second.intent == event.intent) return Effect::kNothing;
    if (known->second.intent == StoreIntent::kRemove) {
      return Status::FailedPrecondition(NameOfStore(event.store) + " was removed for good");
    }
    if (event.intent == StoreIntent::kRemove) RETURN_IF_ERROR(CheckUnused(event.store));
    edit_.SetStore(event.store, {known->second.addr, event.intent});
    edit_.head().membership_epoch++;
    return Effect::kApplied;
  }

  Result<Effect> operator()(const LayoutCreated& event) {
    if (!state_.regions.empty()) {
      if (IsLayout(event.regions)) return Effect::kNothing;
      return Status::FailedPrecondition("there is a layout already, of " +
                                        std::to_string(state_.regions.size()) + " regions");
    }
    RETURN_IF_ERROR(CheckFirstLayout(state_, event.regions));
    edit_.head().layout_epoch++;
    for (const topology::Region& region : event.regions) {
      edit_.PutRegion({region, state_.layout_epoch});
      // Ids that are in use are not given out.
      GiveAway(region.id);
      for (const topology::Peer& peer : region.peers) GiveAway(peer.peer);
    }
    return Effect::kApplied;
  }

  Result<Effect> operator()(const TransitionPlanned& event) {
    RETURN_IF_ERROR(CheckShape(event));
    RETURN_IF_ERROR(CheckPlan(state_, event));
    if (IsUnderWay(state_, event) || IsMade(state_, event)) return Effect::kNothing;
    edit_.head().layout_epoch++;
    edit_.PutTransition(TransitionId(event),
                        {.plan = event, .waits_for = event.waits_for, .moved_at_ms = event.at_ms});
    return Effect::kApplied;
  }

  Result<Effect> operator()(const TransitionMoved& event) {
    const auto it = state_.transitions.find(event.id);
    if (it == state_.transitions.end()) return Ended(event);
    if (event.step != TransitionStep::kFinished) {
      RETURN_IF_ERROR(CheckText(event.text, "what a transition waits for, or why it ended,"));
    }
    switch (event.step) {
      case TransitionStep::kWaits:
      case TransitionStep::kRetried:
      case TransitionStep::kExecuted:
        return Go(it->second, event);
      case TransitionStep::kFinished:
        Install(it->second.plan);
        break;
      case TransitionStep::kFailed:
      case TransitionStep::kCancelled:
        if (!it->second.executed) break;
        return Status::FailedPrecondition(event.id + " is executed and can no longer be taken back")
            .WithHint("it waits for " + it->second.waits_for);
    }
    edit_.head().layout_epoch++;
    edit_.EndTransition({event.id, event.step, event.text, event.at_ms});
    return Effect::kApplied;
  }

  Result<Effect> operator()(const LeaseGranted& event) {
    RETURN_IF_ERROR(CheckText(event.holder, "the holder of a lease"));
    if (event.ttl_ms == 0 || event.ttl_ms > kMaxTtlMs) {
      return Status::InvalidArgument("a lease lasts from 1 ms to an hour");
    }
    Lease& lease = edit_.head().lease;
    if (lease.in_force && lease.holder != event.holder) {
      return Status::Aborted(lease.holder + " holds the lease, generation " +
                             std::to_string(lease.generation));
    }
    const uint64_t generation = lease.generation + (lease.in_force ? 0 : 1);
    lease = {event.holder, event.ttl_ms, generation, /*in_force=*/true, state_.revision + 1};
    return Effect::kApplied;
  }

  Result<Effect> operator()(const LeaseEnded& event) {
    Lease& lease = edit_.head().lease;
    if (event.generation > lease.generation) {
      return Status::FailedPrecondition("there was no lease of generation " +
                                        std::to_string(event.generation));
    }
    if (event.generation < lease.generation || !lease.in_force) return Effect::kNothing;
    if (!event.released && event.granted_revision != lease.granted_revision) {
      return Status::Aborted("the lease was renewed meanwhile");
    }
    lease.in_force = false;
    return Effect::kApplied;
  }

  Result<Effect> operator()(const WindowReserved& event) {
    const Lease& lease = state_.lease;
    if (!lease.in_force || event.generation != lease.generation) {
      return Status::FailedPrecondition("the lease of generation " +
                                        std::to_string(event.generation) + " is not in force");
    }
    StateHead& head = edit_.head();
    uint64_t& fence = event.kind == WindowKind::kIds ? head.id_fence : head.timestamp_fence;
    if (event.until <= event.from) return Status::InvalidArgument("a window without numbers");
    if (event.from != fence) {
      return Status::Aborted("all " + std::string(NameOf(event.kind)) + " below " +
                             std::to_string(fence) + " are given away, not below " +
                             std::to_string(event.from));
    }
    fence = event.until;
    return Effect::kApplied;
  }

 private:
  void GiveAway(uint64_t id) { edit_.head().id_fence = std::max(state_.id_fence, id + 1); }

  bool IsLayout(const std::vector<topology::Region>& regions) const {
    return regions.size() == state_.regions.size() &&
           std::equal(regions.begin(), regions.end(), state_.regions.begin(),
                      [](const auto& a, const auto& b) { return a == b.second.region; });
  }

  // A store goes only when nothing of the layout is, or shall be, on it.
  Status CheckUnused(topology::StoreId store) const {
    const auto uses = [store](const topology::Region& region) {
      return std::any_of(region.peers.begin(), region.peers.end(),
                         [store](const topology::Peer& peer) { return peer.store == store; });
    };
    const auto refused = [store](const std::string& who) {
      return Status::FailedPrecondition(NameOfStore(store) + " cannot be removed: " + who +
                                        " is on it")
          .WithHint("drain it, and wait until it is empty");
    };
    for (const auto& [start, record] : state_.regions) {
      if (uses(record.region)) return refused(topology::NameOf(record.region.id));
    }
    for (const auto& [id, transition] : state_.transitions) {
      for (const topology::Region& region : transition.plan.to) {
        if (uses(region)) return refused(id);
      }
    }
    return Status::Ok();
  }

  Result<Effect> Ended(const TransitionMoved& event) const {
    const auto ended = std::find_if(state_.ended.rbegin(), state_.ended.rend(),
                                    [&](const auto& each) { return each.id == event.id; });
    if (ended == state_.ended.rend()) {
      return Status::NotFound("there is no transition " + event.id);
    }
    if (ended->step == event.step) return Effect::kNothing;
    return Status::FailedPrecondition(event.id + " has " + std::string(NameOf(ended->step)) +
                                      " already");
  }

  Result<Effect> Go(Transition transition, const TransitionMoved& event) {
    transition.executed = transition.executed || event.step == TransitionStep::kExecuted;
    if (event.step == TransitionStep::kRetried) transition.attempts++;
    transition.waits_for = event.text;
    transition.moved_at_ms = event.at_ms;
    edit_.PutTransition(event.id, std::move(transition));
    return Effect::kApplied;
  }

  void Install(const TransitionPlanned& plan) {
    for (const topology::Region& region : plan.from) edit_.RemoveRegion(region.range.start);
    for (const topology::Region& region : plan.to) {
      edit_.PutRegion({region, state_.layout_epoch + 1});
    }
  }

  Edit& edit_;
  const State& state_;
};

}  // namespace

Result<Effect> Apply(const Event& event, Edit* edit) {
  if (edit->state().cluster_id == 0 && !std::holds_alternative<ClusterCreated>(event)) {
    return Status::FailedPrecondition("there is no cluster yet");
  }
  Result<Effect> effect = std::visit(Applier(edit), event);
  if (effect.ok() && *effect == Effect::kApplied) edit->head().revision++;
  return effect;
}

}  // namespace nokv::metaroot
