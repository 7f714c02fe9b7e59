#include "lsm/memtable/skip_list.h"

#include <cstring>
#include <new>

#include "base/check.h"
#include "base/coding.h"
#include "base/random.h"

namespace nokv::lsm::internal {

namespace {
// Farther from the hint, a search from the top is shorter.
constexpr int kMaxStepsFromHint = 12;
}  // namespace

SkipList::Node::Node(int height, uint32_t key_bytes, uint32_t payload_bytes)
    : key_bytes_(key_bytes),
      payload_bytes_(payload_bytes),
      bytes_(reinterpret_cast<char*>(next_ + height)) {
  for (int level = 0; level < height; level++) new (next_ + level) std::atomic<Node*>(nullptr);
}

SkipList::SkipList(base::Arena& arena) : arena_(arena), head_(NewNode(kMaxHeight, 0, 0)) {}

SkipList::Node* SkipList::NewNode(int height, size_t key_bytes, size_t payload_bytes) {
  NOKV_CHECK(key_bytes <= UINT32_MAX && payload_bytes <= UINT32_MAX) << "entry is too long";
  const size_t towers = static_cast<size_t>(height - 1) * sizeof(std::atomic<Node*>);
  char* memory = arena_.Allocate(sizeof(Node) + towers + key_bytes + payload_bytes);
  return new (memory)
      Node(height, static_cast<uint32_t>(key_bytes), static_cast<uint32_t>(payload_bytes));
}

int SkipList::HeightOf(uint64_t hash, uint64_t trailer) {
  uint64_t dice = base::MixSeed(hash ^ trailer);
  int height = 1;
  for (; height < kMaxHeight && dice % kBranching == 0; height++) dice /= kBranching;
  return height;
}

SkipList::Node* SkipList::FindSpliceAt(const SeekKey& target, int level, Node* before,
                                       const Node* known_after, Node** after) {
  while (true) {
    Node* next = before->Next(level);
    if (next != known_after) {
      if (level > 0) __builtin_prefetch(before->Next(level - 1));
      const int order = target.Compare(next->key());
      NOKV_CHECK(order != 0) << "an internal key was added twice";
      if (order > 0) {
        before = next;
        continue;
      }
    }
    *after = next;
    return before;
  }
}

SkipList::Node* SkipList::FindNear(const SeekKey& target, Node* hint, Node** after) {
  for (int steps = 0; steps < kMaxStepsFromHint; steps++) {
    Node* next = hint->Next(0);
    if (next == nullptr || target.Compare(next->key()) < 0) {
      *after = next;
      return hint;
    }
    hint = next;
  }
  return nullptr;
}

SkipList::Place SkipList::Insert(std::string_view engine_key, uint64_t hash, uint64_t trailer,
                                 std::string_view header, std::string_view value, Node* hint) {
  const int height = HeightOf(hash, trailer);
  Node* node =
      NewNode(height, engine_key.size() + keys::kTrailerBytes, header.size() + value.size());
  char* p = node->bytes_;
  std::memcpy(p, engine_key.data(), engine_key.size());
  base::StoreFixed64(p + engine_key.size(), trailer);
  p += node->key_bytes_;
  std::memcpy(p, header.data(), header.size());
  if (!value.empty()) std::memcpy(p + header.size(), value.data(), value.size());

  int top = height_.load(std::memory_order_relaxed);
  while (height > top && !height_.compare_exchange_weak(top, height, std::memory_order_relaxed)) {
  }
  const SeekKey target(engine_key, trailer);
  Node* before[kMaxHeight];
  Node* after[kMaxHeight];
  // A node of height 1 needs its neighbours only.
  before[0] = height == 1 && hint != nullptr ? FindNear(target, hint, &after[0]) : nullptr;
  Node* from = head_;
  Node* known_after = nullptr;  // already compared one level up
  for (int level = std::max(top, height) - 1; level >= 0 && before[0] == nullptr; level--) {
    from = FindSpliceAt(target, level, from, known_after, &after[level]);
    before[level] = from;
    known_after = after[level];
  }
  for (int level = 0; level < height; level++) {
    while (true) {
      // The release in Link publishes this store.
      node->next_[level].store(after[level], std::memory_order_relaxed);
      if (before[level]->Link(level, after[level], node)) break;
      // Another thread linked a node here first; nothing is removed, so `before` still holds.
      before[level] = FindSpliceAt(target, level, before[level], after[level], &after[level]);
    }
  }
  return {node, before[0]};
}

const SkipList::Node* SkipList::FindAtOrAfter(const SeekKey& target) const {
  const Node* node = head_;
  const Node* known_after = nullptr;  // already compared one level up
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    for (const Node* next = node->Next(level); next != known_after; next = node->Next(level)) {
      // Most comparisons lead one level down: fetch that node while this one is compared.
      if (level > 0) __builtin_prefetch(node->Next(level - 1));
      const int order = target.Compare(next->key());
      if (order == 0) return next;
      if (order < 0) {
        known_after = next;
        break;
      }
      node = next;
    }
  }
  return known_after;
}

const SkipList::Node* SkipList::FindAtOrBefore(const SeekKey& target) const {
  const Node* found = FindAtOrAfter(target);
  if (found != nullptr && target.Compare(found->key()) == 0) return found;
  return FindBefore(target);
}

const SkipList::Node* SkipList::FindBefore(const SeekKey& target) const {
  const Node* node = head_;
  const Node* known_after = nullptr;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    for (const Node* next = node->Next(level); next != known_after; next = node->Next(level)) {
      if (target.Compare(next->key()) <= 0) {
        known_after = next;
        break;
      }
      node = next;
    }
  }
  return node == head_ ? nullptr : node;
}

const SkipList::Node* SkipList::First() const {
  return head_->Next(0);
}

const SkipList::Node* SkipList::Last() const {
  const Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; level--) {
    while (const Node* next = node->Next(level)) node = next;
  }
  return node == head_ ? nullptr : node;
}

}  // namespace nokv::lsm::internal
