#include <utility>

#include "metaroot/apply.h"

namespace nokv::metaroot {

Edit::~Edit() {
  if (kept_) return;
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)(state_);
  static_cast<StateHead&>(state_) = head_;
}

template <typename Map>
void Edit::Save(Map State::* map, const typename Map::key_type& key) {
  const auto it = (state_.*map).find(key);
  std::optional<typename Map::mapped_type> before;
  if (it != (state_.*map).end()) before = it->second;
  undo_.push_back([map, key, before = std::move(before)](State& state) {
    if (before.has_value()) {
      (state.*map).insert_or_assign(key, *before);
    } else {
      (state.*map).erase(key);
    }
  });
}

void Edit::SetStore(topology::StoreId id, StoreRecord store) {
  Save(&State::stores, id);
  state_.stores.insert_or_assign(id, std::move(store));
}

void Edit::PutRegion(RegionRecord record) {
  const std::string start = record.region.range.start;
  Save(&State::regions, start);
  state_.regions.insert_or_assign(start, std::move(record));
}

void Edit::RemoveRegion(const std::string& start) {
  Save(&State::regions, start);
  state_.regions.erase(start);
}

void Edit::PutTransition(const std::string& id, Transition transition) {
  Save(&State::transitions, id);
  state_.transitions.insert_or_assign(id, std::move(transition));
}

void Edit::EndTransition(const EndedTransition& ended) {
  Save(&State::transitions, ended.id);
  state_.transitions.erase(ended.id);
  undo_.push_back([before = state_.ended](State& state) { state.ended = before; });
  state_.ended.push_back(ended);
  if (state_.ended.size() > kMaxEnded) state_.ended.pop_front();
}

}  // namespace nokv::metaroot
