// PrefixRange: a range of key prefixes, closed or half-open. What a table covers, and what a
// compaction works on.
//
// Tables never share a prefix within a level below 0, except that one may end (exclusively, with a
// range tombstone) at the prefix where the next begins. All decisions about overlap are made here.
//
// Thread safety: plain values and pure functions.
#pragma once

#include <string>
#include <string_view>

#include "lsm/version/file_handle.h"
#include "manifest/version_edit.h"

namespace nokv::lsm {

struct PrefixRange {
  std::string begin;
  std::string end;
  bool end_inclusive = false;

  bool operator==(const PrefixRange&) const = default;

  bool Contains(std::string_view prefix) const { return prefix >= begin && !EndsBefore(prefix); }
  // True if every prefix of the range sorts before `prefix`.
  bool EndsBefore(std::string_view prefix) const {
    return end_inclusive ? end < prefix : end <= prefix;
  }
  bool Overlaps(const PrefixRange& other) const {
    return !EndsBefore(other.begin) && !other.EndsBefore(begin);
  }
  // True if it has every prefix that `other` has.
  bool Covers(const PrefixRange& other) const {
    if (other.begin < begin) return false;
    return other.end_inclusive && !end_inclusive ? other.end < end : other.end <= end;
  }
  // Grows to cover `other` too.
  void Extend(const PrefixRange& other);
};

// What `file` covers: its entries and its range tombstones.
PrefixRange RangeOf(const manifest::FileMetadata& file);
// The hull of all files. REQUIRES: `files` is not empty.
PrefixRange RangeOf(const FileList& files);

}  // namespace nokv::lsm
