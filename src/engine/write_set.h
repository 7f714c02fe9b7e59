// WriteSet: what a transaction has written and not committed, as it would be read back, and the way
// back to its savepoints.
//
// Keys are user keys. Of several writes to one key only the last is kept: its entry is what the key
// holds; without one, a range over it says that it is deleted; without that, the transaction has
// not written it.
//
// Invariants: ranges do not touch one another; with no savepoint there is nothing to undo.
// Thread safety: thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/options.h"

namespace nokv::engine {

class WriteSet {
 public:
  struct Entry {
    bool deleted = false;
    std::string value;
    PutOptions options;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  using Ranges = std::map<std::string, std::string, std::less<>>;  // begin to end, exclusive

  void Put(std::string_view key, Entry entry);
  // REQUIRES: begin < end.
  void DeleteRange(std::string_view begin, std::string_view end);

  bool empty() const { return entries_.empty() && ranges_.empty(); }
  const Entries& entries() const { return entries_; }
  const Ranges& ranges() const { return ranges_; }
  // The deleted range over `key`; nullptr if there is none. Entries in it come later.
  const Ranges::value_type* RangeOver(std::string_view key) const;

  void SetSavepoint();
  // False if there is no savepoint.
  bool RollbackToSavepoint();
  bool ReleaseSavepoint();

  // Grows with every change; a cursor that finds it unchanged need not look again.
  uint64_t version() const { return version_; }
  // What all of it takes, roughly.
  size_t bytes() const { return bytes_; }
  // What one more write would take.
  static size_t Cost(std::string_view key, std::string_view value);

 private:
  // One write, to be taken back: what it replaced in [begin, end).
  struct Undo {
    std::string begin;
    std::string end;
    std::vector<Entries::node_type> entries;
    bool is_range = false;
    std::vector<Ranges::node_type> ranges;  // of a range: those that it swallowed
    std::string range_begin;                // and where the range begins that came of it
  };

  void Keep(Undo undo);
  void Drop(const Undo& undo);
  void TakeBack(Undo undo);

  Entries entries_;
  Ranges ranges_;
  std::vector<Undo> undo_;
  std::vector<size_t> savepoints_;  // sizes of undo_
  uint64_t version_ = 0;
  size_t bytes_ = 0;
};

}  // namespace nokv::engine
