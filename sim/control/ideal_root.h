// IdealRoot: the metadata root as one machine that forgets nothing: the state machine of the real
// one, and what its leader does with leases. What coordinators do over it, they do over the real
// one.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "metaroot/machine.h"
#include "metaroot/state.h"

namespace nokv::sim {

class IdealRoot {
 public:
  IdealRoot();

  // `now_us` is of the clock of its machine. A lease of somebody else whose time has passed ends.
  metaroot::Outcome Append(metaroot::Command command, uint64_t now_us);
  // Its process began: leases last for their whole time from now.
  void Restarted(uint64_t now_us) { lease_since_us_ = now_us; }

  // The events after `revision`; empty: the state has to be taken.
  std::optional<std::vector<metaroot::TailEvent>> EventsAfter(uint64_t revision) const;
  // Those of them that are kept.
  std::vector<metaroot::TailEvent> Kept(uint64_t after_revision) const;
  const metaroot::State& state() const { return machine_.state(); }

 private:
  metaroot::Machine machine_;
  uint64_t lease_since_us_ = 0;
};

}  // namespace nokv::sim
