// LayoutHistory: every event that the metadata root has taken, judged by rules of its own, and the
// layout after each.
//
// The rules are those by which numbers and routes stay right: a window begins at the fence and is
// of the lease in force, a lease is given to one holder at a time, revisions have no hole, and
// regions cover all keys once.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metaroot/service/root_machine.h"
#include "metaroot/state.h"

namespace nokv::sim {

class LayoutHistory {
 public:
  using Layout = std::map<std::string, topology::Region>;

  // `violated` is told what must not happen.
  explicit LayoutHistory(std::function<void(const std::string&)> violated)
      : violated_(std::move(violated)) {}

  // Takes what this node knows and was not known.
  void Follow(const metaroot::RootMachine& machine);
  void Take(const metaroot::TailEvent& event);

  const metaroot::State& state() const { return state_; }
  // What there was at a revision; null: it has not been yet.
  const Layout* At(uint64_t revision) const;

 private:
  void CheckGrant(const metaroot::LeaseGranted& granted);
  void CheckWindow(const metaroot::WindowReserved& window);

  const std::function<void(const std::string&)> violated_;
  metaroot::State state_;
  std::map<uint64_t, Layout> layouts_ = {{0, {}}};  // by the revision that made it
};

}  // namespace nokv::sim
