// Choosing what to compact. Pure functions: the same version, options and state give the same plan.
//
// Levelled: level 0 is compacted when it has too many tables, a deeper level when it holds too many
// bytes (level_targets.h); the level that exceeds its target most goes first, and of its tables the
// one that is merged with least, tombstones counting as bytes of it. When no level is over its
// target, tables that hold expired entries or mostly tombstones are rewritten.
//
// Only one plan at a time takes tables out of level 0. While it runs, or what it needs is busy,
// newer tables of level 0 are merged into one, each only once, so that a burst does not stop
// writes.
//
// A plan never leaves an older table of level 0 above a newer one that went down, and takes every
// table of the output level that overlaps its inputs; so of two entries over one prefix the deeper
// one stays the older.
//
// Thread safety: pure functions and plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "keys/keys.h"
#include "lsm/compaction/level_targets.h"
#include "lsm/version/version.h"
#include "manifest/version_edit.h"

namespace nokv::lsm {

enum class CompactionReason {
  kLevel0Files,
  kLevelBytes,
  kGarbage,
  kManual,
  kValueGarbage,
  kLevel0Merge,
  kQuiet,
  kValueOrder,
};

// Of the files of the tables.
uint64_t BytesOf(const FileList& files);

struct CompactionPlan {
  std::shared_ptr<const Version> version;  // keeps the inputs alive
  CompactionReason reason = CompactionReason::kLevelBytes;
  int input_level = 0;
  int output_level = 0;       // equal to input_level for a rewrite in place, or a merge of level 0
  FileList inputs;            // tables of input_level
  FileList output_inputs;     // the overlapping tables of output_level
  PrefixRange range;          // hull of all inputs
  bool trivial_move = false;  // the single input only changes its level
  // Values that lie in these files are moved out of them.
  std::set<manifest::ValueFileId> emptied;
  // All values are put into the order of their keys, but for long ones (value_order.h).
  bool gathers = false;
  double score = 0;

  uint64_t input_bytes() const;
};

// The edit of a trivial move. REQUIRES: plan.trivial_move.
manifest::VersionEdit TrivialMoveEdit(const CompactionPlan& plan);

// What compactions are running.
//
// Thread safety: thread-compatible.
class CompactionState {
 public:
  // Call before the plan is carried out; and when it is done, or given up.
  void Register(const CompactionPlan& plan);
  void Unregister(const CompactionPlan& plan);

  // True if `plan` shares a table, or a range of its output level, with a running one.
  bool ConflictsWith(const CompactionPlan& plan) const;
  // True if a running plan writes into `range` of `level`.
  bool WritesInto(int level, const PrefixRange& range) const;
  bool IsBusy(uint64_t file_number) const { return busy_files_.contains(file_number); }
  size_t running() const { return running_.size(); }

 private:
  struct Running {
    int input_level;
    int output_level;
    PrefixRange range;

    bool operator==(const Running&) const = default;
  };

  std::set<uint64_t> busy_files_;
  std::vector<Running> running_;
};

struct PickContext {
  uint64_t now_ms = 0;
  // Tombstones above it cannot be dropped yet, so rewriting for their sake is useless.
  keys::SequenceNumber oldest_snapshot = keys::kMaxSequence;
};

// What to compact next; nullopt if nothing wants it or everything that does is busy.
std::optional<CompactionPlan> PickCompaction(const std::shared_ptr<const Version>& version,
                                             const CompactionOptions& options,
                                             const CompactionState& state,
                                             const PickContext& context);

// Level 0 as far down as it goes, though it has less than would trigger that: a table fewer to ask
// for each read, worth it while nobody writes. nullopt if nothing would be saved, if that would
// cost too much (more than half of all that has come in with the tables of level 0, with their
// values), or if something is busy.
std::optional<CompactionPlan> PickQuiet(const std::shared_ptr<const Version>& version,
                                        const CompactionOptions& options,
                                        const CompactionState& state, const PickContext& context);

// A table on its way into a level, as a plan: nothing that is registered with the same state writes
// there then.
CompactionPlan PlanArrival(int level, const PrefixRange& range);

// The tables that lie wholly in one of `ranges` and that no running plan has, by level: each plan
// has its level as input and output, and keeps others from there and from its inputs.
std::vector<CompactionPlan> PlanDepartures(const Version& version, const CompactionState& state,
                                           const std::vector<PrefixRange>& ranges);

// The deepest level that a table with nothing but the newest entries of `range` may go to: neither
// there nor above it is, or arrives, anything of the range. A level above the base level is none.
int ArrivalLevel(const Version& version, const CompactionOptions& options,
                 const CompactionState& state, const PrefixRange& range);

// Prefixes at which the plan can be cut into up to `slices` parts of about the same size, each of
// at least `least_bytes`; none if it is too small for that.
std::vector<std::string> SliceBounds(const CompactionPlan& plan, size_t slices,
                                     uint64_t least_bytes);

// A table that points into one of `files`, the first of them that has one which is not busy: to be
// rewritten where it is (level 0: compacted into a deeper level) so that it does not any more.
// nullopt if there is none.
std::optional<CompactionPlan> PickValueGarbage(const std::shared_ptr<const Version>& version,
                                               const CompactionOptions& options,
                                               const CompactionState& state,
                                               const std::vector<manifest::ValueFileId>& files);

// Rewrites table `number` of the deepest level where it is, with its values in the order of their
// keys; one that points to more than `most_value_bytes` is only cut into smaller ones. nullopt if
// there is no such table, or it is busy.
std::optional<CompactionPlan> PlanValueOrder(const std::shared_ptr<const Version>& version,
                                             const CompactionState& state, uint64_t number,
                                             uint64_t most_value_bytes);

// Compacts what `level` has of `range` into the level where it would go, or rewrites it in place if
// there is nothing deeper (and level > 0). nullopt if the level has nothing there. The caller
// checks ConflictsWith.
std::optional<CompactionPlan> PlanManual(const std::shared_ptr<const Version>& version,
                                         const CompactionOptions& options, int level,
                                         const PrefixRange& range);

}  // namespace nokv::lsm
