#include "lsm/version/version.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/macros.h"
#include "lsm/version/level_iterator.h"

namespace nokv::lsm {

namespace {

// True if everything in `file` sorts before `prefix`.
bool FileEndsBefore(const FileHandle& file, std::string_view prefix) {
  const std::string& largest = file.meta().largest;
  const int order = keys::InternalPrefixOf(largest).compare(prefix);
  return order < 0 || (order == 0 && keys::SequenceOf(largest) == keys::kMaxSequence);
}

bool FileCovers(const FileHandle& file, std::string_view prefix) {
  return keys::InternalPrefixOf(file.meta().smallest) <= prefix && !FileEndsBefore(file, prefix);
}

std::string Describe(const FileHandle& file) {
  return TableName(file.number()) + " [" + base::EscapeBytes(file.meta().smallest) + ", " +
         base::EscapeBytes(file.meta().largest) + "]";
}

Status Broken(int level, const FileHandle& a, const FileHandle& b, std::string_view what) {
  return Status::Internal("level " + std::to_string(level) + ": tables " + Describe(a) + " and " +
                          Describe(b) + " " + std::string(what));
}

Status CheckTable(int level, const FileHandle& file) {
  const manifest::FileMetadata& meta = file.meta();
  std::string_view what;
  if (meta.file_bytes == 0) {
    what = "is said to be empty";
  } else if (keys::CompareInternalKeys(meta.smallest, meta.largest) > 0) {
    what = "ends before it begins";
  } else if (meta.smallest_sequence > meta.largest_sequence) {
    what = "has its sequence numbers the wrong way round";
  }
  if (what.empty()) return Status::Ok();
  return Status::Internal("level " + std::to_string(level) + ": table " + Describe(file) + " " +
                          std::string(what));
}

// What is to be noted before a table is asked for the key.
void BeginLookIn(const Table& table, const TableKey& key, LookupResult* result) {
  result->tables_read++;
  const auto& tombstones = table.range_tombstones();
  if (tombstones->empty()) return;
  result->covering =
      std::max(result->covering, tombstones->MaxCovering(key.prefix(), key.snapshot()));
}

// Keeps what is newer than what was found before.
void Keep(TableEntry entry, LookupResult* result) {
  const bool newer =
      result->state == LookupResult::State::kMissing || entry.trailer > result->trailer;
  if (!newer) return;
  result->state = LookupResult::State::kFound;
  result->trailer = entry.trailer;
  result->payload = entry.payload;
  result->block = std::move(entry.block);
}

Status LookIn(const FileHandle& file, const TableKey& key, LookupResult* result) {
  ASSIGN_OR_RETURN(const TablePin table, file.Open());
  BeginLookIn(*table, key, result);
  TableEntry entry;
  ASSIGN_OR_RETURN(const bool found, table->Get(key, &entry));
  if (found) Keep(std::move(entry), result);
  return Status::Ok();
}

// Lookups in one table each, taken in turns.
class LookupSteps {
 public:
  void Add(const FileHandle& file, keys::SequenceNumber snapshot, KeyLookup* lookup) {
    Result<TablePin> table = file.Open();
    lookup->status = table.status();
    if (!table.ok()) return;
    const TableKey key(lookup->engine_key, snapshot);
    BeginLookIn(**table, key, &lookup->result);
    TableLookup steps(**table, key);
    steps_.push_back({lookup, *std::move(table), std::move(steps)});
  }

  void Run() {
    std::erase_if(steps_, [](Step& step) { return !step.steps.Locate(); });
    for (Step& step : steps_) step.lookup->status = step.steps.Fetch();
    std::erase_if(steps_, [](const Step& step) { return !step.lookup->status.ok(); });
    for (Step& step : steps_) step.steps.BeginSearch();
    for (bool narrowed = true; narrowed;) {
      narrowed = false;
      for (Step& step : steps_) narrowed |= step.steps.Narrow();
    }
    for (Step& step : steps_) step.lookup->status = Finish(step);
    steps_.clear();
  }

 private:
  struct Step {
    KeyLookup* lookup;
    TablePin table;
    TableLookup steps;
  };

  static Status Finish(Step& step) {
    TableEntry entry;
    ASSIGN_OR_RETURN(const bool found, step.steps.Finish(&entry));
    if (found) Keep(std::move(entry), &step.lookup->result);
    return Status::Ok();
  }

  std::vector<Step> steps_;
};

// Everything in tables still to be read is older than what was seen.
keys::SequenceNumber Seen(const LookupResult& result) {
  return std::max(result.covering,
                  result.state == LookupResult::State::kFound ? result.trailer >> 8 : 0);
}

// Turns what was found into the answer.
void Judge(LookupResult* result) {
  const bool found = result->state == LookupResult::State::kFound;
  const keys::SequenceNumber sequence = found ? result->trailer >> 8 : 0;
  const bool deleted =
      found && static_cast<keys::Kind>(result->trailer & 0xff) == keys::Kind::kDelete;
  if (!deleted && result->covering <= sequence) return;
  result->state = LookupResult::State::kDeleted;
  result->payload = {};
  result->block.reset();
}

ValueFileList Collect(const std::array<FileList, kLevels>& levels) {
  std::map<manifest::ValueFileId, std::shared_ptr<const vlog::ValueFile>> all;
  for (const FileList& list : levels) {
    for (const auto& table : list) {
      for (const auto& file : table->value_files()) all.emplace(file->id(), file);
    }
  }
  ValueFileList files;
  for (auto& [id, file] : all) files.push_back(std::move(file));
  return files;
}

std::vector<uint64_t> CodesOf(const ValueFileList& files) {
  std::vector<uint64_t> codes;
  codes.reserve(files.size());
  for (const auto& file : files) codes.push_back(manifest::EncodeValueFileId(file->id()));
  return codes;
}

// The first of `codes` that is not less than `code`; its last one if all are. Nothing is decided by
// a jump: the values of a scan come in any order, and the wrong guesses of a processor would take
// longer than the search.
size_t AtOrAfter(const std::vector<uint64_t>& codes, uint64_t code) {
  size_t first = 0;
  for (size_t left = codes.size(); left > 1;) {
    const size_t half = left / 2;
    first += codes[first + half - 1] < code ? half : 0;
    left -= half;
  }
  return first;
}

}  // namespace

Version::Version(std::array<FileList, kLevels> levels)
    : levels_(std::move(levels)),
      value_files_(Collect(levels_)),
      value_file_codes_(CodesOf(value_files_)) {}

const vlog::ValueFile* Version::FindValueFile(vlog::ValueFileId id) const {
  const uint64_t code = manifest::EncodeValueFileId(id);
  const size_t found = AtOrAfter(value_file_codes_, code);
  if (found == value_file_codes_.size() || value_file_codes_[found] != code) return nullptr;
  return value_files_[found].get();
}

void Version::PrefetchValue(const vlog::ValuePointer& pointer) const {
  const vlog::ValueFile* file = FindValueFile(pointer.file);
  if (file != nullptr) file->Prefetch(pointer);
}

Status Version::ReadValue(const vlog::ValuePointer& pointer, std::string* scratch,
                          std::string_view* value) const {
  const vlog::ValueFile* file = FindValueFile(pointer.file);
  return file != nullptr ? file->Read(pointer, scratch, value) : NoValueFile(pointer);
}

Status Version::NoValueFile(const vlog::ValuePointer& pointer) {
  return Status::Corruption(vlog::Describe(pointer) +
                            ": a table points there, but the manifest does not say so")
      .WithErrorNumber(1306);
}

Status Version::Get(std::string_view engine_key, keys::SequenceNumber snapshot,
                    LookupResult* result) const {
  const TableKey key(engine_key, snapshot);
  // Most tables do not have the key. What they say about it is fetched at once, not one after the
  // other.
  std::array<const FileHandle*, kLevels> deeper{};
  for (const auto& file : files(0)) file->Prefetch(key);
  for (int level = 1; level < kLevels; level++) {
    const FileHandle*& file = deeper[static_cast<size_t>(level)];
    file = FindFile(level, key.prefix());
    if (file != nullptr) file->Prefetch(key);
  }
  for (const auto& file : files(0)) {
    if (Seen(*result) > file->meta().largest_sequence) break;
    if (file->meta().smallest_sequence > snapshot || !FileCovers(*file, key.prefix())) continue;
    RETURN_IF_ERROR(LookIn(*file, key, result));
  }
  for (const FileHandle* file : deeper) {
    if (Seen(*result) != 0) break;
    if (file != nullptr) RETURN_IF_ERROR(LookIn(*file, key, result));
  }
  Judge(result);
  return Status::Ok();
}

void Version::MultiGet(keys::SequenceNumber snapshot, std::span<KeyLookup> lookups) const {
  LookupSteps steps;
  for (const auto& file : files(0)) {
    if (file->meta().smallest_sequence > snapshot) continue;
    for (KeyLookup& lookup : lookups) {
      const bool asked = lookup.status.ok() &&
                         Seen(lookup.result) <= file->meta().largest_sequence &&
                         FileCovers(*file, keys::PrefixOf(lookup.engine_key));
      if (asked) steps.Add(*file, snapshot, &lookup);
    }
    steps.Run();
  }
  for (int level = 1; level < kLevels; level++) {
    for (KeyLookup& lookup : lookups) {
      if (!lookup.status.ok() || Seen(lookup.result) != 0) continue;
      const FileHandle* file = FindFile(level, keys::PrefixOf(lookup.engine_key));
      if (file != nullptr) steps.Add(*file, snapshot, &lookup);
    }
    steps.Run();
  }
  for (KeyLookup& lookup : lookups) Judge(&lookup.result);
}

const FileHandle* Version::FindFile(int level, std::string_view prefix) const {
  const FileList& list = files(level);
  const auto file = std::partition_point(list.begin(), list.end(), [prefix](const auto& candidate) {
    return FileEndsBefore(*candidate, prefix);
  });
  if (file == list.end() || !FileCovers(**file, prefix)) return nullptr;
  return file->get();
}

void Version::AddIterators(bool fill_cache,
                           std::vector<std::unique_ptr<InternalIterator>>* iterators,
                           std::string_view end) const {
  const std::span<const std::shared_ptr<const FileHandle>> newest = files(0);
  for (size_t i = 0; i < newest.size(); i++) {
    iterators->push_back(NewLevelIterator(newest.subspan(i, 1), fill_cache, end));
  }
  for (int level = 1; level < kLevels; level++) {
    if (files(level).empty()) continue;
    iterators->push_back(NewLevelIterator(files(level), fill_cache, end));
  }
}

Result<std::vector<std::shared_ptr<const RangeTombstoneSet>>> Version::CollectTombstones() const {
  std::vector<std::shared_ptr<const RangeTombstoneSet>> sets;
  for (const FileList& list : levels_) RETURN_IF_ERROR(AppendTombstones(list, &sets));
  return sets;
}

uint64_t Version::LevelBytes(int level) const {
  uint64_t bytes = 0;
  for (const auto& file : files(level)) bytes += file->meta().file_bytes;
  return bytes;
}

size_t Version::file_count() const {
  size_t count = 0;
  for (const FileList& list : levels_) count += list.size();
  return count;
}

int Version::DeepestLevel() const {
  for (int level = kLevels - 1; level >= 0; level--) {
    if (!files(level).empty()) return level;
  }
  return -1;
}

FileList Version::Overlapping(int level, const PrefixRange& range) const {
  FileList result;
  for (const auto& file : files(level)) {
    if (RangeOf(file->meta()).Overlaps(range)) result.push_back(file);
  }
  return result;
}

bool Version::OverlapsBelow(int level, const PrefixRange& range) const {
  for (int below = level + 1; below < kLevels; below++) {
    const FileList& list = files(below);
    const auto file = std::partition_point(
        list.begin(), list.end(),
        [&range](const auto& candidate) { return FileEndsBefore(*candidate, range.begin); });
    if (file != list.end() && !range.EndsBefore(keys::InternalPrefixOf((*file)->meta().smallest))) {
      return true;
    }
  }
  return false;
}

Version Version::Without(const std::set<uint64_t>& numbers) const {
  std::array<FileList, kLevels> left = levels_;
  for (FileList& list : left) {
    std::erase_if(list, [&](const auto& file) { return numbers.contains(file->number()); });
  }
  return Version(std::move(left));
}

bool Version::PrefixMayExistBelow(int level, std::string_view prefix) const {
  for (int below = level + 1; below < kLevels; below++) {
    if (FindFile(below, prefix) != nullptr) return true;
  }
  return false;
}

Status Version::CheckInvariants() const {
  std::set<uint64_t> numbers;
  for (int level = 0; level < kLevels; level++) {
    const FileList& list = files(level);
    for (size_t i = 0; i < list.size(); i++) {
      RETURN_IF_ERROR(CheckTable(level, *list[i]));
      if (!numbers.insert(list[i]->number()).second) {
        return Broken(level, *list[i], *list[i], "are one file, listed twice");
      }
      if (i == 0) continue;
      const FileHandle& before = *list[i - 1];
      if (level == 0) {
        if (before.meta().smallest_sequence <= list[i]->meta().largest_sequence) {
          return Broken(level, before, *list[i], "interleave their sequence numbers");
        }
      } else if (!FileEndsBefore(before, keys::InternalPrefixOf(list[i]->meta().smallest))) {
        return Broken(level, before, *list[i], "overlap");
      }
    }
  }
  return Status::Ok();
}

}  // namespace nokv::lsm
