#include "sim/control/layout_history.h"

#include <iterator>

#include "metaroot/apply.h"

namespace nokv::sim {

void LayoutHistory::Follow(const metaroot::RootMachine& machine) {
  if (machine.head().revision <= state_.revision) return;
  const metaroot::RootMachine::Tail tail = machine.TailAfter(state_.revision);
  for (const metaroot::TailEvent& event : tail.events) Take(event);
}

void LayoutHistory::Take(const metaroot::TailEvent& event) {
  const std::string name = "event " + std::to_string(event.revision);
  if (event.revision != state_.revision + 1) {
    return violated_(name + " came after revision " + std::to_string(state_.revision));
  }
  if (const auto* granted = std::get_if<metaroot::LeaseGranted>(&event.event)) CheckGrant(*granted);
  if (const auto* window = std::get_if<metaroot::WindowReserved>(&event.event)) {
    CheckWindow(*window);
  }
  const uint64_t layout_epoch = state_.layout_epoch;
  metaroot::Edit edit(&state_);
  const auto effect = metaroot::Apply(event.event, &edit);
  edit.Keep();
  if (!effect.ok() || state_.revision != event.revision) {
    violated_(name + " cannot have happened: " + effect.status().ToString());
    state_.revision = event.revision;
  }
  if (state_.layout_epoch == layout_epoch) return;
  Layout& layout = layouts_[event.revision];
  for (const auto& [start, record] : state_.regions) layout.emplace(start, record.region);
  const Status sound = metaroot::CheckState(state_);
  if (!sound.ok()) violated_("after " + name + ": " + sound.ToString());
}

void LayoutHistory::CheckGrant(const metaroot::LeaseGranted& granted) {
  if (!state_.lease.in_force || state_.lease.holder == granted.holder) return;
  violated_("the lease went to " + granted.holder + " while " + state_.lease.holder + " had it");
}

void LayoutHistory::CheckWindow(const metaroot::WindowReserved& window) {
  const uint64_t fence = metaroot::FenceOf(state_, window.kind);
  if (!state_.lease.in_force || window.generation != state_.lease.generation) {
    violated_("generation " + std::to_string(window.generation) +
              " was given a window, but the lease was not its own");
  }
  if (window.from == fence && window.until > fence) return;
  violated_("a window from " + std::to_string(window.from) + " was given away, but the fence was " +
            std::to_string(fence));
}

const LayoutHistory::Layout* LayoutHistory::At(uint64_t revision) const {
  if (revision > state_.revision) return nullptr;
  return &std::prev(layouts_.upper_bound(revision))->second;
}

}  // namespace nokv::sim
