#include "engine/ingest_job.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/macros.h"
#include "lsm/sst/table_builder.h"
#include "lsm/version/file_handle.h"
#include "manifest/format.h"
#include "manifest/manifest_names.h"

namespace nokv::engine {

namespace {

Status NotHere(const std::string& path, std::string_view why) {
  return Status::InvalidArgument(path + ": " + std::string(why));
}

}  // namespace

void SetSequence(keys::SequenceNumber sequence, manifest::FileMetadata* table) {
  table->smallest_sequence = sequence;
  table->largest_sequence = sequence;
  for (std::string* bound : {&table->smallest, &table->largest}) {
    // The bound of a range tombstone sorts first, whatever its sequence number.
    if (keys::SequenceOf(*bound) == keys::kMaxSequence) continue;
    *bound = keys::EncodeInternalKey(keys::EngineKeyOf(*bound),
                                     keys::PackTrailer(sequence, keys::KindOf(*bound)));
  }
}

IngestJob::IngestJob(IngestRequest request, IngestContext context)
    : request_(std::move(request)), context_(std::move(context)) {}

Result<bool> IngestJob::Step() {
  Status status = Run();
  if (status.ok()) return done_;
  RemoveOutputs();
  return status.Prefixed("ingest");
}

Status IngestJob::Run() {
  if (inspected_ < request_.files.size()) {
    RETURN_IF_ERROR(Inspect(request_.files[inspected_++]));
    return inspected_ == request_.files.size() ? CheckOverlaps() : Status::Ok();
  }
  if (excises() && outputs_.empty()) return WriteExcision();
  if (taken_ < request_.files.size()) return TakeOver(request_.files[taken_++]);
  RETURN_IF_ERROR(context_.fs->SyncDir(context_.dir));
  done_ = true;
  return Status::Ok();
}

Result<std::shared_ptr<const lsm::Table>> IngestJob::OpenTable(const std::string& path,
                                                               uint64_t number) {
  ASSIGN_OR_RETURN(auto file, context_.fs->OpenRandom(path, vfs::ReadMode::kRead));
  return lsm::Table::Open(std::move(file), path, number, no_cache_);
}

Status IngestJob::Inspect(const std::string& path) {
  // Also if it is this database under another name: its tables are not to be taken from it.
  ASSIGN_OR_RETURN(const bool in_database,
                   context_.fs->Exists(vfs::JoinPath(vfs::DirName(path), manifest::kCurrentName)));
  if (in_database) return NotHere(path, "it lies in the directory of a database");
  ASSIGN_OR_RETURN(const auto table, OpenTable(path, /*number=*/0));
  const std::string& comparator = table->external_comparator();
  if (comparator.empty()) return NotHere(path, "it was not written by an SstWriter");
  if (comparator != manifest::kComparatorName) {
    return NotHere(path, "its keys are ordered by \"" + base::EscapeBytes(comparator) +
                             "\", those of the database by \"" + manifest::kComparatorName + "\"");
  }
  const lsm::TableSummary& summary = table->summary();
  if (summary.entries == 0 && summary.range_tombstones == 0) return NotHere(path, "it is empty");
  sources_.push_back({path, lsm::RangeOf(lsm::MakeFileMetadata(0, summary, 0))});
  return Status::Ok();
}

Status IngestJob::CheckOverlaps() const {
  std::vector<Source> sorted = sources_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Source& a, const Source& b) { return a.range.begin < b.range.begin; });
  for (size_t i = 1; i < sorted.size(); i++) {
    if (!sorted[i - 1].range.Overlaps(sorted[i].range)) continue;
    return NotHere(sorted[i - 1].path, "its keys overlap those of " + sorted[i].path);
  }
  return Status::Ok();
}

uint64_t IngestJob::NewOutput(std::string* path) {
  const uint64_t number = context_.new_file_number();
  outputs_.push_back(number);
  *path = vfs::JoinPath(context_.dir, lsm::TableName(number));
  return number;
}

Status IngestJob::WriteExcision() {
  std::string path;
  const uint64_t number = NewOutput(&path);
  ASSIGN_OR_RETURN(auto file, context_.fs->CreateAppend(path));
  lsm::TableOptions options = context_.table_options;
  options.external_comparator = manifest::kComparatorName;
  lsm::TableBuilder builder(options, std::move(file), /*file_number=*/0, /*level=*/0);
  for (const lsm::PrefixRange& range : request_.excised) {
    builder.AddRangeTombstone({range.begin, range.end, 0});
  }
  ASSIGN_OR_RETURN(const lsm::TableSummary summary, builder.Finish());
  tables_.push_back(lsm::MakeFileMetadata(number, summary, context_.now_ms));
  return Status::Ok();
}

Status IngestJob::TakeOver(const std::string& path) {
  std::string to;
  const uint64_t number = NewOutput(&to);
  if (request_.transfer == IngestOptions::Transfer::kCopy) {
    RETURN_IF_ERROR(vfs::CopyFile(*context_.fs, path, to));
  } else {
    RETURN_IF_ERROR(vfs::LinkOrCopyFile(*context_.fs, path, to));
    // Whoever brought the file there may not have synced it.
    RETURN_IF_ERROR(context_.fs->SyncFile(to));
  }
  // What is checked is what the database will read.
  ASSIGN_OR_RETURN(const auto table, OpenTable(to, number));
  RETURN_IF_ERROR(table->Verify().Prefixed(path));
  tables_.push_back(lsm::MakeFileMetadata(number, table->summary(), context_.now_ms));
  return Status::Ok();
}

void IngestJob::RemoveExcision() {
  (void)context_.fs->Remove(vfs::JoinPath(context_.dir, lsm::TableName(outputs_.front())));
}

void IngestJob::RemoveOutputs() {
  for (const uint64_t number : outputs_) {
    (void)context_.fs->Remove(vfs::JoinPath(context_.dir, lsm::TableName(number)));
  }
  outputs_.clear();
}

Status IngestJob::RemoveSources() {
  Status first;
  if (request_.transfer != IngestOptions::Transfer::kMove) return first;
  for (const std::string& path : request_.files) {
    Status removed = context_.fs->Remove(path);
    if (first.ok()) first = std::move(removed);
  }
  return first;
}

}  // namespace nokv::engine
