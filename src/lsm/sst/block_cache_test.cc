#include "lsm/sst/block_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/random.h"

namespace nokv::lsm {
namespace {

BlockHandle Block(size_t bytes, char fill = 'b') {
  return std::make_shared<const std::string>(bytes, fill);
}

TEST(BlockCacheTest, NeverHoldsMoreThanItsBudget) {
  for (const uint64_t capacity : {uint64_t{10000}, uint64_t{5 << 20}, uint64_t{40 << 20}}) {
    BlockCache cache(capacity);
    base::Random random(capacity);
    for (uint64_t i = 0; i < 20000; i++) {
      cache.Insert(random.Uniform(5), random.Uniform(10000), Block(random.Uniform(9000)));
      ASSERT_LE(cache.stats().charge_bytes, capacity);
    }
    EXPECT_GT(cache.stats().charge_bytes, capacity / 2);
    EXPECT_EQ(cache.stats().capacity_bytes, capacity);
  }
}

TEST(BlockCacheTest, WhatIsReservedLeavesLessForBlocks) {
  constexpr uint64_t kCapacity = 5 << 20;
  BlockCache cache(kCapacity);
  const auto fill = [&] {
    for (uint64_t i = 0; i < 10000; i++) cache.Insert(1, i, Block(4000));
    const BlockCacheStats stats = cache.stats();
    EXPECT_EQ(stats.capacity_bytes, kCapacity);
    return stats.charge_bytes - stats.reserved_bytes;
  };
  EXPECT_GT(fill(), kCapacity * 9 / 10);
  BlockCache::Reservation some = cache.Reserve(3 << 20);
  EXPECT_LE(cache.stats().charge_bytes, kCapacity)
      << "what has no room any more is dropped at once";
  EXPECT_GT(fill(), uint64_t{1} << 20);
  BlockCache::Reservation all = cache.Reserve(kCapacity);
  EXPECT_LE(fill(), kCapacity / 8);
  EXPECT_GT(fill(), kCapacity / 10) << "something is left";
  some = BlockCache::Reservation();
  all = BlockCache::Reservation(std::move(some));
  EXPECT_EQ(cache.stats().reserved_bytes, 0U);
  EXPECT_GT(fill(), kCapacity * 9 / 10);
}

TEST(BlockCacheTest, AReservationMayOutliveTheCache) {
  BlockCache::Reservation reservation;
  {
    BlockCache cache(1 << 20);
    reservation = cache.Reserve(1000);
    EXPECT_EQ(cache.stats().reserved_bytes, 1000U);
  }
}

TEST(BlockCacheTest, ABlockThatWasUsedOutlivesOneThatWasNot) {
  BlockCache cache(4000);  // one shard; room for three
  cache.Insert(1, 0, Block(1000));
  cache.Insert(1, 1, Block(1000));
  cache.Insert(1, 2, Block(1000));
  ASSERT_NE(cache.Lookup(1, 0), nullptr);
  cache.Insert(1, 3, Block(1000));
  EXPECT_NE(cache.Lookup(1, 0), nullptr);
  EXPECT_EQ(cache.stats().evictions, 1U);
  EXPECT_EQ(cache.stats().hits, 2U);
  EXPECT_EQ(cache.stats().misses, 0U);
}

TEST(BlockCacheTest, FindsWhatItHoldsWhateverWasDroppedBeside) {
  // Blocks share places in the table: what is dropped must not hide what stands behind it.
  BlockCache cache(64 << 10);  // one shard
  cache.Insert(0, 0, Block(100));
  const uint64_t charge = cache.stats().charge_bytes;
  base::Random random(7);
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 400; i++) cache.Insert(random.Uniform(3), random.Uniform(500), Block(100));
    cache.EraseFile(random.Uniform(3));
    uint64_t found = 0;
    for (uint64_t file = 0; file < 3; file++) {
      for (uint64_t offset = 0; offset < 500; offset++) {
        if (cache.Lookup(file, offset) != nullptr) found++;
      }
    }
    ASSERT_GT(found, 0U);
    ASSERT_EQ(found * charge, cache.stats().charge_bytes) << "round " << round;
  }
}

TEST(BlockCacheTest, ABlockInUseOutlivesItsEviction) {
  BlockCache cache(2000);
  cache.Insert(1, 0, Block(1000, 'x'));
  const BlockHandle held = cache.Lookup(1, 0);
  cache.Insert(1, 1, Block(1500));
  EXPECT_EQ(cache.Lookup(1, 0), nullptr);
  EXPECT_EQ(*held, std::string(1000, 'x'));
}

TEST(BlockCacheTest, ErasingAFileDropsItsBlocksOnly) {
  BlockCache cache(32 << 20);
  for (uint64_t i = 0; i < 100; i++) {
    cache.Insert(1, i, Block(100));
    cache.Insert(2, i, Block(100));
  }
  cache.EraseFile(1);
  for (uint64_t i = 0; i < 100; i++) {
    EXPECT_EQ(cache.Lookup(1, i), nullptr);
    EXPECT_NE(cache.Lookup(2, i), nullptr);
  }
}

TEST(BlockCacheTest, InsertingTwiceChargesOnceAndNoCapacityKeepsNothing) {
  BlockCache cache(1 << 20);
  cache.Insert(1, 0, Block(1000));
  const uint64_t charge = cache.stats().charge_bytes;
  cache.Insert(1, 0, Block(1000));
  EXPECT_EQ(cache.stats().charge_bytes, charge);
  BlockCache none(0);
  none.Insert(1, 0, Block(1));
  EXPECT_EQ(none.Lookup(1, 0), nullptr);
}

TEST(BlockCacheTest, ConcurrentUseKeepsBlocksAndBudgetIntact) {
  BlockCache cache(3 << 20);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; t++) {
    threads.emplace_back([&cache, t] {
      base::Random random(t);
      for (int i = 0; i < 5000; i++) {
        const uint64_t offset = random.Uniform(1000);
        const BlockHandle block = cache.Lookup(7, offset);
        if (block == nullptr) {
          cache.Insert(7, offset, Block(4096, static_cast<char>(offset)));
        } else {
          ASSERT_EQ(block->back(), static_cast<char>(offset));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(cache.stats().charge_bytes, 3U << 20);
}

}  // namespace
}  // namespace nokv::lsm
