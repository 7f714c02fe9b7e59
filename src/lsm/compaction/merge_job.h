// MergeJob: writes tables out of sorted entries and range tombstones. Flushes and compactions are
// the two that exist.
//
// A job is a state machine: each Step does a slice of the work and returns, so that a runtime can
// run other tasks in between. No table is visible before the caller installs edit().
//
// Outputs are cut at the target sizes, of themselves and of what they point to, never between two
// entries of one prefix; range tombstones are cut to where their output begins and the next one
// does. So outputs do not overlap.
//
// Thread safety: thread-compatible; slices may run in different threads, one after another.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lsm/compaction/compaction_iterator.h"
#include "lsm/compaction/compaction_picker.h"
#include "lsm/compaction/entries_ahead.h"
#include "lsm/compaction/value_filter.h"
#include "lsm/compaction/value_outputs.h"
#include "lsm/memtable/memtable.h"
#include "lsm/sst/table_builder.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vfs/vfs.h"
#include "vlog/placement.h"

namespace nokv::lsm {

// A part of the log that a recovery has made void: [from, the start of segment `until`). What was
// replayed from there was copied to another place, so no table may point into it.
struct VoidPlaces {
  wal::LogPosition from;
  uint64_t until = 0;

  bool Contain(const vlog::ValuePointer& pointer) const {
    const wal::LogPosition place{pointer.file.number, pointer.offset};
    return pointer.file.kind == vlog::ValueFileId::Kind::kSegment && place >= from &&
           place.segment < until;
  }
};

struct MergeJobContext {
  vfs::FileSystem* fs = nullptr;  // borrowed
  std::string dir;
  std::function<uint64_t()> new_file_number;
  std::array<TableOptions, kLevels> table_options;  // by output level
  uint64_t target_file_bytes = uint64_t{64} << 20;
  // Of all values that a table points to: what has to be moved at once.
  uint64_t target_value_bytes = UINT64_MAX;
  std::vector<keys::SequenceNumber> snapshots;  // ascending; see CompactionFilterOptions
  uint64_t now_ms = 0;
  VoidPlaces void_places;
  // Where a compaction puts values that it moves, and those that lie in entries. A flush leaves all
  // where they are.
  vlog::Placement placement{vlog::Placement::kNever};
  uint16_t value_buckets = 1;
  // Values that are moved are expected not to be in memory, and so asked for ahead. Those that are
  // gathered are so anyway, and others once two in a row had to be waited for.
  bool values_on_disk = false;
  std::function<uint64_t()> now_us;  // monotonic; of compactions
  // While it is true no value is moved for the sake of its file; may be null. Borrowed.
  const std::atomic<bool>* in_haste = nullptr;
  ValueFilter filter;  // of compactions; flushes do not ask
};

// A part of what a compaction merges: prefixes from `begin` to before `end`; absent, unbounded.
struct KeySlice {
  std::optional<std::string> begin;
  std::optional<std::string> end;
};

struct MergeJobStats {
  uint64_t bytes_read = 0;     // keys and values, uncompressed
  uint64_t bytes_written = 0;  // of finished tables
  uint64_t entries_dropped = 0;
  size_t output_files = 0;
  uint64_t bytes_moved = 0;  // of values that lay apart
};

class MergeJob {
 public:
  // Removes the outputs unless the job is done: its owner installs edit() then, or, if that is
  // refused before anything was written, calls RemoveOutputs.
  ~MergeJob();
  MergeJob(const MergeJob&) = delete;
  MergeJob& operator=(const MergeJob&) = delete;

  // Works through about `max_bytes` of input, dropped entries included. True when the job is done:
  // every output is then durable, directory entry included. After an error the outputs are removed,
  // the inputs are as they were, and every later Step returns the error.
  Result<bool> Step(uint64_t max_bytes);
  // Adds the outputs; deletes the inputs too if the job's slice has no begin. REQUIRES: Step
  // returned true.
  const manifest::VersionEdit& edit() const { return edit_; }
  MergeJobStats stats() const;
  // True if values that were to be gathered stayed where they lay, because it was in haste.
  bool left_in_haste() const { return left_in_haste_; }
  // Removes what was written. Best effort: a file that stays is an orphan for the next open.
  void RemoveOutputs();

 private:
  friend std::unique_ptr<MergeJob> NewFlushJob(
      std::vector<std::shared_ptr<const Memtable>> memtables, MergeJobContext context);
  friend std::unique_ptr<MergeJob> NewCompactionJob(CompactionPlan plan, MergeJobContext context,
                                                    KeySlice slice);

  MergeJob(MergeJobContext context, int output_level, bool split_outputs);
  Status Run(uint64_t max_bytes);
  // `slice`: bytes of input after which the input pauses.
  Status Start(uint64_t slice);
  // Of a compaction: opens what the plan says. Not when the job is made, which is done under locks.
  Status OpenInputs();
  // Adds the input's present entry, or, while values are brought ahead, keeps it for later and adds
  // one that was taken before.
  Status TakeEntry();
  Status AddAhead();
  Status AddEntry(std::string_view internal_key, std::string_view payload);
  // The payload as the table shall have it.
  Result<std::string_view> TablePayload(std::string_view internal_key, std::string_view payload);
  // `*value` is valid until the next call.
  Status ReadMoved(const vlog::ValuePointer& pointer, std::string_view* value);
  // True if the value does not stay where it lies.
  bool Moves(const vlog::ValuePointer& pointer) const;
  // True if the plan has it put into the order of the keys.
  bool Gathers(const vlog::ValuePointer& pointer) const;
  // Of a flush: a value that lies in the log is left where it is.
  std::string_view FlushedPayload(const ParsedPayload& parsed, std::string_view payload);
  // Puts the value into a value file.
  Result<std::string_view> MoveValue(std::string_view engine_key, const ParsedPayload& parsed,
                                     std::string_view value, uint32_t crc);
  Status StartOutput();
  // Closes the open output; `end` is where the next one begins, nullptr for the last.
  Status FinishOutput(const std::string* end);
  Status FinishAll();

  const MergeJobContext context_;
  const int output_level_;
  const bool split_outputs_;
  KeySlice slice_;
  // What the input reads from.
  CompactionPlan plan_;
  std::vector<std::shared_ptr<const Memtable>> memtables_;
  std::unique_ptr<CompactionIterator> input_;  // null: not opened yet

  bool started_ = false;
  bool done_ = false;
  Status failure_;
  std::unique_ptr<TableBuilder> builder_;
  uint64_t builder_number_ = 0;
  bool has_begin_ = false;    // false for the first output: its tombstones begin anywhere
  std::string output_begin_;  // prefix at which the open output begins
  std::string last_prefix_;
  std::string payload_;  // what TablePayload made
  std::string fetched_;  // a value that is being moved
  ValueOutputs values_;
  uint64_t moved_bytes_ = 0;
  bool left_in_haste_ = false;
  std::unique_ptr<EntriesAhead> ahead_;  // if values may be moved
  uint64_t output_value_bytes_ = 0;      // that the open output points to
  std::vector<uint64_t> outputs_;        // numbers of all files created
  uint64_t bytes_written_ = 0;
  manifest::VersionEdit edit_;
};

// Writes the memtables, which nobody adds to any more, into one table of level 0. Older memtables
// must be flushed (and installed) before or with younger ones. The edit has no added file if
// nothing is left of them; the caller adds the log position.
std::unique_ptr<MergeJob> NewFlushJob(std::vector<std::shared_ptr<const Memtable>> memtables,
                                      MergeJobContext context);

// Carries out `plan`, or one slice of it: the plan is then carried out by jobs whose slices follow
// each other from end to end, and their edits are installed together. REQUIRES: !plan.trivial_move.
std::unique_ptr<MergeJob> NewCompactionJob(CompactionPlan plan, MergeJobContext context,
                                           KeySlice slice = {});

}  // namespace nokv::lsm
