// SkipList: a sorted set of (internal key, payload) pairs in an arena, with concurrent inserts and
// no deletion.
//
// Thread safety: any number of threads may insert and read at once, without locks.
// Invariants:
//   1. Nodes are never moved or removed; key, payload and height of a linked node never change.
//   2. A node in the list of level n > 0 is in the list of level n - 1.
//   3. A node's height depends only on its key and sequence number, so the shape of the list does
//      not depend on who inserted what first.
//   4. The chain of older entries on a node belongs to HashIndex.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "lsm/seek_key.h"

namespace nokv::lsm::internal {

class SkipList {
 public:
  class Node;

  // `arena` is borrowed.
  explicit SkipList(base::Arena& arena);
  SkipList(const SkipList&) = delete;
  SkipList& operator=(const SkipList&) = delete;

  // Where a node was linked: `before` is the one in front of it.
  struct Place {
    Node* node;
    Node* before;
  };
  // Makes a node for `engine_key`, whose hash is `hash`, and `trailer`, with the payload `header`
  // and `value`, one after the other, and links it. `hint` may be any node that sorts before it;
  // if it stands near, most nodes are linked without a search. REQUIRES: no equal key is in the
  // list.
  Place Insert(std::string_view engine_key, uint64_t hash, uint64_t trailer,
               std::string_view header, std::string_view value, Node* hint = nullptr);

  // Each returns nullptr if there is no such node.
  const Node* FindAtOrAfter(const SeekKey& target) const;
  const Node* FindAtOrBefore(const SeekKey& target) const;
  const Node* FindBefore(const SeekKey& target) const;
  const Node* First() const;
  const Node* Last() const;

 private:
  static constexpr int kMaxHeight = 12;
  static constexpr uint64_t kBranching = 4;

  static int HeightOf(uint64_t hash, uint64_t trailer);
  Node* NewNode(int height, size_t key_bytes, size_t payload_bytes);
  // Moves from `before` along `level` to the last node before `target`; `*after` is the next one.
  // `known_after` sorts after `target` (nullptr: the end), and so need not be compared.
  static Node* FindSpliceAt(const SeekKey& target, int level, Node* before, const Node* known_after,
                            Node** after);

  // As FindSpliceAt at level 0, but gives up (nullptr) if `hint` is not near.
  static Node* FindNear(const SeekKey& target, Node* hint, Node** after);

  base::Arena& arena_;
  // Only a hint where a search starts: too low a value costs time, not correctness.
  std::atomic<int> height_{1};
  Node* const head_;
};

// key_bytes | payload_bytes | bytes | older | next[height] | key | payload, in one piece of the
// arena.
class SkipList::Node {
 public:
  std::string_view key() const { return {bytes_, key_bytes_}; }
  std::string_view payload() const { return {bytes_ + key_bytes_, payload_bytes_}; }
  // Acquire: paired with the release in Link, so that whoever finds a node sees its bytes.
  Node* Next(int level) const { return next_[level].load(std::memory_order_acquire); }
  // The next older entry of the same engine key, as far as the hash index has it. Acquire: paired
  // with the release in HashIndex::InsertVersion.
  const Node* Older() const { return older_.load(std::memory_order_acquire); }

 private:
  friend class SkipList;
  friend class HashIndex;
  Node(int height, uint32_t key_bytes, uint32_t payload_bytes);

  // Release: paired with the acquire in Next.
  bool Link(int level, Node* expected, Node* node) {
    return next_[level].compare_exchange_strong(expected, node, std::memory_order_release,
                                                std::memory_order_relaxed);
  }

  const uint32_t key_bytes_;
  const uint32_t payload_bytes_;
  char* const bytes_;  // behind next_
  std::atomic<Node*> older_{nullptr};
  std::atomic<Node*> next_[1];  // `height` of them
};

}  // namespace nokv::lsm::internal
