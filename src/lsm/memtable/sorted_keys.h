// SortedKeys: the keys of a memtable in order: a skip list that is brought up to date only when
// somebody wants the order. Writers leave new keys in a list; the first reader after them, a cursor
// or the flush, sorts what has come and links it, which costs a fraction of a search per write.
//
// Thread safety: any number of threads may add, sort and read at once. Add and the searches take no
// lock; Sort takes one if keys have come since the last.
// Invariants:
//   1. Keys are never moved or removed.
//   2. A key in the list of level n > 0 is in the list of level n - 1.
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "base/arena.h"
#include "base/mutex.h"
#include "lsm/memtable/key_entries.h"
#include "lsm/seek_key.h"

namespace nokv::lsm::internal {

class SortedKeys {
 public:
  // `arena` is borrowed.
  explicit SortedKeys(base::Arena& arena);
  SortedKeys(const SortedKeys&) = delete;
  SortedKeys& operator=(const SortedKeys&) = delete;

  // `key` has come. REQUIRES: it is not here, and no other with its engine key.
  void Add(KeyEntries* key);
  // Returns when every key that had come before the call can be found below.
  void Sort() EXCLUDES(mu_);

  // Each returns nullptr if there is no such key. Trailers of targets are ignored.
  const KeyEntries* FindAtOrAfter(const SeekKey& target) const;
  const KeyEntries* FindBefore(const SeekKey& target) const;
  const KeyEntries* First() const { return head_->Next(0); }
  const KeyEntries* Last() const;
  static const KeyEntries* After(const KeyEntries& key) { return key.Next(0); }

 private:
  static constexpr int kMaxHeight = KeyEntries::kMaxHeight;
  // Where the next key is linked: on each level, the last key before it.
  using Splice = std::array<KeyEntries*, kMaxHeight>;

  // The keys that came after `sorted_`, up to `last`, in order.
  static std::vector<KeyEntries*> InOrder(KeyEntries* last, const KeyEntries* sorted);
  // Moves `splice` on to `target`, which sorts after all that it stands on.
  void Advance(const SeekKey& target, Splice* splice) const REQUIRES(mu_);
  void Link(KeyEntries* key, Splice* splice) REQUIRES(mu_);

  KeyEntries* const head_;
  // The key that came last; the others hang on it.
  std::atomic<KeyEntries*> last_{nullptr};
  // What last_ was at the last Sort.
  std::atomic<KeyEntries*> sorted_{nullptr};
  // Only a hint where a search starts: too low a value costs time, not correctness.
  std::atomic<int> height_{1};
  base::Mutex mu_;
};

}  // namespace nokv::lsm::internal
