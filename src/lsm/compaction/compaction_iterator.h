// CompactionIterator: which entries and range tombstones survive a flush or a compaction.
//
// Snapshots cut the sequence numbers into stripes: everything in one stripe is seen by the same
// snapshots. So within a stripe
//   - the newest entry of an engine key replaces the older ones;
//   - a range tombstone replaces the older entries and tombstones under it.
// An expired entry of version 0 becomes a point tombstone of the same sequence number; it must not
// vanish, for an older version may wait in a lower stripe or a deeper level. Point and range
// tombstones vanish only in the lowest stripe, where all they hide is gone with them, and only if
// no deeper level covers their keys. Versions other than 0 are judged by their readers' timestamps,
// not by a clock, and so never expire here. What a filter drops is treated as expired.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/keys.h"
#include "lsm/compaction/value_filter.h"
#include "lsm/iterator/internal_iterator.h"
#include "lsm/range_tombstone.h"
#include "lsm/version/version.h"
#include "nokv/status.h"

namespace nokv::lsm {

// Answers whether tables deeper than those being merged may hold keys.
struct BottomCheck {
  const Version* version = nullptr;  // nullptr: always assume that they do
  int level = 0;                     // deeper than this

  bool NothingBelow(std::string_view prefix) const;
  bool NothingBelow(std::string_view begin, std::string_view end) const;
};

struct CompactionFilterOptions {
  // Ascending. A snapshot that is taken later must see at least every entry of the input: where
  // entries may be flushed before they are visible, the present visible sequence belongs in here.
  std::vector<keys::SequenceNumber> snapshots;
  uint64_t now_ms = 0;
  BottomCheck bottom;
  ValueFilter filter;
  // The first prefix that is not looked at any more; none: all are.
  std::optional<std::string> end = {};
  int output_level = 0;
  const Version* values = nullptr;  // where values lie apart that the filter reads
};

class CompactionIterator {
 public:
  // `input` yields all entries; `tombstones` are all range tombstones of the same tables.
  CompactionIterator(std::unique_ptr<InternalIterator> input,
                     const std::vector<std::shared_ptr<const RangeTombstoneSet>>& tombstones,
                     CompactionFilterOptions options);

  void SeekToFirst();
  // To the first survivor of `prefix` or behind it.
  void Seek(std::string_view prefix);
  // REQUIRES: Valid().
  void Next();
  bool Valid() const { return valid_; }
  // A move gives up when bytes_read() has come to `bytes_read`, however long the run of entries
  // that do not survive: then it is not valid but paused, and Resume, with a later end, goes on.
  void PauseAt(uint64_t bytes_read) { pause_at_ = bytes_read; }
  bool paused() const { return paused_; }
  // REQUIRES: paused().
  void Resume() { Advance(); }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }
  Status status() const;

  // The surviving range tombstones clipped to [begin, end); an absent bound is the end of the key
  // space.
  std::vector<RangeTombstone> TombstonesIn(const std::string* begin, const std::string* end) const;
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t entries_dropped() const { return entries_dropped_; }

 private:
  size_t StripeOf(keys::SequenceNumber sequence) const;
  // False at the end of the input, or of what is looked at of it.
  bool InputValid() const;
  // Finds the next survivor, beginning with the input's present entry, unless it has to pause.
  void Advance();
  // What becomes of a value of version 0; kChange: changed_ replaces it.
  Result<Verdict> Judge(std::string_view internal_key, const ParsedPayload& parsed);
  // Judges the input's present entry; fills key_ and value_ if it survives.
  bool Survives();

  const std::unique_ptr<InternalIterator> input_;
  const std::shared_ptr<const RangeTombstoneSet> tombstones_;
  const CompactionFilterOptions options_;
  bool valid_ = false;
  Status status_;
  std::string key_;
  std::string_view value_;
  std::string tombstone_payload_;
  std::string fetched_;          // a value that lies apart
  std::string changed_;          // by the filter
  std::string changed_payload_;  // around it
  // The engine key and stripe of the last entry judged, kept or not.
  std::string last_engine_key_;
  size_t last_stripe_ = 0;
  bool has_last_ = false;
  uint64_t bytes_read_ = 0;
  uint64_t pause_at_ = UINT64_MAX;
  bool paused_ = false;
  uint64_t entries_dropped_ = 0;
};

}  // namespace nokv::lsm
