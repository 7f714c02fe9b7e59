#include "lsm/compaction/compaction_picker.h"

#include <algorithm>
#include <utility>

#include "lsm/compaction/value_order.h"

namespace nokv::lsm {

namespace {

// A table of nothing but tombstones counts as this many more of its size.
constexpr double kTombstoneWeight = 2;

// True if rewriting the table would give room back: it holds what expired, or tombstones that no
// snapshot needs make up at least half of it.
bool HoldsGarbage(const manifest::FileMetadata& file, const PickContext& context) {
  // What had expired when the table was written stayed for a reason, and would stay again.
  const bool expired =
      file.earliest_expiry_ms > file.created_at_ms && file.earliest_expiry_ms <= context.now_ms;
  if (expired) return true;
  if (file.largest_sequence > context.oldest_snapshot) return false;
  return file.range_tombstones > 0 || (file.deletions > 0 && file.deletions * 2 >= file.entries);
}

bool PointsInto(const manifest::FileMetadata& table, manifest::ValueFileId file) {
  return std::any_of(table.points_into.begin(), table.points_into.end(),
                     [file](const auto& reference) { return reference.file == file; });
}

// Grows `chosen` until no other table of level 0 overlaps it. Taking newer ones along as well keeps
// level 0 short; taking the older ones is what correctness asks for.
FileList ExpandLevel0(const Version& version, FileList chosen) {
  while (true) {
    FileList grown = version.Overlapping(0, RangeOf(chosen));
    if (grown.size() == chosen.size()) return grown;
    chosen = std::move(grown);
  }
}

// The plan that compacts `inputs` of `level` into `output_level`. Neighbours at the input level
// need not be looked at: no two tables of a level share a prefix.
CompactionPlan MakePlan(const std::shared_ptr<const Version>& version, int level, int output_level,
                        FileList inputs, CompactionReason reason) {
  CompactionPlan plan;
  plan.version = version;
  plan.reason = reason;
  plan.input_level = level;
  plan.output_level = output_level;
  plan.inputs = std::move(inputs);
  plan.range = RangeOf(plan.inputs);
  if (output_level != level) {
    plan.output_inputs = version->Overlapping(output_level, plan.range);
    if (!plan.output_inputs.empty()) plan.range.Extend(RangeOf(plan.output_inputs));
  }
  return plan;
}

// Compacts one table (and what level 0 needs with it) down a level, or rewrites it where it is if
// that is only for its garbage and nothing lies deeper.
CompactionPlan PlanForFile(const std::shared_ptr<const Version>& version,
                           const LevelTargets& targets, int level,
                           const std::shared_ptr<const FileHandle>& file, CompactionReason reason,
                           const PickContext& context) {
  FileList inputs{file};
  if (level == 0) inputs = ExpandLevel0(*version, std::move(inputs));
  const bool in_place =
      reason == CompactionReason::kGarbage && !version->OverlapsBelow(level, RangeOf(file->meta()));
  const int output = in_place ? level : OutputLevel(*version, targets, level, RangeOf(inputs));
  CompactionPlan plan = MakePlan(version, level, output, std::move(inputs), reason);
  plan.trivial_move = !in_place && plan.inputs.size() == 1 && plan.output_inputs.empty() &&
                      !HoldsGarbage(plan.inputs.front()->meta(), context);
  return plan;
}

// What merging the table costs for each byte that goes down. A tombstone that goes down makes room
// for others, so it counts as bytes.
double CostOf(const Version& version, const LevelTargets& targets, int level,
              const manifest::FileMetadata& file) {
  const PrefixRange range = RangeOf(file);
  const uint64_t overlap =
      BytesOf(version.Overlapping(OutputLevel(version, targets, level, range), range));
  const auto bytes = static_cast<double>(file.file_bytes);
  const double deleted =
      file.entries == 0 ? 1
                        : static_cast<double>(file.deletions) / static_cast<double>(file.entries);
  return static_cast<double>(overlap) / (bytes * (1 + kTombstoneWeight * deleted) + 1);
}

// The tables of `level` in the order in which they should be tried: those with garbage first, then
// the cheapest.
FileList Candidates(const Version& version, const LevelTargets& targets, int level,
                    const PickContext& context) {
  FileList files = version.files(level);
  if (level == 0) {
    std::reverse(files.begin(), files.end());  // oldest first
    return files;
  }
  std::vector<std::pair<double, std::shared_ptr<const FileHandle>>> costs;
  for (auto& file : files) {
    const bool garbage = HoldsGarbage(file->meta(), context);
    const double cost = garbage ? -1 : CostOf(version, targets, level, file->meta());
    costs.emplace_back(cost, std::move(file));
  }
  std::stable_sort(costs.begin(), costs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  files.clear();
  for (auto& [cost, file] : costs) files.push_back(std::move(file));
  return files;
}

std::optional<CompactionPlan> PickFromLevel(const std::shared_ptr<const Version>& version,
                                            const LevelTargets& targets, int level,
                                            const CompactionState& state,
                                            const PickContext& context) {
  const CompactionReason reason =
      level == 0 ? CompactionReason::kLevel0Files : CompactionReason::kLevelBytes;
  for (const auto& file : Candidates(*version, targets, level, context)) {
    if (state.IsBusy(file->number())) continue;
    CompactionPlan plan = PlanForFile(version, targets, level, file, reason, context);
    if (!state.ConflictsWith(plan)) return plan;
  }
  return std::nullopt;
}

// The newest tables of level 0 into one, as many as have not been merged yet.
std::optional<CompactionPlan> PickLevel0Merge(const std::shared_ptr<const Version>& version,
                                              const CompactionOptions& options,
                                              const CompactionState& state) {
  const auto trigger = static_cast<size_t>(options.l0_trigger_files);
  // Before that it is worth waiting for what is busy.
  if (version->files(0).size() < 2 * trigger) return std::nullopt;
  FileList inputs;
  for (const auto& file : version->files(0)) {
    const bool merged = file->meta().file_bytes > options.target_file_bytes * 3 / 2;
    if (merged || state.IsBusy(file->number())) break;
    inputs.push_back(file);
  }
  if (inputs.size() < std::max<size_t>(trigger, 2)) return std::nullopt;
  CompactionPlan plan = MakePlan(version, 0, 0, std::move(inputs), CompactionReason::kLevel0Merge);
  if (state.ConflictsWith(plan)) return std::nullopt;
  return plan;
}

std::optional<CompactionPlan> PickGarbage(const std::shared_ptr<const Version>& version,
                                          const LevelTargets& targets, const CompactionState& state,
                                          const PickContext& context) {
  for (int level = 1; level < kLevels; level++) {
    for (const auto& file : version->files(level)) {
      if (state.IsBusy(file->number()) || !HoldsGarbage(file->meta(), context)) continue;
      CompactionPlan plan =
          PlanForFile(version, targets, level, file, CompactionReason::kGarbage, context);
      if (!state.ConflictsWith(plan)) return plan;
    }
  }
  return std::nullopt;
}

}  // namespace

uint64_t BytesOf(const FileList& files) {
  uint64_t bytes = 0;
  for (const auto& file : files) bytes += file->meta().file_bytes;
  return bytes;
}

uint64_t CompactionPlan::input_bytes() const {
  return BytesOf(inputs) + BytesOf(output_inputs);
}

manifest::VersionEdit TrivialMoveEdit(const CompactionPlan& plan) {
  manifest::VersionEdit edit;
  const manifest::FileMetadata& file = plan.inputs.front()->meta();
  edit.DeleteFile(plan.input_level, file.number);
  edit.AddFile(plan.output_level, file);
  return edit;
}

void CompactionState::Register(const CompactionPlan& plan) {
  for (const FileList* files : {&plan.inputs, &plan.output_inputs}) {
    for (const auto& file : *files) busy_files_.insert(file->number());
  }
  running_.push_back({plan.input_level, plan.output_level, plan.range});
}

void CompactionState::Unregister(const CompactionPlan& plan) {
  for (const FileList* files : {&plan.inputs, &plan.output_inputs}) {
    for (const auto& file : *files) busy_files_.erase(file->number());
  }
  const auto entry = std::find(running_.begin(), running_.end(),
                               Running{plan.input_level, plan.output_level, plan.range});
  if (entry != running_.end()) running_.erase(entry);
}

bool CompactionState::WritesInto(int level, const PrefixRange& range) const {
  return std::any_of(running_.begin(), running_.end(), [&](const Running& running) {
    return running.output_level == level && running.range.Overlaps(range);
  });
}

bool CompactionState::ConflictsWith(const CompactionPlan& plan) const {
  for (const FileList* files : {&plan.inputs, &plan.output_inputs}) {
    for (const auto& file : *files) {
      if (IsBusy(file->number())) return true;
    }
  }
  return std::any_of(running_.begin(), running_.end(), [&plan](const Running& other) {
    // Level 0 goes down in one place at a time: its tables keep coming while a plan runs. It is
    // merged in one place at a time, too.
    const bool both = plan.input_level == 0 && other.input_level == 0;
    if (both && (plan.output_level == 0) == (other.output_level == 0)) return true;
    return plan.output_level == other.output_level && plan.range.Overlaps(other.range);
  });
}

std::optional<CompactionPlan> PickCompaction(const std::shared_ptr<const Version>& version,
                                             const CompactionOptions& options,
                                             const CompactionState& state,
                                             const PickContext& context) {
  const LevelTargets targets = TargetsOf(*version, options);
  const std::array<double, kLevels> scores = LevelScores(*version, options);
  std::vector<int> levels;
  for (int level = 0; level < kLevels; level++) {
    if (scores[static_cast<size_t>(level)] >= 1) levels.push_back(level);
  }
  // Equal scores: the shallower level first.
  std::stable_sort(levels.begin(), levels.end(), [&scores](int a, int b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  for (const int level : levels) {
    std::optional<CompactionPlan> plan = PickFromLevel(version, targets, level, state, context);
    if (!plan && level == 0) plan = PickLevel0Merge(version, options, state);
    if (!plan) continue;
    plan->score = scores[static_cast<size_t>(level)];
    return plan;
  }
  return PickGarbage(version, targets, state, context);
}

std::optional<CompactionPlan> PickQuiet(const std::shared_ptr<const Version>& version,
                                        const CompactionOptions& options,
                                        const CompactionState& state, const PickContext& context) {
  // Of what has come in; so it adds at most as much to what a byte put costs.
  constexpr double kMostCost = 0.5;
  const FileList& level0 = version->files(0);
  if (level0.empty()) return std::nullopt;
  CompactionPlan plan = PlanForFile(version, TargetsOf(*version, options), 0, level0.back(),
                                    CompactionReason::kQuiet, context);
  if (plan.inputs.size() + plan.output_inputs.size() < 2) return std::nullopt;
  uint64_t arrived = BytesOf(plan.inputs);
  for (const auto& table : plan.inputs) arrived += ValueBytesOf(table->meta());
  const bool worth =
      static_cast<double>(plan.input_bytes()) <= kMostCost * static_cast<double>(arrived);
  if (!worth || state.ConflictsWith(plan)) return std::nullopt;
  return plan;
}

CompactionPlan PlanArrival(int level, const PrefixRange& range) {
  CompactionPlan plan;
  plan.input_level = level;
  plan.output_level = level;
  plan.range = range;
  return plan;
}

std::vector<CompactionPlan> PlanDepartures(const Version& version, const CompactionState& state,
                                           const std::vector<PrefixRange>& ranges) {
  std::vector<CompactionPlan> plans;
  for (const PrefixRange& range : ranges) {
    for (int level = 0; level < kLevels; level++) {
      FileList files = version.Overlapping(level, range);
      std::erase_if(files, [&](const auto& file) {
        // A plan that runs puts back what is left of its tables.
        return state.IsBusy(file->number()) || !range.Covers(RangeOf(file->meta()));
      });
      if (files.empty()) continue;
      plans.push_back(PlanArrival(level, RangeOf(files)));
      plans.back().inputs = std::move(files);
    }
  }
  return plans;
}

int ArrivalLevel(const Version& version, const CompactionOptions& options,
                 const CompactionState& state, const PrefixRange& range) {
  int free_down_to = -1;
  for (int level = 0; level < kLevels; level++) {
    if (!version.Overlapping(level, range).empty() || state.WritesInto(level, range)) break;
    free_down_to = level;
  }
  return free_down_to < TargetsOf(version, options).base_level ? 0 : free_down_to;
}

std::vector<std::string> SliceBounds(const CompactionPlan& plan, size_t slices,
                                     uint64_t least_bytes) {
  // Those of a sorted level, whose bounds say where the bytes are.
  const bool by_inputs = plan.output_inputs.empty() && plan.input_level > 0;
  const FileList& tables = by_inputs ? plan.inputs : plan.output_inputs;
  const uint64_t parts = std::min<uint64_t>(
      {slices, tables.size(), plan.input_bytes() / std::max<uint64_t>(least_bytes, 1)});
  std::vector<std::string> bounds;
  const uint64_t total = BytesOf(tables);
  uint64_t before = 0;
  for (const auto& table : tables) {
    const uint64_t next = bounds.size() + 1;
    if (next < parts && before >= total * next / parts && before > 0) {
      bounds.push_back(RangeOf(table->meta()).begin);
    }
    before += table->meta().file_bytes;
  }
  return bounds;
}

std::optional<CompactionPlan> PickValueGarbage(const std::shared_ptr<const Version>& version,
                                               const CompactionOptions& options,
                                               const CompactionState& state,
                                               const std::vector<manifest::ValueFileId>& files) {
  const LevelTargets targets = TargetsOf(*version, options);
  for (const manifest::ValueFileId& victim : files) {
    for (int level = kLevels - 1; level >= 0; level--) {
      for (const auto& table : version->files(level)) {
        if (!PointsInto(table->meta(), victim) || state.IsBusy(table->number())) continue;
        FileList inputs{table};
        if (level == 0) inputs = ExpandLevel0(*version, std::move(inputs));
        const int output =
            level > 0 ? level : OutputLevel(*version, targets, level, RangeOf(inputs));
        CompactionPlan plan =
            MakePlan(version, level, output, std::move(inputs), CompactionReason::kValueGarbage);
        if (!state.ConflictsWith(plan)) return plan;
      }
    }
  }
  return std::nullopt;
}

std::optional<CompactionPlan> PlanValueOrder(const std::shared_ptr<const Version>& version,
                                             const CompactionState& state, uint64_t number,
                                             uint64_t most_value_bytes) {
  const int level = version->DeepestLevel();
  if (level <= 0) return std::nullopt;
  for (const auto& table : version->files(level)) {
    if (table->number() != number) continue;
    CompactionPlan plan =
        MakePlan(version, level, level, FileList{table}, CompactionReason::kValueOrder);
    plan.gathers = ValueBytesOf(table->meta()) <= most_value_bytes;
    if (!state.ConflictsWith(plan)) return plan;
  }
  return std::nullopt;
}

std::optional<CompactionPlan> PlanManual(const std::shared_ptr<const Version>& version,
                                         const CompactionOptions& options, int level,
                                         const PrefixRange& range) {
  FileList inputs = version->Overlapping(level, range);
  if (inputs.empty()) return std::nullopt;
  if (level == 0) inputs = ExpandLevel0(*version, std::move(inputs));
  const bool in_place =
      level == kLevels - 1 || (level > 0 && !version->OverlapsBelow(level, RangeOf(inputs)));
  const int output =
      in_place ? level
               : OutputLevel(*version, TargetsOf(*version, options), level, RangeOf(inputs));
  return MakePlan(version, level, output, std::move(inputs), CompactionReason::kManual);
}

}  // namespace nokv::lsm
