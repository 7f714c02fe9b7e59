#include "lsm/compaction/entries_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lsm/entry.h"
#include "vlog/value_file.h"

namespace nokv::lsm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kFar = 100'000;
constexpr uint64_t kInMemory = vlog::kFromDiskMicros - 1;
constexpr uint64_t kFromDisk = vlog::kFromDiskMicros;

class EntriesAheadTest : public testing::Test {
 protected:
  EntriesAhead New(bool on_disk) {
    return EntriesAhead(
        [this](const vlog::ValuePointer& pointer) { return pointer.file.number != stays_; },
        [this](const vlog::ValueFileId& file, const vlog::ValueRuns::Extent& extent) {
          asked_.push_back(std::to_string(file.number) + ":" + std::to_string(extent.begin) + "+" +
                           std::to_string(extent.end - extent.begin));
        },
        on_disk);
  }
  // An entry with a value of 1,000 bytes there.
  static void Push(EntriesAhead& ahead, uint64_t offset, uint64_t file = 1) {
    vlog::ValuePointer pointer;
    pointer.file.number = file;
    pointer.offset = offset;
    pointer.length = 1000;
    std::string payload;
    AppendApartPayload({}, pointer, &payload);
    ahead.Push("key at " + std::to_string(offset), payload);
  }

  uint64_t stays_ = 0;
  std::vector<std::string> asked_;
};

TEST_F(EntriesAheadTest, EntriesComeBackInTheirOrder) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  uint64_t pushed = 0;
  uint64_t popped = 0;
  // Around the ring more than once.
  while (popped < 3 * EntriesAhead::kEntries) {
    while (!ahead.IsDue(0)) Push(ahead, pushed++ * kFar);
    for (int i = 0; i < 5; i++, ahead.Pop()) {
      ASSERT_EQ(ahead.internal_key(), "key at " + std::to_string(popped++ * kFar));
    }
  }
  EXPECT_EQ(pushed - popped, EntriesAhead::kEntries - 5);
}

TEST_F(EntriesAheadTest, LongEntriesAreNotKeptInGreatNumbers) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  std::string payload;
  AppendEntryPayload({}, std::string(EntriesAhead::kBytes / 2, 'v'), &payload);
  ahead.Push("a", payload);
  EXPECT_FALSE(ahead.IsDue(0));
  ahead.Push("b", payload);
  EXPECT_TRUE(ahead.IsDue(0));
  ahead.Pop();
  EXPECT_FALSE(ahead.IsDue(1));
}

TEST_F(EntriesAheadTest, LongEntriesAreDueThoughItAsksForNothing) {
  EntriesAhead ahead = New(/*on_disk=*/false);
  for (int i = 0; i < 3; i++) ahead.Push("short", "");
  ahead.Push("long", std::string(EntriesAhead::kBytes, 'v'));
  size_t popped = 0;
  for (; ahead.IsDue(popped); popped++) ahead.Pop();
  EXPECT_EQ(popped, 4U);
}

TEST_F(EntriesAheadTest, ItEmptiesWhenItAsksForNothingAnyMore) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  for (uint32_t i = 0; i < EntriesAhead::kColdValues; i++) {
    if (ahead.IsDue(0)) ahead.Pop();
    Push(ahead, i * kFar);
  }
  EXPECT_FALSE(ahead.asks());
  size_t steps = 0;
  for (; !ahead.empty(); steps++) {
    size_t popped = 0;
    for (; ahead.IsDue(popped); popped++) ahead.Pop();
    ASSERT_LE(popped, 2U);
    if (!ahead.empty()) Push(ahead, 0);
  }
  EXPECT_LE(steps, EntriesAhead::kEntries);
}

TEST_F(EntriesAheadTest, ValuesInMemoryAreNotAskedFor) {
  EntriesAhead ahead = New(/*on_disk=*/false);
  for (uint64_t i = 0; i < 10; i++) Push(ahead, i * kFar);
  ASSERT_TRUE(ahead.TimesRead());
  ahead.NoteRead(kInMemory);
  Push(ahead, 10 * kFar);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EntriesAheadTest, OnceTwoHadToBeWaitedForAllBehindThemAreAskedFor) {
  EntriesAhead ahead = New(/*on_disk=*/false);
  for (uint64_t i = 0; i < 3; i++) Push(ahead, i * kFar);
  ahead.NoteRead(kFromDisk);
  ahead.NoteRead(kInMemory);
  ahead.NoteRead(kFromDisk);
  EXPECT_THAT(asked_, IsEmpty()) << "one alone";
  ahead.NoteRead(kFromDisk);
  EXPECT_THAT(asked_, ElementsAre("1:100000+1000", "1:200000+1000"));
  asked_.clear();
  Push(ahead, 3 * kFar);
  EXPECT_THAT(asked_, ElementsAre("1:300000+1000"));
  asked_.clear();
  ahead.NoteRead(kFromDisk);
  EXPECT_THAT(asked_, IsEmpty()) << "they were asked for";
}

TEST_F(EntriesAheadTest, ValuesThatStayWhereTheyAreAreNotAskedFor) {
  stays_ = 2;
  EntriesAhead ahead = New(/*on_disk=*/true);
  Push(ahead, 0, 2);
  Push(ahead, kFar, 3);
  EXPECT_THAT(asked_, ElementsAre("3:100000+1000"));
}

TEST_F(EntriesAheadTest, WhatIsNoEntryWithAValueApartAsksForNothing) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  ahead.Push("key", "\xff");
  EXPECT_EQ(ahead.payload(), "\xff");
  std::string payload;
  AppendEntryPayload({}, "here", &payload);
  ahead.Push("key", payload);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EntriesAheadTest, ValuesOneBehindTheOtherAreAskedForByPieces) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  for (uint64_t i = 0; i < 40; i++) Push(ahead, i * 1000);
  EXPECT_THAT(asked_, SizeIs(testing::Lt(5)));
}

TEST_F(EntriesAheadTest, WhetherValuesAreInMemoryIsFoundOutAgain) {
  EntriesAhead ahead = New(/*on_disk=*/true);
  const auto pass = [&](uint64_t entries) {
    for (uint64_t i = 0; i < entries; i++, ahead.Pop()) Push(ahead, i % 2 * kFar, 1 + i % 9);
  };
  pass(EntriesAhead::kColdValues);
  EXPECT_THAT(asked_, SizeIs(EntriesAhead::kColdValues));
  pass(10);
  EXPECT_THAT(asked_, SizeIs(EntriesAhead::kColdValues)) << "as if they were in memory";
  int timed = 0;
  for (uint32_t i = 0; i < 10 * EntriesAhead::kTimed; i++) timed += ahead.TimesRead() ? 1 : 0;
  EXPECT_EQ(timed, 10);
  for (uint32_t i = 0; i < EntriesAhead::kSlowReads; i++) ahead.NoteRead(kFromDisk);
  pass(10);
  EXPECT_THAT(asked_, SizeIs(EntriesAhead::kColdValues + 10));
}

}  // namespace
}  // namespace nokv::lsm
