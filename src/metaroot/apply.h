// What an event does to the state: the rules of the metadata root, in one place. Whoever wants to
// know whether an event would be taken asks the same code with a state of his own.
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "metaroot/event.h"
#include "metaroot/state.h"
#include "nokv/status.h"

namespace nokv::metaroot {

// A change of a state that is taken back unless it is kept: several events together leave either
// all of their effects or none. Costs what changes, not what there is.
class Edit {
 public:
  // `state` is borrowed.
  explicit Edit(State* state) : state_(*state), head_(*state) {}
  ~Edit();
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  const State& state() const { return state_; }
  StateHead& head() { return state_; }
  void SetStore(topology::StoreId id, StoreRecord store);
  void PutRegion(RegionRecord record);
  void RemoveRegion(const std::string& start);
  void PutTransition(const std::string& id, Transition transition);
  // Takes it from those under way to those that have ended.
  void EndTransition(const EndedTransition& ended);
  // From here on there is no way back.
  void Keep() { undo_.clear(), kept_ = true; }

 private:
  template <typename Map>
  void Save(Map State::* map, const typename Map::key_type& key);

  State& state_;
  const StateHead head_;
  std::vector<std::function<void(State&)>> undo_;
  bool kept_ = false;
};

// What an event did.
enum class Effect {
  kApplied,
  kNothing,  // what it wants is so already, so telling it twice does no harm
};

// Applies `event`, its revision included, or says why not; then nothing has changed:
//   kInvalidArgument     no state could take it
//   kAborted             something else has changed or is under way; look again and decide anew
//   kFailedPrecondition  this state does not take it, and will not if it is asked again
//   kNotFound            what it names is not there
//   kResourceExhausted   there are as many as there may be
Result<Effect> Apply(const Event& event, Edit* edit);

}  // namespace nokv::metaroot
