#include "lsm/iterator/merging_iterator.h"

#include <string>
#include <utility>

#include "keys/keys.h"

namespace nokv::lsm {

namespace {

// Keeps the valid children in a binary heap with the current one on top: the smallest key when
// moving forward, the largest when moving back.
class MergingIterator : public InternalIterator {
 public:
  explicit MergingIterator(std::vector<std::unique_ptr<InternalIterator>> children)
      : children_(std::move(children)) {
    heap_.reserve(children_.size());
  }

  bool Valid() const override { return !heap_.empty(); }
  void SeekToFirst() override {
    Restart(true, [](InternalIterator& child) { child.SeekToFirst(); });
  }
  void SeekToLast() override {
    Restart(false, [](InternalIterator& child) { child.SeekToLast(); });
  }
  void Seek(std::string_view target) override {
    seeking_.clear();
    for (const auto& child : children_) {
      if (child->StartSeek(target)) seeking_.push_back(child.get());
    }
    while (!seeking_.empty()) {
      std::erase_if(seeking_,
                    [&](InternalIterator* child) { return !child->ContinueSeek(target); });
    }
    Restart(true, [](InternalIterator&) {});
  }
  void SeekForPrev(std::string_view target) override {
    Restart(false, [target](InternalIterator& child) { child.SeekForPrev(target); });
  }
  void Next() override {
    if (!forward_ && !Turn(true)) return;
    Top().Next();
    TopMoved();
  }
  void Prev() override {
    if (forward_ && !Turn(false)) return;
    Top().Prev();
    TopMoved();
  }
  std::string_view key() const override { return heap_.front().key; }
  std::string_view value() const override { return children_[heap_.front().child]->value(); }
  Status status() const override { return status_; }

 private:
  struct Item {
    std::string_view key;  // of the child; valid until the child moves
    size_t child;
  };

  InternalIterator& Top() { return *children_[heap_.front().child]; }

  // True if `a` comes out before `b` in the present direction.
  bool Before(const Item& a, const Item& b) const {
    const int order = keys::CompareInternalKeys(a.key, b.key);
    if (order != 0) return forward_ ? order < 0 : order > 0;
    return forward_ ? a.child < b.child : a.child > b.child;
  }

  // Moves every child by `move` and starts anew. The whole merge stops at the first failure.
  template <typename Move>
  void Restart(bool forward, Move move) {
    forward_ = forward;
    status_ = {};
    for (const auto& child : children_) move(*child);
    Rebuild();
  }

  bool Rebuild() {
    heap_.clear();
    next_is_known_ = false;
    for (size_t i = 0; i < children_.size(); i++) {
      if (children_[i]->Valid()) {
        heap_.push_back({children_[i]->key(), i});
      } else if (Failed(*children_[i])) {
        return false;
      }
    }
    for (size_t i = heap_.size() / 2; i > 0; i--) SiftDown(i - 1);
    return true;
  }

  bool Failed(const InternalIterator& child) {
    status_ = child.status();
    if (status_.ok()) return false;
    heap_.clear();
    return true;
  }

  // Puts all children but the current one on the other side of the current key.
  bool Turn(bool forward) {
    const size_t current = heap_.front().child;
    const std::string_view key = heap_.front().key;
    forward_ = forward;
    for (size_t i = 0; i < children_.size(); i++) {
      if (i == current) continue;
      InternalIterator& child = *children_[i];
      if (forward) {
        child.Seek(key);
        // An equal key of an earlier child came out before the current one.
        if (i < current && child.Valid() && child.key() == key) child.Next();
      } else {
        child.SeekForPrev(key);
        if (i > current && child.Valid() && child.key() == key) child.Prev();
      }
    }
    return Rebuild();
  }

  void TopMoved() {
    InternalIterator& child = Top();
    if (child.Valid()) {
      heap_.front().key = child.key();
      if (StaysOnTop()) return;
    } else {
      if (Failed(child)) return;
      heap_.front() = heap_.back();
      heap_.pop_back();
      if (heap_.empty()) return;
    }
    next_is_known_ = false;
    SiftDown(0);
  }

  // Most of the entries are of one child, so it is remembered which other one comes next.
  bool StaysOnTop() {
    if (heap_.size() == 1) return true;
    if (!std::exchange(next_is_known_, true)) next_ = FirstBelow(0);
    return !Before(heap_[next_], heap_.front());
  }

  // The first of the items below `at`, which has at least one.
  size_t FirstBelow(size_t at) const {
    const size_t left = 2 * at + 1;
    return left + 1 < heap_.size() && Before(heap_[left + 1], heap_[left]) ? left + 1 : left;
  }

  void SiftDown(size_t at) {
    const Item item = heap_[at];
    while (2 * at + 1 < heap_.size()) {
      const size_t next = FirstBelow(at);
      if (!Before(heap_[next], item)) break;
      heap_[at] = heap_[next];
      at = next;
    }
    heap_[at] = item;
  }

  const std::vector<std::unique_ptr<InternalIterator>> children_;
  std::vector<Item> heap_;
  std::vector<InternalIterator*> seeking_;  // children on their way to a target
  size_t next_ = 0;                         // in the heap, of what comes after its top
  bool next_is_known_ = false;
  bool forward_ = true;
  Status status_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children) {
  if (children.size() == 1) return std::move(children.front());
  return std::make_unique<MergingIterator>(std::move(children));
}

}  // namespace nokv::lsm
