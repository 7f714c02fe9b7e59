// What a coordinator says, as messages of proto/nokv/coordinator/v1. Private to coordinator.
//
// Thread safety: pure functions.
#pragma once

#include "coordinator/catalog.h"
#include "coordinator/coordinator.h"
#include "coordinator/freshness.h"
#include "coordinator/planner.h"

namespace nokv::coordinator::v1 {
class Assessment;
class Evidence;
class GetStatusResponse;
class Operator;
class RegionInfo;
class StoreInfo;
}  // namespace nokv::coordinator::v1

namespace nokv::coordinator {

// The numbers of both sides of an enumeration are one apart: nothing on the wire stands for 0.
template <typename Wire, typename Ours>
Wire ToWireEnum(Ours value) {
  return static_cast<Wire>(static_cast<int>(value) + 1);
}

void ToWire(const RootStanding& standing, v1::Evidence* out);
void ToWire(const Operator& op, v1::Operator* out);
void ToWire(topology::StoreId id, const metaroot::StoreRecord& record, const Catalog::Now& now,
            v1::StoreInfo* out);
void ToWire(const metaroot::RegionRecord& record, const Catalog::Now& now, v1::RegionInfo* out);
// What the root would say to `event`, as of the copy.
void Assess(const metaroot::Event& event, const Catalog::Now& now, v1::Assessment* out);
void ToWire(Coordinator& coordinator, v1::GetStatusResponse* out);

}  // namespace nokv::coordinator
