#include "engine/read_set.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/macros.h"
#include "engine/batch.h"
#include "engine/engine.h"

namespace nokv::engine {

namespace {

// A key may have a megabyte; a message names as much of it as one can read.
constexpr size_t kNamedBytes = 80;

std::string Name(std::string_view prefix) {
  const std::string_view data_key = prefix.substr(std::min<size_t>(prefix.size(), 1));
  std::string scratch;
  const std::string_view key = keys::DecodePlainKey(data_key, &scratch).value_or(data_key);
  std::string name = "\"" + base::EscapeBytes(key.substr(0, kNamedBytes));
  return name + (key.size() > kNamedBytes ? "\"..." : "\"");
}

Status Conflict(const std::string& what) {
  return Status::Aborted("conflict: " + what + " after the transaction began")
      .WithHint("run the transaction again from its beginning")
      .WithErrorNumber(1403);
}

Status KeyChanged(std::string_view engine_key) {
  return Conflict("key " + Name(keys::PrefixOf(engine_key)) + " was written");
}

Status RangeDeleted(std::string_view begin, std::string_view end) {
  return Conflict("the keys from " + Name(begin) + " to " + Name(end) + " were deleted");
}

bool LessPoint(std::string_view a, std::string_view b) {
  return keys::CompareEngineKeys(a, b) < 0;
}

// The first of the sorted `ranges` that does not end before `prefix`.
auto FirstReaching(const std::vector<lsm::PrefixRange>& ranges, std::string_view prefix) {
  return std::partition_point(ranges.begin(), ranges.end(),
                              [prefix](const lsm::PrefixRange& r) { return r.EndsBefore(prefix); });
}

// The first of the sorted `points` that is not before `prefix`.
auto FirstPointAt(const std::vector<std::string>& points, std::string_view prefix) {
  return std::partition_point(points.begin(), points.end(), [prefix](std::string_view point) {
    return keys::PrefixOf(point) < prefix;
  });
}

}  // namespace

Validation::Validation(ReadSet reads)
    : as_of_(reads.since->sequence()),
      answer_when_visible_(reads.answer_when_visible),
      points_(std::move(reads.points)) {
  std::sort(points_.begin(), points_.end(), LessPoint);
  points_.erase(std::unique(points_.begin(), points_.end()), points_.end());
  std::erase_if(reads.ranges, [](const auto& range) { return range.begin >= range.end; });
  std::sort(reads.ranges.begin(), reads.ranges.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  for (lsm::PrefixRange& range : reads.ranges) {
    if (!ranges_.empty() && range.begin <= ranges_.back().end) {
      ranges_.back().Extend(range);
    } else {
      ranges_.push_back(std::move(range));
    }
  }
}

bool Validation::HasKey(std::string_view engine_key) const {
  if (std::binary_search(points_.begin(), points_.end(), engine_key, LessPoint)) return true;
  const std::string_view prefix = keys::PrefixOf(engine_key);
  const auto range = FirstReaching(ranges_, prefix);
  return range != ranges_.end() && range->Contains(prefix);
}

bool Validation::HasAnyOf(std::string_view begin, std::string_view end) const {
  const auto point = FirstPointAt(points_, begin);
  if (point != points_.end() && keys::PrefixOf(*point) < end) return true;
  const auto range = FirstReaching(ranges_, begin);
  return range != ranges_.end() && range->begin < end;
}

void Validation::SeeBatch(std::string_view encoding) {
  if (!conflict_.ok()) return;
  BatchReader reader(encoding);
  BatchEntry entry;
  while (reader.Next(&entry, /*verify_values=*/false)) {
    if (entry.kind == keys::Kind::kRangeDelete) {
      if (HasAnyOf(entry.key, entry.value)) conflict_ = RangeDeleted(entry.key, entry.value);
    } else if (HasKey(entry.key)) {
      conflict_ = KeyChanged(entry.key);
    }
    if (!conflict_.ok()) return;
  }
}

Status Validation::SearchTombstones(const lsm::RangeTombstoneSet& tombstones) const {
  for (const lsm::RangeTombstoneSet::Fragment& fragment : tombstones.fragments()) {
    if (fragment.sequences.front() > as_of_ && HasAnyOf(fragment.start, fragment.end)) {
      return RangeDeleted(fragment.start, fragment.end);
    }
  }
  return Status::Ok();
}

Status Validation::SearchRange(lsm::InternalIterator& it, const lsm::PrefixRange& range) const {
  for (it.Seek(keys::FirstInternalKey(range.begin)); it.Valid(); it.Next()) {
    if (keys::InternalPrefixOf(it.key()) >= range.end) return Status::Ok();
    if (keys::SequenceOf(it.key()) > as_of_) return KeyChanged(keys::EngineKeyOf(it.key()));
  }
  return it.status();
}

Status Validation::Search(const lsm::Memtable& memtable) const {
  RETURN_IF_ERROR(SearchTombstones(*memtable.range_tombstones()));
  for (const std::string& point : points_) {
    uint64_t trailer = 0;
    std::string_view payload;
    if (memtable.Get(point, keys::kMaxSequence, &trailer, &payload) && trailer >> 8 > as_of_) {
      return KeyChanged(point);
    }
  }
  if (ranges_.empty()) return Status::Ok();
  const auto it = memtable.NewIterator();
  for (const lsm::PrefixRange& range : ranges_) RETURN_IF_ERROR(SearchRange(*it, range));
  return Status::Ok();
}

Status Validation::Search(const lsm::Version& version) const {
  for (int level = 0; level < lsm::kLevels; level++) {
    for (const auto& file : version.files(level)) {
      if (file->meta().largest_sequence > as_of_) RETURN_IF_ERROR(Search(*file));
    }
  }
  return Status::Ok();
}

Status Validation::Search(const lsm::FileHandle& file) const {
  const lsm::PrefixRange covered = lsm::RangeOf(file.meta());
  ASSIGN_OR_RETURN(const lsm::TablePin table, file.Open());
  RETURN_IF_ERROR(SearchTombstones(*table->range_tombstones()));
  for (auto point = FirstPointAt(points_, covered.begin);
       point != points_.end() && covered.Contains(keys::PrefixOf(*point)); ++point) {
    lsm::TableEntry entry;
    ASSIGN_OR_RETURN(const bool found, table->Get({*point, keys::kMaxSequence}, &entry));
    if (found && entry.trailer >> 8 > as_of_) return KeyChanged(*point);
  }
  auto range = FirstReaching(ranges_, covered.begin);
  if (range == ranges_.end() || !range->Overlaps(covered)) return Status::Ok();
  const auto it = table->NewIterator(/*fill_cache=*/true);
  for (; range != ranges_.end() && range->Overlaps(covered); ++range) {
    RETURN_IF_ERROR(SearchRange(*it, *range));
  }
  return Status::Ok();
}

}  // namespace nokv::engine
