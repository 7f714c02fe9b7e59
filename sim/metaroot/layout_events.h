// LayoutEvents: what somebody could tell the metadata root of stores and of the layout, given what
// is known: most of the time with sense, now and then what has to be refused.
//
// Thread safety: thread-compatible.
#pragma once

#include "base/random.h"
#include "metaroot/state.h"

namespace nokv::sim {

class LayoutEvents {
 public:
  // `random` is borrowed.
  explicit LayoutEvents(base::Random* random) : random_(*random) {}

  // Stores join first, then there is a layout, then all that can change.
  metaroot::Event Next(const metaroot::State& state);

 private:
  metaroot::StoreJoined Join();
  metaroot::StoreIntended Intend(const metaroot::State& state);
  metaroot::LayoutCreated Layout(const metaroot::State& state);
  metaroot::TransitionPlanned Split(const metaroot::State& state);
  metaroot::TransitionPlanned Merge(const metaroot::State& state);
  metaroot::TransitionPlanned ChangePeer(const metaroot::State& state);
  metaroot::TransitionMoved Move(const metaroot::State& state);
  // Makes a plan one that leaves a gap, overlaps, or is of an epoch that has passed.
  void Spoil(metaroot::TransitionPlanned* plan);
  const topology::Region& Any(const metaroot::State& state);
  // That may have been given out.
  uint64_t SomeId(const metaroot::State& state);

  base::Random& random_;
};

}  // namespace nokv::sim
