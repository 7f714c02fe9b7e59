#include "metaroot/wire/wire.h"

#include <gtest/gtest.h>
#include <nokv/meta/v1/root.pb.h>

#include <string>

#include "metaroot/machine_test_util.h"

namespace nokv::metaroot {
namespace {

namespace wire = ::nokv::meta::v1;

const std::vector<std::string>& Lines() {
  static const std::vector<std::string> lines = {
      "cluster 7",
      "store 1 a:1",
      "store 2 b:1",
      "store 3 c:1",
      "intend 3 drain",
      "layout 1[,m)1.1@1:11,2:12l 2[m,)1.1@1:21,2:22",
      "lease c1 1000",
      "window ids 1 23 100",
      "window timestamps 1 1 500",
      "plan split 1[,m)1.1@1:11,2:12l -> 1[,c)2.1@1:11,2:12l 30[c,m)2.1@1:31,2:32l",
      "plan peer_change 2[m,)1.1@1:21,2:22 -> 2[m,)1.2@1:21",
      "move split:1:63 executed the stores",
      "move peer:2:remove:2:22 cancelled nobody wants it",
      "end 1 7",
      "end 1"};
  return lines;
}

State Sample() {
  Machine machine;
  for (const std::string& line : Lines()) {
    const Outcome outcome = machine.Apply(EncodeCommand({.events = {ParseEvent(line)}}));
    EXPECT_TRUE(outcome.status.ok()) << line << ": " << outcome.status;
  }
  return machine.state();
}

TEST(WireTest, EveryKindOfEventComesBackAsItWas) {
  Command command = {.events = {}, .expected_revision = 5, .expected_layout_epoch = 0};
  for (const std::string& line : Lines()) command.events.push_back(ParseEvent(line));
  wire::AppendRequest request;
  ToWire(command, &request);
  wire::AppendRequest arrived;
  ASSERT_TRUE(arrived.ParseFromString(request.SerializeAsString()));
  Command read;
  const Status status = FromWire(arrived, &read);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(read, command);
}

TEST(WireTest, WhatIsNotKnownIsRefusedByName) {
  Command command;
  wire::AppendRequest request;
  request.add_events();
  EXPECT_EQ(FromWire(request, &command).code(), StatusCode::kInvalidArgument);
  request.mutable_events(0)->mutable_window_reserved()->set_generation(1);
  EXPECT_EQ(FromWire(request, &command).message(), "kind of window 0 is not known here");
  request.mutable_events(0)->mutable_store_intended()->set_intent(
      static_cast<wire::StoreIntent>(9));
  EXPECT_EQ(FromWire(request, &command).message(), "intent 9 is not known here");
  wire::RegionDescriptor* region =
      request.mutable_events(0)->mutable_layout_created()->add_regions();
  region->set_region_id(4);
  for (size_t i = 0; i <= topology::kMaxPeers; i++) region->add_peers();
  EXPECT_EQ(FromWire(request, &command).message(), "region 4 has too many peers");
  for (size_t i = 0; i < kMaxCommandEvents; i++) request.add_events();
  EXPECT_EQ(FromWire(request, &command).message(), "a command has at most 64 events");
}

TEST(WireTest, OutcomesSayWhyAndWhatThereIs) {
  const Outcome refused = {.status = Status::Aborted("no").WithHint("look again"),
                           .head = Sample()};
  wire::AppendResponse response;
  ToWire(refused, &response);
  const Outcome read = FromWire(response);
  EXPECT_EQ(read.status.code(), StatusCode::kAborted);
  EXPECT_EQ(read.status.hint(), "look again");
  EXPECT_EQ(read.head, refused.head);
  ToWire(Outcome{.applied = 3, .head = {}}, &response);
  EXPECT_TRUE(FromWire(response).status.ok());
  EXPECT_EQ(FromWire(response).applied, 3U);
}

TEST(WireTest, AStateInPartsComesBackAsItWas) {
  const State state = Sample();
  const std::vector<wire::StatePart> parts = ToParts(state);
  StateAssembler assembler;
  for (const wire::StatePart& part : parts) {
    EXPECT_FALSE(assembler.done());
    const Status status = assembler.Add(part);
    ASSERT_TRUE(status.ok()) << status;
  }
  ASSERT_TRUE(assembler.done());
  EXPECT_EQ(assembler.Take(), state);
}

TEST(WireTest, ALargeStateHasManyPartsAndNoneMayBeMissing) {
  State state = Sample();
  state.transitions.clear();
  const std::string last = state.regions.rbegin()->first;
  RegionRecord record = state.regions[last];
  const std::string padding(4'000, 'p');
  for (int i = 0; i < 300; i++) {
    const std::string bound = padding + std::to_string(1000 + i);
    state.regions[record.region.range.start].region.range.end = bound;
    record.region.range.start = bound;
    record.region.id = 1000 + static_cast<uint64_t>(i);
    for (topology::Peer& peer : record.region.peers) peer.peer += 100;
    state.regions[bound] = record;
  }
  ASSERT_TRUE(CheckState(state).ok()) << CheckState(state);
  const std::vector<wire::StatePart> parts = ToParts(state);
  ASSERT_GT(parts.size(), 3U);
  StateAssembler assembler;
  for (const wire::StatePart& part : parts) {
    EXPECT_LT(part.ByteSizeLong(), 2 * kWirePartBytes);
    ASSERT_TRUE(assembler.Add(part).ok());
  }
  EXPECT_EQ(assembler.Take(), state);
  ASSERT_TRUE(assembler.Add(parts[0]).ok());
  ASSERT_TRUE(assembler.Add(parts[1]).ok());
  EXPECT_FALSE(assembler.Add(parts[0]).ok()) << "another state begins";
  StateAssembler headless;
  EXPECT_FALSE(headless.Add(parts[1]).ok());
  StateAssembler holey;
  ASSERT_TRUE(holey.Add(parts[0]).ok());
  Status status;
  for (size_t i = 2; i < parts.size() && status.ok(); i++) status = holey.Add(parts[i]);
  EXPECT_FALSE(status.ok()) << "a layout with a hole is taken";
}

}  // namespace
}  // namespace nokv::metaroot
