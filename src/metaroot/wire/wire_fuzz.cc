// Feeds arbitrary bytes to whatever reads what comes over the wire, and to the codec of commands.
// The first byte says which. What is accepted comes back as it was when it is written again, and
// leaves the machine sound.
#include <nokv/meta/v1/root.pb.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "metaroot/machine.h"
#include "metaroot/wire/wire.h"

namespace nokv::metaroot {
namespace {

namespace wire = ::nokv::meta::v1;

Machine WithLayout() {
  Machine machine;
  (void)machine.Apply(EncodeCommand(
      {.events = {ClusterCreated{1}, StoreJoined{1, "a:1"}, StoreJoined{2, "b:1"},
                  LayoutCreated{{{.id = 1, .epoch = {1, 1}, .peers = {{1, 2}}}}},
                  LeaseGranted{"c1", 1000}, WindowReserved{WindowKind::kIds, 1, 23, 100}}}));
  return machine;
}

void TryCommand(const Command& command) {
  const std::string bytes = EncodeCommand(command);
  const bool within = !command.events.empty() && command.events.size() <= kMaxCommandEvents &&
                      bytes.size() <= kMaxCommandBytes;
  const Result<Command> again = DecodeCommand(bytes);
  NOKV_CHECK(again.ok() == within && (!within || *again == command));
  Machine machine = WithLayout();
  (void)machine.Apply(bytes);
  NOKV_CHECK(CheckState(machine.state()).ok());
}

void TryAppend(std::string_view bytes) {
  wire::AppendRequest request;
  Command command;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  if (!FromWire(request, &command).ok()) return;
  wire::AppendRequest said;
  Command read;
  ToWire(command, &said);
  NOKV_CHECK(FromWire(said, &read).ok() && read == command);
  TryCommand(command);
}

// What a node of the root tells those who follow it.
void TryWatch(std::string_view bytes) {
  wire::WatchResponse response;
  if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  for (const wire::CommittedEvent& in : response.events().events()) {
    TailEvent event;
    if (!FromWire(in, &event).ok()) continue;
    wire::CommittedEvent said;
    TailEvent read;
    ToWire(event, &said);
    NOKV_CHECK(FromWire(said, &read).ok() && read == event);
  }
  StateAssembler assembler;
  if (!assembler.Add(response.state()).ok() || !assembler.done()) return;
  const State state = assembler.Take();
  StateAssembler again;
  for (const wire::StatePart& part : ToParts(state)) NOKV_CHECK(again.Add(part).ok());
  NOKV_CHECK(again.done() && again.Take() == state);
}

void TryAnswer(std::string_view bytes) {
  const int size = static_cast<int>(bytes.size());
  if (wire::AppendResponse response; response.ParseFromArray(bytes.data(), size)) {
    (void)FromWire(response);
  }
  if (wire::StatusResponse response; response.ParseFromArray(bytes.data(), size)) {
    (void)FromWire(response);
  }
}

}  // namespace

void FuzzOne(std::string_view bytes) {
  if (bytes.empty()) return;
  const char which = bytes.front();
  bytes.remove_prefix(1);
  switch (which % 4) {
    case 0:
      return TryAppend(bytes);
    case 1:
      return TryWatch(bytes);
    case 2:
      return TryAnswer(bytes);
    default:
      if (const Result<Command> command = DecodeCommand(bytes); command.ok()) TryCommand(*command);
  }
}

}  // namespace nokv::metaroot

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nokv::metaroot::FuzzOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
