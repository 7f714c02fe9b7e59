#include "lsm/memtable/sorted_keys.h"

#include <algorithm>
#include <vector>

#include "base/prefetch.h"
#include "keys/keys.h"

namespace nokv::lsm::internal {

namespace {

// A key and the first bytes in which it differs from others: most comparisons need no look at the
// key itself.
struct Tagged {
  uint64_t tag;
  KeyEntries* key;

  bool operator<(const Tagged& other) const {
    if (tag != other.tag) return tag < other.tag;
    return keys::CompareEngineKeys(key->engine_key(), other.key->engine_key()) < 0;
  }
};

std::string_view PrefixOf(const Tagged& tagged) {
  return keys::PrefixOf(tagged.key->engine_key());
}

// How many bytes all prefixes have in common.
size_t SharedBytes(const std::vector<Tagged>& keys) {
  const std::string_view first = PrefixOf(keys.front());
  size_t shared = first.size();
  for (const Tagged& key : keys) {
    const std::string_view prefix = PrefixOf(key);
    shared = std::min(shared, prefix.size());
    shared = static_cast<size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(shared), prefix.begin())
            .first -
        first.begin());
  }
  return shared;
}

// The first eight bytes as a number; missing ones are zeros, which sort as the end of a key does or
// leave a tie.
uint64_t TagOf(std::string_view bytes) {
  char tag[sizeof(uint64_t)] = {};
  std::copy_n(bytes.data(), std::min(bytes.size(), sizeof tag), tag);
  return base::LoadBigEndian64(tag);
}

void SortTagged(std::vector<Tagged>* keys) {
  const size_t shared = SharedBytes(*keys);
  for (Tagged& key : *keys) key.tag = TagOf(PrefixOf(key).substr(shared));
  std::sort(keys->begin(), keys->end());
}

}  // namespace

SortedKeys::SortedKeys(base::Arena& arena) : head_(KeyEntries::NewHead(arena)) {}

void SortedKeys::Add(KeyEntries* key) {
  key->earlier_ = last_.load(std::memory_order_relaxed);
  // Release: paired with the acquire in Sort, so that the key's fields are seen.
  while (!last_.compare_exchange_weak(key->earlier_, key, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
}

void SortedKeys::Sort() {
  // Acquire: last_ as above; sorted_ is paired with the release below, so that what was linked is
  // found.
  KeyEntries* last = last_.load(std::memory_order_acquire);
  if (sorted_.load(std::memory_order_acquire) == last) return;
  const base::MutexLock lock(mu_);
  last = last_.load(std::memory_order_acquire);
  const KeyEntries* sorted = sorted_.load(std::memory_order_relaxed);
  std::vector<Tagged> keys;
  for (KeyEntries* key = last; key != sorted; key = key->earlier_) keys.push_back({0, key});
  if (keys.empty()) return;
  SortTagged(&keys);
  Splice splice;
  splice.fill(head_);
  for (const Tagged& key : keys) {
    Advance(SeekKey(key.key->engine_key(), 0), &splice);
    Link(key.key, &splice);
  }
  sorted_.store(last, std::memory_order_release);
}

void SortedKeys::Advance(const SeekKey& target, Splice* splice) const {
  const auto passes = [&](int level) {
    const KeyEntries* next = (*splice)[static_cast<size_t>(level)]->Next(level);
    return next != nullptr && target.CompareEngineKey(next->engine_key()) > 0;
  };
  // Up to a level on which nothing lies between, then down again.
  const int top = height_.load(std::memory_order_relaxed) - 1;
  int level = 0;
  while (level < top && passes(level)) level++;
  KeyEntries* from = nullptr;
  for (; level >= 0; level--) {
    KeyEntries*& before = (*splice)[static_cast<size_t>(level)];
    // What was passed on the level above lies farther on.
    if (from != nullptr) before = from;
    while (passes(level)) from = before = before->Next(level);
  }
}

void SortedKeys::Link(KeyEntries* key, Splice* splice) {
  for (int level = 0; level < key->height_; level++) {
    KeyEntries*& before = (*splice)[static_cast<size_t>(level)];
    // Relaxed: the next store publishes it. Release: paired with the acquire in Next.
    key->tower_[level].store(before->Next(level), std::memory_order_relaxed);
    before->tower_[level].store(key, std::memory_order_release);
    before = key;
  }
  if (key->height_ > height_.load(std::memory_order_relaxed)) {
    height_.store(key->height_, std::memory_order_relaxed);
  }
}

const KeyEntries* SortedKeys::FindAtOrAfter(const SeekKey& target) const {
  const KeyEntries* key = head_;
  const KeyEntries* known_after = nullptr;  // already compared one level up
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    for (const KeyEntries* next = key->Next(level); next != known_after; next = key->Next(level)) {
      // Most comparisons lead one level down: fetch that key while this one is compared.
      if (level > 0) base::Prefetch(key->Next(level - 1));
      const int order = target.CompareEngineKey(next->engine_key());
      if (order == 0) return next;
      if (order < 0) {
        known_after = next;
        break;
      }
      key = next;
    }
  }
  return known_after;
}

const KeyEntries* SortedKeys::FindBefore(const SeekKey& target) const {
  const KeyEntries* key = head_;
  const KeyEntries* known_after = nullptr;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    for (const KeyEntries* next = key->Next(level); next != known_after; next = key->Next(level)) {
      if (target.CompareEngineKey(next->engine_key()) <= 0) {
        known_after = next;
        break;
      }
      key = next;
    }
  }
  return key == head_ ? nullptr : key;
}

const KeyEntries* SortedKeys::Last() const {
  const KeyEntries* key = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    while (const KeyEntries* next = key->Next(level)) key = next;
  }
  return key == head_ ? nullptr : key;
}

}  // namespace nokv::lsm::internal
