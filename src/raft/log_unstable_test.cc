#include "raft/log_unstable.h"

#include <gtest/gtest.h>

namespace nokv::raft {
namespace {

std::vector<Entry> Entries(const std::vector<EntryId>& ids) {
  std::vector<Entry> entries;
  for (const EntryId& id : ids) {
    Entry& entry = entries.emplace_back();
    entry.term = id.term;
    entry.index = id.index;
  }
  return entries;
}

TEST(UnstableTest, KnowsTheTermOfTheLastEntryThatWasStored) {
  Unstable unstable(1);
  unstable.Append(Entries({{2, 1}, {2, 2}, {3, 3}}));
  unstable.StableTo({3, 3});
  EXPECT_EQ(unstable.TermAt(3), 3U) << "the next message follows it: no need to ask the storage";
  EXPECT_EQ(unstable.TermAt(2), std::nullopt);
  EXPECT_EQ(unstable.TermAt(4), std::nullopt);
}

TEST(UnstableTest, AnEntryThatWasReplacedIsForgotten) {
  Unstable unstable(1);
  unstable.Append(Entries({{1, 1}, {1, 2}}));
  unstable.StableTo({1, 2});
  unstable.Append(Entries({{2, 2}}));
  EXPECT_EQ(unstable.TermAt(2), 2U);
  EXPECT_EQ(unstable.TermAt(1), std::nullopt);
  unstable.StableTo({1, 2});
  EXPECT_TRUE(unstable.HasEntries()) << "that was about the one before";
  unstable.StableTo({2, 2});
  EXPECT_FALSE(unstable.HasEntries());
  EXPECT_EQ(unstable.TermAt(2), 2U);
}

TEST(UnstableTest, ASnapshotTakesThePlaceOfWhatWasStored) {
  Unstable unstable(1);
  unstable.Append(Entries({{1, 1}, {1, 2}}));
  unstable.StableTo({1, 2});
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->index = 2;
  snapshot->term = 3;
  unstable.Restore(snapshot);
  EXPECT_EQ(unstable.TermAt(2), 3U);
  unstable.StableSnapshotTo(2);
  EXPECT_EQ(unstable.TermAt(2), std::nullopt) << "the storage has it, of another term";
}

}  // namespace
}  // namespace nokv::raft
