#include "raftlog/format.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace nokv::raftlog {
namespace {

struct Payload {
  std::string bytes;
  std::vector<EntrySlot> slots;
};

constexpr wal::LogPosition kPlace{7, 4096};

const std::vector<raft::Entry> kEntries = {
    {raft::EntryType::kNormal, 3, 11, raft::Payload("eleven")},
    {raft::EntryType::kConfChangeV2, 300, 12, raft::Payload()},
};

GroupState SomeState() {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = 10;
  snapshot->term = 3;
  snapshot->data = raft::Payload("where it lies");
  snapshot->conf_state = {.voters = {1, 2},
                          .learners = {3},
                          .voters_outgoing = {1, 4},
                          .learners_next = {4},
                          .auto_leave = true};
  return {{.term = 3, .vote = 2, .commit = 10}, {2, 9}, snapshot};
}

template <typename Sink>
void PutAll(Sink& sink) {
  sink.State(5, SomeState(), true);
  sink.Entries(5, SectionKind::kEntries, kEntries);
  sink.HardState(1000, {.term = 4, .vote = 1, .commit = 12});
  sink.Entries(6, SectionKind::kMovedEntries, {kEntries.data(), 1});
  sink.Removed(8);
}

Payload Encode() {
  Payload payload;
  SectionSizer sizer;
  PutAll(sizer);
  payload.bytes.resize(sizer.bytes());
  SectionWriter writer(payload.bytes.data(), kPlace, &payload.slots);
  PutAll(writer);
  return payload;
}

TEST(RaftLogFormatTest, SectionsComeBackAsTheyWereWritten) {
  const Payload payload = Encode();
  SectionReader reader(payload.bytes, kPlace);
  Section section;
  ASSERT_TRUE(reader.Next(&section).ok());
  EXPECT_EQ(section.kind, SectionKind::kState);
  EXPECT_EQ(section.group, 5U);
  EXPECT_TRUE(section.restores);
  EXPECT_EQ(section.place, kPlace);
  EXPECT_EQ(section.state.hard_state, SomeState().hard_state);
  EXPECT_EQ(section.state.base, SomeState().base);
  EXPECT_EQ(section.state.snapshot->conf_state, SomeState().snapshot->conf_state);
  EXPECT_EQ(section.state.snapshot->data, SomeState().snapshot->data);
  EXPECT_EQ(section.state.snapshot->id(), SomeState().snapshot->id());

  ASSERT_TRUE(reader.Next(&section).ok());
  EXPECT_EQ(section.kind, SectionKind::kEntries);
  EXPECT_EQ(section.first_index, 11U);
  ASSERT_EQ(section.slots.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    const EntrySlot& slot = section.slots[i];
    EXPECT_EQ(slot.place, payload.slots[i].place);
    const auto bytes =
        std::string_view(payload.bytes).substr(slot.place.offset - kPlace.offset, slot.bytes());
    const auto entry = DecodeEntry(5, 11 + i, slot, bytes);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(*entry, kEntries[i]);
    // Neither of another group nor of another place in the log.
    EXPECT_TRUE(DecodeEntry(6, 11 + i, slot, bytes).status().IsCorruption());
    EXPECT_TRUE(DecodeEntry(5, 12 + i, slot, bytes).status().IsCorruption());
  }

  ASSERT_TRUE(reader.Next(&section).ok());
  EXPECT_EQ(section.kind, SectionKind::kHardState);
  EXPECT_EQ(section.group, 1000U);
  EXPECT_EQ(section.state.hard_state, (raft::HardState{.term = 4, .vote = 1, .commit = 12}));
  ASSERT_TRUE(reader.Next(&section).ok());
  EXPECT_EQ(section.kind, SectionKind::kMovedEntries);
  ASSERT_TRUE(reader.Next(&section).ok());
  EXPECT_EQ(section.kind, SectionKind::kRemoved);
  EXPECT_EQ(section.group, 8U);
  EXPECT_TRUE(reader.done());
}

TEST(RaftLogFormatTest, ASectionThatIsCutOffIsRefusedByPosition) {
  const Payload payload = Encode();
  for (size_t length = 1; length < payload.bytes.size(); ++length) {
    SectionReader reader(std::string_view(payload.bytes).substr(0, length), kPlace);
    Section section;
    Status status;
    while (status.ok() && !reader.done()) status = reader.Next(&section);
    if (!status.ok()) {
      EXPECT_TRUE(status.IsCorruption()) << status;
      EXPECT_NE(status.message().find("00007.wal:"), std::string_view::npos) << status;
    }
  }
}

TEST(RaftLogFormatTest, AnyBytesAreReadOrRefused) {
  base::Random random(7);
  const Payload payload = Encode();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = payload.bytes;
    for (uint64_t n = 1 + random.Uniform(4); n > 0; --n) {
      bytes[random.Uniform(bytes.size())] = static_cast<char>(random.Uniform(256));
    }
    SectionReader reader(bytes, kPlace);
    Section section;
    while (!reader.done() && reader.Next(&section).ok()) {
      EXPECT_LE(section.slots.size(), bytes.size());
    }
  }
}

TEST(RaftLogFormatTest, AnUnknownKindIsANewerFormat) {
  SectionReader reader("\x09\x01", kPlace);
  Section section;
  EXPECT_EQ(reader.Next(&section).code(), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace nokv::raftlog
