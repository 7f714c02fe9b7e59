#include "bench/workload/inserts.h"

#include <sched.h>

#include <bit>

namespace nokv::bench {

Inserts::Inserts(uint64_t records) : next_(records), arrived_(records), done_(kWindow) {}

uint64_t Inserts::Begin() {
  const uint64_t record = next_.fetch_add(1, std::memory_order_relaxed);
  // Its place is free once the record a window before has arrived.
  while (record >= arrived() + kWindow) sched_yield();
  return record;
}

void Inserts::End(uint64_t record) {
  done_[record % kWindow].store(record + 1, std::memory_order_release);
  // Whoever fills the gap at the front moves it over all that arrived behind it.
  uint64_t front = arrived();
  while (done_[front % kWindow].load(std::memory_order_acquire) == front + 1) {
    if (arrived_.compare_exchange_weak(front, front + 1)) ++front;
  }
}

void TouchedRecords::Add(uint64_t record) {
  std::atomic<uint64_t>& word = words_[record / 64];
  const uint64_t bit = uint64_t{1} << record % 64;
  // Popular records are there already: a look costs less than a write.
  if ((word.load(std::memory_order_relaxed) & bit) == 0) {
    word.fetch_or(bit, std::memory_order_relaxed);
  }
}

uint64_t TouchedRecords::Count() const {
  uint64_t count = 0;
  for (const auto& word : words_) count += static_cast<uint64_t>(std::popcount(word.load()));
  return count;
}

}  // namespace nokv::bench
