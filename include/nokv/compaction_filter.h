// CompactionFilter: what a program no longer wants, or wants otherwise, told to compaction, which
// has every entry in its hands anyway.
//
// Compactions ask for values that DB::Put or a batch wrote, the newest of each key that they come
// across; when, and how often, is theirs to choose, and flushes do not ask. What is dropped reads
// as deleted from then on, what is changed as its new value. Nothing that a snapshot or an iterator
// shows changes under it: entries that it sees are not asked about, and one that is made while a
// compaction runs keeps the tables and memtables of that moment until it is released.
//
// Thread safety: called by several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nokv {

class CompactionFilter {
 public:
  enum class Verdict {
    kKeep,
    kDrop,    // as if it had been deleted when it was written
    kChange,  // as if `*new_value` had been written; expiry and user-meta stay
  };
  struct Entry {
    std::string_view key;
    std::string_view value;  // empty if the filter does not read values
    uint64_t expiry_ms = 0;  // as in PutOptions
    uint8_t user_meta = 0;
    uint64_t sequence = 0;  // place in the order of all writes of the database
    int level = 0;          // that the entry goes to; 6 is the last
  };

  virtual ~CompactionFilter() = default;
  // Must not block, nor call the database. The views live until it returns. `*new_value` is empty;
  // one that is longer than DB::Put takes is not taken, and the entry stays.
  virtual Verdict Judge(const Entry& entry, std::string* new_value) const = 0;
  // False: it judges by the key and what is beside it. Then values that lie apart from the tables
  // are not read for it, which costs a compaction more than all else that it does.
  virtual bool ReadsValues() const { return true; }
};

}  // namespace nokv
