// ValueFilter: what a compaction asks about each value that it comes across, beside whether it has
// expired.
//
// Thread safety: plain values; `judge` of two copies may be called at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "keys/keys.h"
#include "lsm/entry.h"

namespace nokv::lsm {

enum class Verdict {
  kKeep,
  kDrop,    // becomes a tombstone of the same sequence number, as an expired entry does
  kChange,  // gets another value; all else stays
};

struct FilteredValue {
  std::string_view engine_key;  // of version 0
  keys::SequenceNumber sequence = 0;
  EntryAttributes attributes;
  std::string_view value;  // empty if the filter does not read values
  int output_level = 0;
};

struct ValueFilter {
  // `*changed` is empty before. Empty: every value stays.
  std::function<Verdict(const FilteredValue& entry, std::string* changed)> judge;
  // False: values that lie apart are not fetched.
  bool reads_values = true;
  // Asked only for what is newer: snapshots see up to here.
  keys::SequenceNumber after = 0;
};

}  // namespace nokv::lsm
