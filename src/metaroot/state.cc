#include "metaroot/state.h"

#include <set>

#include "base/coding.h"
#include "base/hash.h"
#include "base/macros.h"
#include "metaroot/transition_rules.h"

namespace nokv::metaroot {

namespace {

using base::GetLengthPrefixed;
using base::GetVarint64;
using base::PutLengthPrefixed;
using base::PutVarint64;

bool GetText(std::string_view* in, std::string* text, size_t limit) {
  std::string_view view;
  if (!GetLengthPrefixed(in, &view) || view.size() > limit) return false;
  *text = view;
  return true;
}

bool GetBool(std::string_view* in, bool* value) {
  uint64_t number = 0;
  if (!GetVarint64(in, &number) || number > 1) return false;
  *value = number == 1;
  return true;
}

void EncodeTransition(const Transition& transition, std::string* out) {
  EncodeEvent(transition.plan, out);
  PutVarint64(out, transition.executed ? 1 : 0);
  PutVarint64(out, transition.attempts);
  PutLengthPrefixed(out, transition.waits_for);
  PutVarint64(out, transition.moved_at_ms);
}

bool DecodeTransition(std::string_view* in, Transition* transition) {
  Event event;
  if (!DecodeEvent(in, &event)) return false;
  auto* plan = std::get_if<TransitionPlanned>(&event);
  if (plan == nullptr) return false;
  transition->plan = std::move(*plan);
  return GetBool(in, &transition->executed) && GetVarint64(in, &transition->attempts) &&
         GetText(in, &transition->waits_for, kMaxNameBytes) &&
         GetVarint64(in, &transition->moved_at_ms);
}

// Number of elements, then each; `read` answers whether it could.
template <typename Read>
bool GetEach(std::string_view* in, size_t limit, const Read& read) {
  uint64_t count = 0;
  if (!GetVarint64(in, &count) || count > limit) return false;
  for (uint64_t i = 0; i < count; i++) {
    if (!read()) return false;
  }
  return true;
}

bool DecodeStores(std::string_view* in, State* state) {
  return GetEach(in, kMaxStores, [&] {
    topology::StoreId id = 0;
    StoreRecord store;
    uint64_t intent = 0;
    if (!GetVarint64(in, &id) || !GetText(in, &store.addr, kMaxNameBytes) ||
        !GetVarint64(in, &intent) || intent > static_cast<uint64_t>(StoreIntent::kRemove)) {
      return false;
    }
    store.intent = static_cast<StoreIntent>(intent);
    const bool rises = state->stores.empty() || state->stores.rbegin()->first < id;
    return rises && state->stores.emplace(id, std::move(store)).second;
  });
}

bool DecodeRegions(std::string_view* in, State* state) {
  return GetEach(in, SIZE_MAX, [&] {
    RegionRecord record;
    if (!topology::DecodeRegion(in, &record.region) || !GetVarint64(in, &record.layout_epoch)) {
      return false;
    }
    const std::string& start = record.region.range.start;
    const bool rises = state->regions.empty() || state->regions.rbegin()->first < start;
    return rises && state->regions.emplace(start, record).second;
  });
}

bool DecodeTransitions(std::string_view* in, State* state) {
  return GetEach(in, kMaxTransitions, [&] {
    Transition transition;
    if (!DecodeTransition(in, &transition)) return false;
    const std::string id = TransitionId(transition.plan);
    const bool rises = state->transitions.empty() || state->transitions.rbegin()->first < id;
    return rises && state->transitions.emplace(id, std::move(transition)).second;
  });
}

bool DecodeEnded(std::string_view* in, State* state) {
  return GetEach(in, kMaxEnded, [&] {
    EndedTransition& ended = state->ended.emplace_back();
    uint64_t step = 0;
    if (!GetText(in, &ended.id, kMaxIdBytes) || !GetVarint64(in, &step) ||
        step < static_cast<uint64_t>(TransitionStep::kFinished) ||
        step > static_cast<uint64_t>(TransitionStep::kCancelled)) {
      return false;
    }
    ended.step = static_cast<TransitionStep>(step);
    return GetText(in, &ended.text, kMaxNameBytes) && GetVarint64(in, &ended.at_ms);
  });
}

Status Broken(const std::string& what) {
  return Status::Internal("the state of the metadata root: " + what);
}

Status CheckLayout(const State& state) {
  std::set<topology::RegionId> ids;
  std::set<topology::PeerId> peers;
  std::string next;  // where the region after this one must begin
  for (const auto& [start, record] : state.regions) {
    const topology::Region& region = record.region;
    RETURN_IF_ERROR(topology::CheckRegion(region));
    const bool is_first = ids.empty();
    if (start != region.range.start || start != next || (next.empty() && !is_first)) {
      return Broken(topology::NameOf(region.id) + " does not begin where the one before ends");
    }
    if (!ids.insert(region.id).second) return Broken(topology::NameOf(region.id) + " is twice");
    for (const topology::Peer& peer : region.peers) {
      if (!peers.insert(peer.peer).second) return Broken("a peer is in two regions");
      const auto store = state.stores.find(peer.store);
      if (store == state.stores.end() || store->second.intent == StoreIntent::kRemove) {
        return Broken(topology::NameOf(region.id) + " is on a store that is not there");
      }
    }
    next = region.range.end;
  }
  if (!next.empty()) return Broken("the last region has an end");
  return Status::Ok();
}

}  // namespace

const RegionRecord* RegionOf(const State& state, std::string_view key) {
  auto it = state.regions.upper_bound(std::string(key));
  if (it == state.regions.begin()) return nullptr;
  return &std::prev(it)->second;
}

const RegionRecord* FindRegion(const State& state, topology::RegionId id) {
  for (const auto& [start, record] : state.regions) {
    if (record.region.id == id) return &record;
  }
  return nullptr;
}

const Transition* TransitionOf(const State& state, topology::RegionId id) {
  for (const auto& [name, transition] : state.transitions) {
    for (const topology::Region& region : transition.plan.from) {
      if (region.id == id) return &transition;
    }
  }
  return nullptr;
}

uint64_t FenceOf(const State& state, WindowKind kind) {
  return kind == WindowKind::kIds ? state.id_fence : state.timestamp_fence;
}

Status CheckState(const State& state) {
  RETURN_IF_ERROR(CheckLayout(state));
  std::set<std::string> addrs;
  for (const auto& [id, store] : state.stores) {
    if (store.intent != StoreIntent::kRemove && !addrs.insert(store.addr).second) {
      return Broken("two stores have the address " + store.addr);
    }
  }
  std::set<topology::RegionId> in_transition;
  for (const auto& [id, transition] : state.transitions) {
    if (transition.waits_for.empty()) return Broken(id + " does not say what it waits for");
    RETURN_IF_ERROR(CheckShape(transition.plan));
    for (const topology::Region& region : transition.plan.from) {
      const RegionRecord* record = RegionOf(state, region.range.start);
      if (record == nullptr || record->region != region)
        return Broken(id + " is of another layout");
      if (!in_transition.insert(region.id).second) {
        return Broken(topology::NameOf(region.id) + " is in two transitions");
      }
    }
  }
  if (state.lease.in_force && state.lease.generation == 0)
    return Broken("a lease of no generation");
  if (state.lease.granted_revision > state.revision) return Broken("a lease of the future");
  return Status::Ok();
}

void EncodeState(const State& state, std::string* out) {
  for (const uint64_t number :
       {state.cluster_id, state.revision, state.layout_epoch, state.membership_epoch,
        state.id_fence, state.timestamp_fence, state.lease.ttl_ms, state.lease.generation,
        state.lease.granted_revision}) {
    PutVarint64(out, number);
  }
  PutVarint64(out, state.lease.in_force ? 1 : 0);
  PutLengthPrefixed(out, state.lease.holder);
  PutVarint64(out, state.stores.size());
  for (const auto& [id, store] : state.stores) {
    PutVarint64(out, id);
    PutLengthPrefixed(out, store.addr);
    PutVarint64(out, static_cast<uint64_t>(store.intent));
  }
  PutVarint64(out, state.regions.size());
  for (const auto& [start, record] : state.regions) {
    topology::EncodeRegion(record.region, out);
    PutVarint64(out, record.layout_epoch);
  }
  PutVarint64(out, state.transitions.size());
  for (const auto& [id, transition] : state.transitions) EncodeTransition(transition, out);
  PutVarint64(out, state.ended.size());
  for (const EndedTransition& ended : state.ended) {
    PutLengthPrefixed(out, ended.id);
    PutVarint64(out, static_cast<uint64_t>(ended.step));
    PutLengthPrefixed(out, ended.text);
    PutVarint64(out, ended.at_ms);
  }
}

bool DecodeState(std::string_view* in, State* state) {
  *state = State();
  for (uint64_t* number :
       {&state->cluster_id, &state->revision, &state->layout_epoch, &state->membership_epoch,
        &state->id_fence, &state->timestamp_fence, &state->lease.ttl_ms, &state->lease.generation,
        &state->lease.granted_revision}) {
    if (!GetVarint64(in, number)) return false;
  }
  return GetBool(in, &state->lease.in_force) && GetText(in, &state->lease.holder, kMaxNameBytes) &&
         DecodeStores(in, state) && DecodeRegions(in, state) && DecodeTransitions(in, state) &&
         DecodeEnded(in, state);
}

uint64_t HashOf(const State& state) {
  std::string bytes;
  EncodeState(state, &bytes);
  return base::Hash64(bytes);
}

}  // namespace nokv::metaroot
