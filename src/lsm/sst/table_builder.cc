#include "lsm/sst/table_builder.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/macros.h"
#include "lsm/entry.h"
#include "lsm/sst/block_builder.h"
#include "lsm/sst/filter.h"
#include "lsm/sst/format.h"
#include "lsm/sst/key_index.h"
#include "lsm/sst/properties.h"
#include "lsm/sst/range_filter.h"

namespace nokv::lsm {

using internal::BlockLocation;

namespace {

// Stored blocks are handed to the file in pieces of about this size; what alone is longer, as a key
// index may be, is not copied for it.
constexpr size_t kWriteBytes = 256 << 10;

// The internal key that sorts before every entry of `prefix`.
std::string BoundAt(std::string_view prefix, keys::SequenceNumber sequence) {
  std::string engine_key(prefix);
  engine_key.append(keys::kSuffixBytes, '\0');  // the suffix that sorts first
  return keys::EncodeInternalKey(engine_key, keys::PackTrailer(sequence, keys::Kind::kRangeDelete));
}

}  // namespace

class TableBuilder::Impl {
 public:
  Impl(const TableOptions& options, std::unique_ptr<vfs::AppendFile> file, uint64_t file_number,
       int level)
      : options_(options),
        file_(std::move(file)),
        block_(options.restart_interval),
        index_(1),  // whole keys: readers keep views of them
        filter_(options.filter_bits_per_key) {
    properties_.file_number = file_number;
    properties_.level = static_cast<uint64_t>(level);
    properties_.comparator = options.external_comparator;
  }

  Status Add(std::string_view internal_key, std::string_view payload);
  void AddRangeTombstone(const RangeTombstone& tombstone);
  Result<TableSummary> Finish();

  uint64_t file_bytes() const {
    return written_ + pending_.size() + (block_.empty() ? 0 : block_.bytes());
  }
  const TableSummary& summary() const { return properties_.summary; }

 private:
  Status Check(std::string_view internal_key, std::string_view payload,
               ParsedPayload* parsed) const;
  void CountPointer(const vlog::ValuePointer& pointer);
  // Stores a block at the end of the file.
  Status Store(std::string_view contents, Compression compression, BlockLocation* location);
  Status FlushBlock();
  Status WritePending();
  Status StoreTombstones(std::string* metaindex);
  Status StoreFilter(std::string* metaindex);
  Status StoreRangeFilter(std::string* metaindex);
  Status StoreMetadata(std::string_view name, std::string_view contents, Compression compression,
                       std::string* metaindex);
  Status FinishFile();
  void CoverTombstones();
  void CoverSequence(keys::SequenceNumber sequence);

  const TableOptions options_;
  const std::unique_ptr<vfs::AppendFile> file_;
  internal::BlockBuilder block_;
  internal::BlockBuilder index_;
  internal::FilterBuilder filter_;
  internal::KeyIndexBuilder key_index_;
  internal::RangeFilterBuilder range_filter_;
  uint32_t blocks_ = 0;  // that are finished
  std::vector<RangeTombstone> tombstones_;
  internal::Properties properties_;
  std::string last_key_;
  std::string pending_;   // stored blocks that have not been handed to the file
  uint64_t written_ = 0;  // bytes that have
  // What the entries point into.
  std::map<manifest::ValueFileId, manifest::ValueReference> references_;
  Status status_;  // the first failure; everything after it answers the same
};

Status TableBuilder::Impl::Check(std::string_view internal_key, std::string_view payload,
                                 ParsedPayload* parsed) const {
  const auto refuse = [&](std::string_view why) {
    return Status::Internal("sstable " + std::to_string(properties_.file_number) + ": key \"" +
                            base::EscapeBytes(internal_key.substr(0, 64)) + "\" " +
                            std::string(why));
  };
  if (!keys::IsInternalKey(internal_key)) return refuse("is not an internal key");
  if (!ParseEntryPayload(payload, parsed)) return refuse("has a malformed payload");
  if (parsed->pointer.has_value() && !parsed->apart()) {
    return refuse("has a value and a pointer to it");
  }
  if (internal_key.size() + payload.size() > internal::kMaxBlockBytes / 2) {
    return refuse("is too long together with its value");
  }
  if (!last_key_.empty() && keys::CompareInternalKeys(last_key_, internal_key) >= 0) {
    return refuse("was added out of order");
  }
  return {};
}

void TableBuilder::Impl::CountPointer(const vlog::ValuePointer& pointer) {
  manifest::ValueReference& reference = references_[pointer.file];
  reference.file = pointer.file;
  reference.bytes += vlog::SpaceOf(pointer);
  reference.end = std::max(reference.end, pointer.end());
}

Status TableBuilder::Impl::Add(std::string_view internal_key, std::string_view payload) {
  RETURN_IF_ERROR(status_);
  ParsedPayload parsed;
  status_ = Check(internal_key, payload, &parsed);
  RETURN_IF_ERROR(status_);

  TableSummary& summary = properties_.summary;
  if (summary.entries == 0) summary.smallest.assign(internal_key);
  last_key_.assign(internal_key);
  summary.entries++;
  if (keys::KindOf(internal_key) == keys::Kind::kDelete) summary.deletions++;
  summary.raw_key_bytes += internal_key.size();
  summary.raw_value_bytes += payload.size();
  CoverSequence(keys::SequenceOf(internal_key));
  if (parsed.pointer.has_value()) CountPointer(*parsed.pointer);
  const uint64_t expiry = parsed.attributes.expiry_ms;
  if (expiry != 0 && (summary.earliest_expiry_ms == 0 || expiry < summary.earliest_expiry_ms)) {
    summary.earliest_expiry_ms = expiry;
  }

  // What a block may become, with the byte behind a string's end, stays within its target: an
  // allocator gives whatever is a little longer than 8 KiB 10 KiB, which no budget knows of.
  if (block_.bytes() + block_.MaxEntryBytes(internal_key, payload) >= options_.block_bytes) {
    status_ = FlushBlock();
    RETURN_IF_ERROR(status_);
  }
  block_.Add(internal_key, payload);
  if (options_.range_filter) range_filter_.AddPrefix(keys::InternalPrefixOf(internal_key));
  if (filter_.AddPrefix(keys::InternalPrefixOf(internal_key)) && options_.key_index) {
    key_index_.Add({blocks_, block_.last_restart()});
  }
  if (block_.bytes() >= options_.block_bytes) status_ = FlushBlock();
  return status_;
}

void TableBuilder::Impl::AddRangeTombstone(const RangeTombstone& tombstone) {
  if (tombstone.start >= tombstone.end) return;
  tombstones_.push_back(tombstone);
  properties_.summary.range_tombstones++;
  CoverSequence(tombstone.sequence);
}

void TableBuilder::Impl::CoverSequence(keys::SequenceNumber sequence) {
  TableSummary& summary = properties_.summary;
  summary.smallest_sequence = std::min(summary.smallest_sequence, sequence);
  summary.largest_sequence = std::max(summary.largest_sequence, sequence);
}

Status TableBuilder::Impl::WritePending() {
  if (pending_.empty()) return {};
  RETURN_IF_ERROR(file_->Append(pending_));
  written_ += pending_.size();
  pending_.clear();
  return {};
}

Status TableBuilder::Impl::Store(std::string_view contents, Compression compression,
                                 BlockLocation* location) {
  location->offset = written_ + pending_.size();
  if (compression == Compression::kNone && contents.size() >= kWriteBytes) {
    location->size = contents.size();
    RETURN_IF_ERROR(WritePending());
    RETURN_IF_ERROR(file_->Append(contents));
    written_ += contents.size();
    internal::AppendPlainTrailer(contents, &pending_);
    return {};
  }
  location->size = internal::AppendStoredBlock(contents, compression, &pending_);
  return pending_.size() >= kWriteBytes ? WritePending() : Status::Ok();
}

Status TableBuilder::Impl::FlushBlock() {
  if (block_.empty()) return {};
  BlockLocation location;
  RETURN_IF_ERROR(Store(block_.Finish(), options_.compression, &location));
  std::string encoded;
  internal::PutBlockLocation(&encoded, location);
  index_.Add(block_.last_key(), encoded);
  if (options_.range_filter) range_filter_.EndBlock();
  block_.Reset();
  blocks_++;
  return {};
}

Status TableBuilder::Impl::StoreMetadata(std::string_view name, std::string_view contents,
                                         Compression compression, std::string* metaindex) {
  if (contents.size() > internal::kMaxBlockBytes) {
    return Status::Internal("sstable " + std::to_string(properties_.file_number) + ": its " +
                            std::string(name) + " block is too long");
  }
  BlockLocation location;
  RETURN_IF_ERROR(Store(contents, compression, &location));
  base::PutLengthPrefixed(metaindex, name);
  internal::PutBlockLocation(metaindex, location);
  return {};
}

Status TableBuilder::Impl::StoreTombstones(std::string* metaindex) {
  if (tombstones_.empty()) return {};
  std::string contents;
  for (const RangeTombstone& tombstone : tombstones_) {
    base::PutLengthPrefixed(&contents, tombstone.start);
    base::PutLengthPrefixed(&contents, tombstone.end);
    base::PutVarint64(&contents, tombstone.sequence);
  }
  return StoreMetadata(internal::kTombstoneBlock, contents, Compression::kNone, metaindex);
}

void TableBuilder::Impl::CoverTombstones() {
  TableSummary& summary = properties_.summary;
  for (const RangeTombstone& tombstone : tombstones_) {
    // The largest sequence number sorts first, so both bounds lie before every entry there.
    std::string smallest = BoundAt(tombstone.start, keys::kMaxSequence);
    std::string largest = BoundAt(tombstone.end, keys::kMaxSequence);
    if (summary.smallest.empty() || keys::CompareInternalKeys(smallest, summary.smallest) < 0) {
      summary.smallest = std::move(smallest);
    }
    if (summary.largest.empty() || keys::CompareInternalKeys(largest, summary.largest) > 0) {
      summary.largest = std::move(largest);
    }
  }
}

Status TableBuilder::Impl::StoreFilter(std::string* metaindex) {
  std::string_view name = internal::kKeyIndexBlock;
  std::string contents;
  if (options_.key_index) contents = key_index_.Finish(&filter_.hashes());
  if (contents.empty()) {
    name = internal::kFilterBlock;
    contents = filter_.Finish();
  }
  properties_.filter = contents.empty() ? "none" : name;
  if (contents.empty()) return {};
  return StoreMetadata(name, contents, Compression::kNone, metaindex);
}

Status TableBuilder::Impl::StoreRangeFilter(std::string* metaindex) {
  const std::string contents = range_filter_.Finish();
  if (contents.empty()) return {};
  properties_.range_filter = internal::kRangeFilterFormat;
  return StoreMetadata(internal::kRangeFilterBlock, contents, Compression::kNone, metaindex);
}

Status TableBuilder::Impl::FinishFile() {
  RETURN_IF_ERROR(FlushBlock());
  properties_.summary.largest = last_key_;
  CoverTombstones();

  std::string metaindex;
  RETURN_IF_ERROR(StoreFilter(&metaindex));
  RETURN_IF_ERROR(StoreRangeFilter(&metaindex));
  RETURN_IF_ERROR(
      StoreMetadata(internal::kIndexBlock, index_.Finish(), options_.compression, &metaindex));
  RETURN_IF_ERROR(StoreTombstones(&metaindex));
  properties_.compression = internal::CompressionName(options_.compression);
  properties_.engine_version = NOKV_VERSION;
  RETURN_IF_ERROR(StoreMetadata(internal::kPropertiesBlock, internal::EncodeProperties(properties_),
                                Compression::kNone, &metaindex));
  internal::Footer footer;
  footer.file_number = properties_.file_number;
  // Whoever does not know pointers must not read them as values.
  if (!references_.empty()) footer.format_version = internal::kPointerVersion;
  if (!options_.external_comparator.empty()) footer.format_version = internal::kExternalVersion;
  RETURN_IF_ERROR(Store(metaindex, Compression::kNone, &footer.metaindex));
  pending_ += footer.Encode();
  RETURN_IF_ERROR(WritePending());
  RETURN_IF_ERROR(file_->Sync());
  return file_->Close();
}

Result<TableSummary> TableBuilder::Impl::Finish() {
  RETURN_IF_ERROR(status_);
  status_ = FinishFile();
  RETURN_IF_ERROR(status_);
  status_ = Status::Closed("sstable " + std::to_string(properties_.file_number));
  properties_.summary.file_bytes = written_;
  for (const auto& [file, reference] : references_) {
    properties_.summary.points_into.push_back(reference);
  }
  return properties_.summary;
}

TableBuilder::TableBuilder(const TableOptions& options, std::unique_ptr<vfs::AppendFile> file,
                           uint64_t file_number, int level)
    : impl_(std::make_unique<Impl>(options, std::move(file), file_number, level)) {}
TableBuilder::~TableBuilder() = default;

Status TableBuilder::Add(std::string_view internal_key, std::string_view payload) {
  return impl_->Add(internal_key, payload);
}
void TableBuilder::AddRangeTombstone(const RangeTombstone& tombstone) {
  impl_->AddRangeTombstone(tombstone);
}
Result<TableSummary> TableBuilder::Finish() {
  return impl_->Finish();
}
uint64_t TableBuilder::file_bytes() const {
  return impl_->file_bytes();
}
uint64_t TableBuilder::entries() const {
  return impl_->summary().entries;
}
bool TableBuilder::empty() const {
  return impl_->summary().entries == 0 && impl_->summary().range_tombstones == 0;
}

}  // namespace nokv::lsm
