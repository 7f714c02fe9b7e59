#include "lsm/sst/table.h"

#include <algorithm>
#include <utility>

#include "base/macros.h"
#include "base/prefetch.h"
#include "lsm/entry.h"
#include "lsm/sst/external_iterator.h"
#include "lsm/sst/table_iterator.h"
#include "lsm/sst/table_reader.h"

namespace nokv::lsm {

using internal::BlockCursor;
using internal::KeyIndex;
using internal::TableReader;

class Table::Impl {
 public:
  Impl(std::unique_ptr<vfs::RandomFile> file, std::string path, uint64_t file_number,
       BlockCache& cache, keys::SequenceNumber sequence, TableReadCounters* counters)
      : reader(std::move(file), std::move(path), file_number, cache, sequence, counters) {}

  // Checks the entries of the block at `position` in the index; `*last` is the key before it and
  // becomes its last key.
  Status VerifyBlock(size_t position, std::string* last, uint64_t* entries) const;
  // True if a lookup by hash finds the first entry of its prefix, which is in `block` at
  // `position`.
  bool LeadsTo(size_t position, std::string_view block, std::string_view internal_key) const;

  // True if a seek to the key that has an end behind it is let into the block at `position`.
  bool RangeLeadsTo(size_t position, std::string_view internal_key) const;

  TableReader reader;
};

Table::Table(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Table::~Table() = default;

Result<std::shared_ptr<const Table>> Table::Open(std::unique_ptr<vfs::RandomFile> file,
                                                 std::string path, uint64_t file_number,
                                                 BlockCache& cache, keys::SequenceNumber sequence,
                                                 TableReadCounters* counters) {
  auto impl = std::make_unique<Impl>(std::move(file), std::move(path), file_number, cache, sequence,
                                     counters);
  RETURN_IF_ERROR(impl->reader.Open().Prefixed("open sstable " + impl->reader.path()));
  return std::shared_ptr<const Table>(new Table(std::move(impl)));
}

Result<bool> Table::Get(const TableKey& key, TableEntry* entry) const {
  TableLookup lookup(*this, key);
  if (!lookup.Locate()) return false;
  RETURN_IF_ERROR(lookup.Fetch());
  lookup.BeginSearch();
  while (lookup.Narrow()) continue;
  return lookup.Finish(entry);
}

void Table::Prefetch(const TableKey& key) const {
  impl_->reader.PrefetchPrefix(key.hash());
}

TableLookup::TableLookup(const Table& table, const TableKey& key)
    : reader_(&table.impl_->reader),
      key_(key),
      visible_(!reader_->external() || reader_->sequence() <= key.snapshot()) {
  reader_->PrefetchPrefix(key.hash());
}

bool TableLookup::Locate() {
  internal::KeyPlace place;
  if (!visible_) return false;
  const Result<KeyIndex::Answer> answer = reader_->FindPrefix(key_.hash(), &place);
  if (!answer.ok()) {
    failed_ = answer.status();
    return true;
  }
  if (*answer == KeyIndex::Answer::kAbsent) return false;
  // A place that is none is left to the search by key; Verify names it.
  if (*answer != KeyIndex::Answer::kPlace || place.block >= reader_->index().size()) {
    return LocateByKey();
  }
  place_ = place;
  position_ = place.block;
  reader_->PrefetchDataBlock(reader_->index()[position_].location);
  return true;
}

bool TableLookup::LocateByKey() {
  place_.reset();
  position_ = reader_->FindBlock(key_.target());
  if (position_ == reader_->index().size()) return false;
  reader_->PrefetchDataBlock(reader_->index()[position_].location);
  return true;
}

Status TableLookup::Fetch() {
  RETURN_IF_ERROR(failed_);
  const size_t place = place_.has_value() ? place_->offset : BlockCache::kNoPlace;
  ASSIGN_OR_RETURN(block_, reader_->ReadDataBlock(reader_->index()[position_].location,
                                                  TableReader::CacheUse::kFill, nullptr, place));
  // A search begins with the restart points, which are at the end.
  if (!place_.has_value()) base::Prefetch(block_->data() + block_->size() - 1);
  return Status::Ok();
}

void TableLookup::BeginSearch() {
  if (place_.has_value()) return;
  internal::BlockView block;
  (void)block.Init(*block_);  // if not, the search is damaged
  search_ = internal::RestartSearch(block);
}

Result<bool> TableLookup::Finish(TableEntry* entry) {
  if (place_.has_value()) {
    ASSIGN_OR_RETURN(const std::optional<bool> found, FinishAtPlace(entry));
    if (found.has_value()) return *found;
    if (!LocateByKey()) return false;
    RETURN_IF_ERROR(Fetch());
    BeginSearch();
    while (Narrow()) continue;
  }
  BlockCursor cursor;
  cursor.SeekFrom(search_, key_.target());
  if (!cursor.Valid()) {
    // The index promised an entry at or after the target.
    return reader_->DamageOf(reader_->index()[position_].location,
                             cursor.damaged() ? "malformed entry" : "does not match the index");
  }
  return Take(cursor, entry);
}

Result<std::optional<bool>> TableLookup::FinishAtPlace(TableEntry* entry) {
  BlockCursor cursor;
  if (cursor.FindOn(*block_, place_->offset, key_.target()) && Take(cursor, entry)) {
    return std::optional<bool>(true);
  }
  cursor.SeekOn(*block_, place_->offset, key_.target());
  if (cursor.damaged()) {
    return reader_->DamageOf(reader_->index()[position_].location,
                             "malformed entry where the key index leads to");
  }
  // The rest of the prefix's entries are in the next block, or this is the place of another.
  if (!cursor.Valid()) return std::optional<bool>();
  // If the table has the prefix, then this is its place, and nothing at or after the target lies
  // before it. If not, there is nothing to be found.
  return std::optional<bool>(Take(cursor, entry));
}

bool TableLookup::Take(const BlockCursor& cursor, TableEntry* entry) {
  if (key_.target().CompareEngineKey(keys::EngineKeyOf(cursor.key())) != 0) return false;
  entry->trailer = reader_->TrailerOf(cursor.key());
  entry->payload = cursor.payload();
  entry->block = std::move(block_);
  return true;
}

std::unique_ptr<InternalIterator> Table::NewIterator(bool fill_cache, std::string_view end) const {
  auto entries = std::make_unique<internal::TableIterator>(
      impl_->reader, fill_cache ? TableReader::CacheUse::kFill : TableReader::CacheUse::kLookOnly,
      end);
  if (!impl_->reader.external()) return entries;
  return std::make_unique<internal::ExternalIterator>(impl_->reader, std::move(entries));
}

const std::shared_ptr<const RangeTombstoneSet>& Table::range_tombstones() const {
  return impl_->reader.tombstones();
}

const TableSummary& Table::summary() const {
  return impl_->reader.summary();
}

const std::string& Table::external_comparator() const {
  return impl_->reader.properties().comparator;
}

std::vector<std::pair<std::string, std::string>> Table::Properties() const {
  return internal::ListProperties(impl_->reader.properties());
}

std::vector<TableBlock> Table::Blocks() const {
  std::vector<TableBlock> blocks;
  for (const TableReader::IndexEntry& entry : impl_->reader.index()) {
    blocks.push_back({entry.location.offset, entry.location.size, entry.last_key});
  }
  return blocks;
}

size_t Table::metadata_bytes() const {
  return impl_->reader.metadata_bytes();
}

namespace {

// An external table has one put or deletion of a key, with the value in it. `last` is the key of
// the entry before.
bool IsExternalEntry(std::string_view last, std::string_view internal_key,
                     const ParsedPayload& parsed) {
  if (!keys::IsInternalKey(internal_key) || keys::SequenceOf(internal_key) != 0) return false;
  const keys::Kind kind = keys::KindOf(internal_key);
  if (kind != keys::Kind::kPut && kind != keys::Kind::kDelete) return false;
  return !parsed.pointer.has_value() &&
         (last.empty() || keys::EngineKeyOf(last) != keys::EngineKeyOf(internal_key));
}

// True if the bounds of the table cover the range tombstone.
bool CoversTombstone(const TableSummary& summary, const RangeTombstoneSet::Fragment& tombstone) {
  return keys::InternalPrefixOf(summary.smallest) <= tombstone.start &&
         keys::InternalPrefixOf(summary.largest) >= tombstone.end;
}

}  // namespace

bool Table::Impl::LeadsTo(size_t position, std::string_view block,
                          std::string_view internal_key) const {
  const uint64_t hash = internal::Filter::HashOf(keys::InternalPrefixOf(internal_key));
  if (reader.key_index().empty()) return reader.filter().MayContain(hash);
  internal::KeyPlace place;
  const KeyIndex::Answer answer = reader.key_index().Find(hash, &place);
  if (answer != KeyIndex::Answer::kPlace) return answer == KeyIndex::Answer::kAmbiguous;
  BlockCursor cursor;
  cursor.SeekOn(block, place.offset, SeekKey(internal_key));
  return place.block == position && cursor.Valid() && cursor.key() == internal_key;
}

bool Table::Impl::RangeLeadsTo(size_t position, std::string_view internal_key) const {
  const std::string_view prefix = keys::InternalPrefixOf(internal_key);
  const std::string_view last = keys::InternalPrefixOf(reader.index()[position].last_key);
  // The shortest range that holds it. What is behind the last of the block is not asked.
  return prefix >= last ||
         reader.range_filter().MayHold(position, last, prefix, std::string(prefix) + '\0');
}

Status Table::Impl::VerifyBlock(size_t position, std::string* last, uint64_t* entries) const {
  const TableReader::IndexEntry& indexed = reader.index()[position];
  const auto damage = [&](std::string_view what) {
    return reader.DamageOf(indexed.location, what);
  };
  // Past the cache: what is asked for is the state of the file.
  ASSIGN_OR_RETURN(const std::string block, reader.ReadFromFile(indexed.location));
  BlockCursor cursor;
  cursor.Init(block);
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
    ParsedPayload parsed;
    if (!last->empty() && keys::CompareInternalKeys(*last, cursor.key()) >= 0) {
      return damage("keys out of order");
    }
    if (!ParseEntryPayload(cursor.payload(), &parsed) ||
        (parsed.pointer.has_value() && !parsed.apart())) {
      return damage("malformed payload");
    }
    if (reader.external() && !IsExternalEntry(*last, cursor.key(), parsed)) {
      return damage("an entry that no external table has");
    }
    if (keys::CompareInternalKeys(cursor.key(), reader.summary().smallest) < 0) {
      return damage("a key before the smallest of the properties");
    }
    const bool begins_prefix =
        last->empty() || keys::InternalPrefixOf(*last) != keys::InternalPrefixOf(cursor.key());
    if (begins_prefix && !LeadsTo(position, block, cursor.key())) {
      return damage("a key that filter or key index deny");
    }
    if (!RangeLeadsTo(position, cursor.key())) return damage("a key that the range filter denies");
    last->assign(cursor.key());
    ++*entries;
  }
  if (cursor.damaged()) return damage("malformed entry");
  if (*last != indexed.last_key) return damage("does not match the index");
  return {};
}

Status Table::Verify() const {
  const TableReader& reader = impl_->reader;
  const TableSummary& expected = reader.summary();
  RETURN_IF_ERROR(reader.LoadKeyIndex());
  RETURN_IF_ERROR(reader.LoadRangeFilter());
  std::string last;
  uint64_t entries = 0;
  for (size_t position = 0; position < reader.index().size(); position++) {
    RETURN_IF_ERROR(impl_->VerifyBlock(position, &last, &entries));
  }
  if (entries != expected.entries) {
    return Status::Corruption(reader.path() + ": the properties promise " +
                              std::to_string(expected.entries) + " entries, the blocks hold " +
                              std::to_string(entries));
  }
  if (!last.empty() && keys::CompareInternalKeys(last, expected.largest) > 0) {
    return Status::Corruption(reader.path() + ": a key lies beyond the largest of the properties");
  }
  for (const RangeTombstoneSet::Fragment& tombstone : reader.tombstones()->fragments()) {
    if (CoversTombstone(expected, tombstone)) continue;
    return Status::Corruption(reader.path() +
                              ": a range tombstone lies beyond the bounds of the properties");
  }
  return {};
}

}  // namespace nokv::lsm
