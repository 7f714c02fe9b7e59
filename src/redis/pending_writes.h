// PendingWrites: what a transaction is going to write, in the order of the keys, over what the
// backend holds.
//
// There is at most one write for a key: the last. Range deletes come before all of them: what one
// of them covers and was not written since is deleted. So memory is bounded by the keys that are
// written and the values that they end up with, not by the number of writes.
//
// Thread safety: thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "redis/backend.h"
#include "redis/layout.h"

namespace nokv::redis {

class PendingWrites {
 public:
  PendingWrites() = default;
  PendingWrites(const PendingWrites&) = delete;
  PendingWrites& operator=(const PendingWrites&) = delete;

  bool empty() const { return writes_.empty() && ranges_.empty(); }
  // The write that decides about `key`, a kPut or kDelete; null: the backend does. Good until the
  // next change.
  const Write* Find(std::string_view key) const;
  void Add(Write write);
  void DeleteRange(KeyRange range);

  // Walks the keys in [begin, end), an empty `end` being the end of all, as they will be once the
  // writes are committed. There must be no change while the cursor lives.
  std::unique_ptr<KeyCursor> Scan(Backend& backend, std::string_view begin,
                                  std::string_view end) const;

  // A state to which the writes can be taken back. Savepoints nest: each must be ended, by
  // RollBackTo or Release, before those that were made earlier.
  struct Savepoint {
    bool empty;  // nothing was written: going back needs no record of the changes
    size_t undos;
    size_t ranges;
  };
  Savepoint Save();
  void RollBackTo(const Savepoint& savepoint);
  void Release(const Savepoint& savepoint);

  // Moves all out, in an order that means the same.
  std::vector<Write> Take();

 private:
  struct ByKey {
    using is_transparent = void;
    static std::string_view KeyOf(const Write& write) { return write.key; }
    static std::string_view KeyOf(std::string_view key) { return key; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) < KeyOf(b);
    }
  };
  using Writes = std::pmr::set<Write, ByKey>;
  // How to take one change back: remove `added`, or put `replaced` in its place.
  struct Undo {
    std::string added;
    Writes::node_type replaced;
  };
  class MergedCursor;

  bool Covers(std::string_view key) const;

  // Most transactions write a key, its expiry and a count: that fits in here.
  std::array<std::byte, 768> buffer_;
  std::pmr::monotonic_buffer_resource arena_{buffer_.data(), buffer_.size()};
  Writes writes_{&arena_};
  std::vector<KeyRange> ranges_;
  std::vector<Undo> undos_;  // newest last
  int recording_ = 0;        // savepoints that need undos
};

}  // namespace nokv::redis
