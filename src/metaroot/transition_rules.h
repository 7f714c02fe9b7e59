// Which changes of the layout can be made.
//
// Thread safety: pure functions.
#pragma once

#include "metaroot/event.h"
#include "metaroot/state.h"
#include "nokv/status.h"

namespace nokv::metaroot {

// kInvalidArgument if `plan` is no change of its kind: other keys than before, epochs that do not
// rise as they must, more than one peer at once.
Status CheckShape(const TransitionPlanned& plan);

// Whether `state` takes a plan whose shape is right; errors as of Apply. OK also if it is under way
// already, or made.
Status CheckPlan(const State& state, const TransitionPlanned& plan);

// True if what is planned is under way.
bool IsUnderWay(const State& state, const TransitionPlanned& plan);
// True if the layout is as planned.
bool IsMade(const State& state, const TransitionPlanned& plan);

// Whether `regions` can be a first layout: all keys, no gap, no overlap, ids and peers once, on
// stores that there are. kInvalidArgument if not.
Status CheckFirstLayout(const State& state, const std::vector<topology::Region>& regions);

}  // namespace nokv::metaroot
