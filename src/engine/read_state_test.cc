#include "engine/read_state.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace nokv::engine {
namespace {

std::shared_ptr<ReadState> NewState(size_t immutables) {
  auto state = std::make_shared<ReadState>();
  state->immutables.resize(immutables);
  return state;
}

TEST(CurrentReadStateTest, AThreadThatReadsNoMoreKeepsNoOldStateAlive) {
  CurrentReadState current;
  auto first = NewState(1);
  const std::weak_ptr<ReadState> watched = first;
  current.Publish(std::move(first));
  EXPECT_EQ(current.Take()->immutables.size(), 1U);
  EXPECT_FALSE(watched.expired());
  current.Publish(NewState(2));
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(current.Take()->immutables.size(), 2U);
}

TEST(CurrentReadStateTest, AStateStaysForWhoHasTakenItAndGoesAfterwards) {
  CurrentReadState current;
  auto first = NewState(1);
  const std::weak_ptr<ReadState> watched = first;
  current.Publish(std::move(first));
  {
    const auto lease = current.Take();
    current.Publish(NewState(2));
    EXPECT_EQ(lease->immutables.size(), 1U);
    EXPECT_EQ(current.Take()->immutables.size(), 2U);  // a read within a read
  }
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(current.Take()->immutables.size(), 2U);
}

// Processors that all count in one place wait for each other.
TEST(CurrentReadStateTest, WhatAThreadPinsIsNotCountedInOnePlaceForAll) {
  CurrentReadState current;
  const auto state = NewState(1);
  current.Publish(state);
  const auto pinned = current.Take().shared();
  const auto count = state.use_count();
  const std::vector<std::shared_ptr<const ReadState>> more(10, current.Take().shared());
  EXPECT_EQ(state.use_count(), count);
  EXPECT_EQ(pinned.get(), state.get());
}

TEST(CurrentReadStateTest, SeveralInTurnsOnOneThread) {
  CurrentReadState one, two;
  one.Publish(NewState(1));
  two.Publish(NewState(2));
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(one.Take()->immutables.size(), 1U);
    EXPECT_EQ(two.Take()->immutables.size(), 2U);
  }
  for (int i = 0; i < 100; i++) {
    CurrentReadState next;
    next.Publish(NewState(3));
    EXPECT_EQ(next.Take()->immutables.size(), 3U);
  }
  EXPECT_EQ(one.Take()->immutables.size(), 1U);
}

TEST(CurrentReadStateTest, ReadersNeverGoBackWhilstStatesAreReplaced) {
  CurrentReadState current;
  current.Publish(NewState(0));
  std::atomic<size_t> published{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; t++) {
    readers.emplace_back([&] {
      while (!done) {
        const size_t before = published;
        const auto lease = current.Take();
        ASSERT_GE(lease->immutables.size(), before);
      }
    });
  }
  for (size_t i = 1; i <= 2000; i++) {
    current.Publish(NewState(i));
    published = i;
  }
  done = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace nokv::engine
