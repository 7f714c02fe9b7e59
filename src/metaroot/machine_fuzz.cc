// Feeds arbitrary bytes to the metadata root: as a command, as a snapshot, and as the body of a
// snapshot whose frame is right. Whatever comes, the invariants hold; what is accepted survives
// being written again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/framed.h"
#include "metaroot/machine.h"

namespace {

void CheckSound(const nokv::metaroot::Machine& machine) {
  NOKV_CHECK(CheckState(machine.state()).ok());
  const auto again = nokv::metaroot::Machine::Restore(machine.Snapshot(), "fuzz");
  NOKV_CHECK(again.ok() && again->state() == machine.state() && again->tail() == machine.tail());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nokv::metaroot;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Machine machine;
  (void)machine.Apply(EncodeCommand(
      {.events = {ClusterCreated{1}, StoreJoined{1, "a:1"},
                  LayoutCreated{{{.id = 1, .epoch = {1, 1}, .peers = {{1, 2}}}}},
                  LeaseGranted{"c1", 1000}, WindowReserved{WindowKind::kIds, 1, 23, 100}}}));
  (void)machine.Apply(bytes);
  CheckSound(machine);
  (void)Machine::Restore(bytes, "fuzz");
  const auto restored = Machine::Restore(nokv::base::EncodeFramed("nokvroot", 1, bytes), "fuzz");
  if (restored.ok()) CheckSound(*restored);
  return 0;
}
