#include "lsm/sst/table_reader.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/macros.h"

namespace nokv::lsm::internal {

namespace {

// The first 8 bytes, in the order of the strings; a shorter one is filled up with zeros.
uint64_t HeadOf(std::string_view text) {
  if (text.size() >= sizeof(uint64_t)) return base::LoadBigEndian64(text.data());
  char bytes[sizeof(uint64_t)] = {};
  std::copy(text.begin(), text.end(), bytes);
  return base::LoadBigEndian64(bytes);
}

}  // namespace

TableReader::TableReader(std::unique_ptr<vfs::RandomFile> file, std::string path,
                         uint64_t file_number, BlockCache& cache, keys::SequenceNumber sequence,
                         TableReadCounters* counters)
    : file_(std::move(file)),
      path_(std::move(path)),
      file_number_(file_number),
      cache_(cache),
      sequence_(sequence),
      counters_(counters),
      blocks_(*file_),
      tombstones_(RangeTombstoneSet::Build({})) {}

Status TableReader::Open() {
  ASSIGN_OR_RETURN(const Footer footer, blocks_.ReadFooter(file_number_));
  external_ = footer.external();
  Metaindex metaindex;
  RETURN_IF_ERROR(ReadMetaindex(footer.metaindex, &metaindex));
  // All at once: page by page a long filter would be a long wait for the disk.
  uint64_t begin = metaindex.index->offset;
  if (metaindex.filter) begin = std::min(begin, metaindex.filter->offset);
  file_->Prefetch(begin, footer.metaindex.offset - begin);
  RETURN_IF_ERROR(ReadProperties(*metaindex.properties));
  RETURN_IF_ERROR(ReadIndex(*metaindex.index));
  if (metaindex.filter) RETURN_IF_ERROR(ReadFilter(*metaindex.filter));
  if (metaindex.key_index) key_index_.Promise(*metaindex.key_index);
  if (metaindex.range_filter && properties_.range_filter == kRangeFilterFormat) {
    range_filter_.Promise(*metaindex.range_filter);
  }
  if (metaindex.tombstones) RETURN_IF_ERROR(ReadTombstones(*metaindex.tombstones));
  reservation_ = cache_.Reserve(metadata_bytes());
  return {};
}

Status TableReader::ReadMetaindex(const BlockLocation& location, Metaindex* metaindex) const {
  ASSIGN_OR_RETURN(const std::string contents, blocks_.ReadBlock(location));
  std::string_view in = contents;
  while (!in.empty()) {
    std::string_view name;
    BlockLocation block;
    if (!base::GetLengthPrefixed(&in, &name) || !GetBlockLocation(&in, &block)) {
      return DamageAt("metaindex: malformed entry", location.offset);
    }
    if (name == kFilterBlock) metaindex->filter = block;
    if (name == kKeyIndexBlock) metaindex->key_index = block;
    if (name == kRangeFilterBlock) metaindex->range_filter = block;
    if (name == kIndexBlock) metaindex->index = block;
    if (name == kPropertiesBlock) metaindex->properties = block;
    if (name == kTombstoneBlock) metaindex->tombstones = block;
  }
  if (!metaindex->index || !metaindex->properties) {
    return DamageAt("metaindex: index or properties missing", location.offset);
  }
  return {};
}

Status TableReader::ReadProperties(const BlockLocation& location) {
  ASSIGN_OR_RETURN(const std::string contents, blocks_.ReadBlock(location));
  if (!DecodeProperties(contents, &properties_)) {
    return DamageAt("properties: malformed", location.offset);
  }
  TableSummary& summary = properties_.summary;
  summary.file_bytes = file_->Size();
  const bool speaks_of_keys = summary.entries > 0 || summary.range_tombstones > 0;
  const size_t shortest = keys::kSuffixBytes + keys::kTrailerBytes;
  if (speaks_of_keys && (summary.smallest.size() < shortest || summary.largest.size() < shortest ||
                         keys::CompareInternalKeys(summary.smallest, summary.largest) > 0)) {
    return DamageAt("properties: bounds that are no keys or out of order", location.offset);
  }
  return {};
}

Status TableReader::ReadIndex(const BlockLocation& location) {
  ASSIGN_OR_RETURN(index_contents_, blocks_.ReadBlock(location));
  const auto damage = [&](std::string_view what) {
    return DamageAt("index: " + std::string(what), location.offset);
  };
  BlockCursor cursor;
  cursor.Init(index_contents_);
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
    // The key lies right in front of its payload because every index key is stored whole.
    const std::string_view payload = cursor.payload();
    const size_t at = static_cast<size_t>(payload.data() - index_contents_.data());
    if (cursor.key().size() > at) return damage("malformed key");
    const std::string_view key =
        std::string_view(index_contents_).substr(at - cursor.key().size(), cursor.key().size());
    IndexEntry entry{key, {}};
    std::string_view in = payload;
    if (key != cursor.key() || !GetBlockLocation(&in, &entry.location) || !in.empty()) {
      return damage("malformed entry");
    }
    if (entry.location.offset > location.offset ||
        entry.location.size > location.offset - entry.location.offset ||
        entry.location.offset != (index_.empty() ? 0 : index_.back().location.end())) {
      return damage("blocks that overlap or leave a gap");
    }
    if (!index_.empty() && keys::CompareInternalKeys(index_.back().last_key, key) >= 0) {
      return damage("keys out of order");
    }
    index_.push_back(entry);
  }
  if (cursor.damaged()) return damage("malformed block");
  if (index_.empty() != (summary().entries == 0)) return damage("does not match the properties");
  index_.shrink_to_fit();
  BuildHeads();
  return {};
}

void TableReader::BuildHeads() {
  if (index_.empty()) return;
  const std::string_view first = keys::InternalPrefixOf(index_.front().last_key);
  const std::string_view last = keys::InternalPrefixOf(index_.back().last_key);
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  common_ = first.substr(0, static_cast<size_t>(differ.first - first.begin()));
  heads_.reserve(index_.size());
  for (const IndexEntry& entry : index_) {
    heads_.push_back(HeadOf(keys::InternalPrefixOf(entry.last_key).substr(common_.size())));
  }
}

Status TableReader::ReadFilter(const BlockLocation& location) {
  ASSIGN_OR_RETURN(const std::string contents, blocks_.ReadBlock(location));
  if (!filter_.Init(contents)) return DamageAt("filter: malformed", location.offset);
  return {};
}

Status TableReader::LoadKeyIndex() const {
  return key_index_.Load(
      cache_, [this](const BlockLocation& location) -> Result<std::unique_ptr<KeyIndex>> {
        file_->Prefetch(location.offset, location.size);
        ASSIGN_OR_RETURN(const std::string contents, ReadFromFile(location));
        auto index = std::make_unique<KeyIndex>();
        if (!index->Init(contents)) return DamageOf(location, "key index: malformed");
        return index;
      });
}

Status TableReader::LoadRangeFilter() const {
  return range_filter_.Load(
      cache_, [this](const BlockLocation& location) -> Result<std::unique_ptr<RangeFilter>> {
        file_->Prefetch(location.offset, location.size);
        ASSIGN_OR_RETURN(std::string contents, ReadFromFile(location));
        auto filter = std::make_unique<RangeFilter>();
        if (!filter->Init(std::move(contents), index_.size())) {
          return DamageOf(location, "range filter: malformed");
        }
        return filter;
      });
}

Status TableReader::ReadTombstones(const BlockLocation& location) {
  ASSIGN_OR_RETURN(const std::string contents, blocks_.ReadBlock(location));
  std::vector<RangeTombstone> tombstones;
  std::string_view in = contents;
  while (!in.empty()) {
    std::string_view start, end;
    keys::SequenceNumber sequence = 0;
    if (!base::GetLengthPrefixed(&in, &start) || !base::GetLengthPrefixed(&in, &end) ||
        !base::GetVarint64(&in, &sequence) || start >= end || sequence > keys::kMaxSequence) {
      return DamageAt("range tombstones: malformed entry", location.offset);
    }
    tombstones.push_back({std::string(start), std::string(end), external_ ? sequence_ : sequence});
  }
  if (tombstones.size() != summary().range_tombstones) {
    return DamageAt("range tombstones: not as many as the properties say", location.offset);
  }
  tombstones_ = RangeTombstoneSet::Build(std::move(tombstones));
  for (const RangeTombstoneSet::Fragment& fragment : tombstones_->fragments()) {
    tombstone_bytes_ += sizeof fragment + fragment.start.size() + fragment.end.size() +
                        fragment.sequences.size() * sizeof(keys::SequenceNumber);
  }
  return {};
}

size_t TableReader::FindBlock(const SeekKey& target) const {
  auto begin = index_.begin();
  auto end = index_.end();
  if (target.prefix().starts_with(common_)) {
    // Keys with lower heads sort before the target, those with higher ones behind it.
    const auto [low, high] = std::equal_range(heads_.begin(), heads_.end(),
                                              HeadOf(target.prefix().substr(common_.size())));
    end = begin + (high - heads_.begin());
    begin += low - heads_.begin();
  }
  const auto found = std::partition_point(
      begin, end, [&](const IndexEntry& entry) { return target.Compare(entry.last_key) > 0; });
  return static_cast<size_t>(found - index_.begin());
}

Result<BlockHandle> TableReader::ReadDataBlock(const BlockLocation& location, CacheUse use,
                                               ReadAhead* ahead, size_t place) const {
  BlockHandle cached = cache_.Lookup(file_number_, location.offset, place);
  if (cached != nullptr) return cached;
  if (ahead != nullptr) ahead->Note(*file_, location.offset, location.end());
  ASSIGN_OR_RETURN(std::string contents, ReadFromFile(location));
  auto block = std::make_shared<const std::string>(std::move(contents));
  if (use == CacheUse::kFill) cache_.Insert(file_number_, location.offset, block);
  return BlockHandle(std::move(block));
}

Result<std::string> TableReader::ReadFromFile(const BlockLocation& location) const {
  Result<std::string> contents = blocks_.ReadBlock(location);
  if (!contents.ok()) return contents.status().Prefixed(path_);
  return contents;
}

Result<KeyIndex::Answer> TableReader::FindPrefix(uint64_t hash, KeyPlace* place) const {
  const bool indexed = key_index_.location().has_value();
  if (indexed && key_index().empty()) RETURN_IF_ERROR(LoadKeyIndex());
  KeyIndex::Answer answer = KeyIndex::Answer::kAmbiguous;
  if (indexed) {
    answer = key_index().Find(hash, place);
  } else if (filter_.empty()) {
    return answer;
  } else if (!filter_.MayContain(hash)) {
    answer = KeyIndex::Answer::kAbsent;
  }
  if (counters_ != nullptr) counters_->CountFilter(answer == KeyIndex::Answer::kAbsent);
  return answer;
}

size_t TableReader::metadata_bytes() const {
  return index_contents_.capacity() + index_.capacity() * sizeof(IndexEntry) +
         heads_.capacity() * sizeof(uint64_t) + filter_.bytes() + range_filter().bytes() +
         key_index().bytes() + tombstone_bytes_;
}

}  // namespace nokv::lsm::internal
