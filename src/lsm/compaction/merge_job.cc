#include "lsm/compaction/merge_job.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "lsm/compaction/value_order.h"
#include "lsm/iterator/merging_iterator.h"
#include "lsm/version/level_iterator.h"

namespace nokv::lsm {

MergeJob::MergeJob(MergeJobContext context, int output_level, bool split_outputs)
    : context_(std::move(context)),
      output_level_(output_level),
      split_outputs_(split_outputs),
      values_(*context_.fs, context_.dir, context_.new_file_number,
              {context_.value_buckets, context_.target_file_bytes}) {
  NOKV_CHECK(std::is_sorted(context_.snapshots.begin(), context_.snapshots.end()));
}

MergeJob::~MergeJob() {
  if (!done_) RemoveOutputs();
}

void MergeJob::RemoveOutputs() {
  builder_.reset();
  values_.Remove();
  for (const uint64_t number : std::exchange(outputs_, {})) {
    // A file that cannot be removed now is an orphan that the next open finds.
    (void)context_.fs->Remove(vfs::JoinPath(context_.dir, TableName(number)));
  }
}

Result<bool> MergeJob::Step(uint64_t max_bytes) {
  RETURN_IF_ERROR(failure_);
  if (done_) return true;
  failure_ = Run(max_bytes);
  if (!failure_.ok()) {
    RemoveOutputs();
    return failure_;
  }
  return done_;
}

Status MergeJob::Start(uint64_t slice) {
  started_ = true;
  if (input_ == nullptr) RETURN_IF_ERROR(OpenInputs());
  if (plan_.gathers || !plan_.emptied.empty()) {
    ahead_ = std::make_unique<EntriesAhead>(
        [this](const vlog::ValuePointer& pointer) { return Moves(pointer); },
        [this](const vlog::ValueFileId& id, const vlog::ValueRuns::Extent& extent) {
          const vlog::ValueFile* const file = plan_.version->FindValueFile(id);
          if (file != nullptr) file->Fetch(extent.begin, extent.end - extent.begin);
        },
        plan_.gathers || context_.values_on_disk);
  }
  input_->PauseAt(slice);
  if (!slice_.begin.has_value()) {
    input_->SeekToFirst();
    return Status::Ok();
  }
  has_begin_ = true;
  output_begin_ = *slice_.begin;
  input_->Seek(*slice_.begin);
  return Status::Ok();
}

Status MergeJob::OpenInputs() {
  std::vector<std::unique_ptr<InternalIterator>> iterators;
  if (plan_.input_level == 0) {
    const std::span<const std::shared_ptr<const FileHandle>> inputs = plan_.inputs;
    for (size_t i = 0; i < inputs.size(); i++) {
      iterators.push_back(NewLevelIterator(inputs.subspan(i, 1), /*fill_cache=*/false));
    }
  } else {
    iterators.push_back(NewLevelIterator(plan_.inputs, /*fill_cache=*/false));
  }
  iterators.push_back(NewLevelIterator(plan_.output_inputs, /*fill_cache=*/false));
  std::vector<std::shared_ptr<const RangeTombstoneSet>> tombstones;
  RETURN_IF_ERROR(AppendTombstones(plan_.inputs, &tombstones));
  RETURN_IF_ERROR(AppendTombstones(plan_.output_inputs, &tombstones));
  // Within level 0 what lies under the output may be in level 0 too.
  const Version* const bottom = output_level_ > 0 ? plan_.version.get() : nullptr;
  input_ = std::make_unique<CompactionIterator>(
      NewMergingIterator(std::move(iterators)), tombstones,
      CompactionFilterOptions{.snapshots = context_.snapshots,
                              .now_ms = context_.now_ms,
                              .bottom = {bottom, output_level_},
                              .filter = context_.filter,
                              .end = slice_.end,
                              .output_level = output_level_,
                              .values = plan_.version.get()});
  return Status::Ok();
}

Status MergeJob::Run(uint64_t max_bytes) {
  const uint64_t slice = std::clamp<uint64_t>(max_bytes, 1, UINT64_MAX / 2);
  if (!started_) {
    RETURN_IF_ERROR(Start(slice));
  } else {
    input_->PauseAt(input_->bytes_read() + slice);
    if (input_->paused()) input_->Resume();
  }
  const uint64_t moved_limit = moved_bytes_ + slice;
  while (input_->Valid()) {
    RETURN_IF_ERROR(TakeEntry());
    input_->Next();
    if (moved_bytes_ >= moved_limit && input_->Valid()) return Status::Ok();
  }
  RETURN_IF_ERROR(input_->status());
  if (input_->paused()) return Status::Ok();
  while (ahead_ != nullptr && !ahead_->empty()) {
    RETURN_IF_ERROR(AddAhead());
    if (moved_bytes_ >= moved_limit && !ahead_->empty()) return Status::Ok();
  }
  return FinishAll();
}

Status MergeJob::TakeEntry() {
  for (size_t added = 0; ahead_ != nullptr && ahead_->IsDue(added); added++) {
    RETURN_IF_ERROR(AddAhead());
  }
  if (ahead_ == nullptr || (ahead_->empty() && !ahead_->asks())) {
    return AddEntry(input_->key(), input_->value());
  }
  ahead_->Push(input_->key(), input_->value());
  return Status::Ok();
}

Status MergeJob::AddAhead() {
  RETURN_IF_ERROR(AddEntry(ahead_->internal_key(), ahead_->payload()));
  ahead_->Pop();
  return Status::Ok();
}

Status MergeJob::AddEntry(std::string_view internal_key, std::string_view payload) {
  const std::string_view prefix = keys::InternalPrefixOf(internal_key);
  const bool full = split_outputs_ && builder_ != nullptr &&
                    (builder_->file_bytes() >= context_.target_file_bytes ||
                     output_value_bytes_ >= context_.target_value_bytes);
  if (full && prefix != last_prefix_) {
    const std::string next_begin(prefix);
    RETURN_IF_ERROR(FinishOutput(&next_begin));
    output_begin_ = next_begin;
    has_begin_ = true;
  }
  if (builder_ == nullptr) RETURN_IF_ERROR(StartOutput());
  last_prefix_.assign(prefix);
  ASSIGN_OR_RETURN(const std::string_view stored, TablePayload(internal_key, payload));
  return builder_->Add(internal_key, stored);
}

Result<std::string_view> MergeJob::TablePayload(std::string_view internal_key,
                                                std::string_view payload) {
  ParsedPayload parsed;
  if (!ParseEntryPayload(payload, &parsed)) {
    return Status::Corruption("an entry in the input of a table is malformed");
  }
  if (!memtables_.empty()) return FlushedPayload(parsed, payload);
  const std::string_view engine_key = keys::EngineKeyOf(internal_key);
  if (!parsed.pointer.has_value()) {
    if (!context_.placement.Apart(engine_key, parsed.value.size())) return payload;
    output_value_bytes_ += parsed.value.size();
    return MoveValue(engine_key, parsed, parsed.value, base::MaskCrc(base::Crc32c(parsed.value)));
  }
  output_value_bytes_ += parsed.pointer->length;
  if (!Moves(*parsed.pointer)) {
    left_in_haste_ = left_in_haste_ || Gathers(*parsed.pointer);
    return payload;
  }
  std::string_view value;
  RETURN_IF_ERROR(ReadMoved(*parsed.pointer, &value));
  moved_bytes_ += value.size();
  if (context_.placement.Apart(engine_key, value.size())) {
    return MoveValue(engine_key, parsed, value, parsed.pointer->crc);
  }
  payload_.clear();
  AppendEntryPayload(parsed.attributes, value, &payload_);
  return std::string_view(payload_);
}

Status MergeJob::ReadMoved(const vlog::ValuePointer& pointer, std::string_view* value) {
  if (!ahead_->TimesRead()) return plan_.version->ReadValue(pointer, &fetched_, value);
  const uint64_t before = context_.now_us();
  Status read = plan_.version->ReadValue(pointer, &fetched_, value);
  ahead_->NoteRead(context_.now_us() - before);
  return read;
}

bool MergeJob::Moves(const vlog::ValuePointer& pointer) const {
  if (context_.in_haste != nullptr && context_.in_haste->load(std::memory_order_relaxed)) {
    return false;
  }
  return Gathers(pointer) || plan_.emptied.contains(pointer.file);
}

bool MergeJob::Gathers(const vlog::ValuePointer& pointer) const {
  return plan_.gathers && pointer.length <= kLongestOrdered;
}

std::string_view MergeJob::FlushedPayload(const ParsedPayload& parsed, std::string_view payload) {
  if (!parsed.pointer.has_value()) return payload;
  payload_.clear();
  if (context_.void_places.Contain(*parsed.pointer)) {
    AppendEntryPayload(parsed.attributes, parsed.value, &payload_);
  } else {
    AppendApartPayload(parsed.attributes, *parsed.pointer, &payload_);
  }
  return payload_;
}

Result<std::string_view> MergeJob::MoveValue(std::string_view engine_key,
                                             const ParsedPayload& parsed, std::string_view value,
                                             uint32_t crc) {
  // What is gathered stays together, whatever its age.
  const bool old = plan_.gathers || (parsed.pointer.has_value() &&
                                     parsed.pointer->file.kind == vlog::ValueFileId::Kind::kMoved);
  ASSIGN_OR_RETURN(const vlog::ValuePointer pointer, values_.Add(engine_key, old, value, crc));
  payload_.clear();
  AppendApartPayload(parsed.attributes, pointer, &payload_);
  return std::string_view(payload_);
}

Status MergeJob::StartOutput() {
  builder_number_ = context_.new_file_number();
  const std::string path = vfs::JoinPath(context_.dir, TableName(builder_number_));
  ASSIGN_OR_RETURN(std::unique_ptr<vfs::AppendFile> file, context_.fs->CreateAppend(path));
  outputs_.push_back(builder_number_);
  output_value_bytes_ = 0;
  builder_ =
      std::make_unique<TableBuilder>(context_.table_options[static_cast<size_t>(output_level_)],
                                     std::move(file), builder_number_, output_level_);
  return Status::Ok();
}

Status MergeJob::FinishOutput(const std::string* end) {
  const std::vector<RangeTombstone> tombstones =
      input_->TombstonesIn(has_begin_ ? &output_begin_ : nullptr, end);
  if (builder_ == nullptr) {
    if (tombstones.empty()) return Status::Ok();
    RETURN_IF_ERROR(StartOutput());
  }
  for (const RangeTombstone& tombstone : tombstones) builder_->AddRangeTombstone(tombstone);
  Result<TableSummary> summary = builder_->Finish();
  builder_.reset();
  if (!summary.ok()) return summary.status();
  bytes_written_ += summary->file_bytes;
  edit_.AddFile(output_level_, MakeFileMetadata(builder_number_, *summary, context_.now_ms));
  return Status::Ok();
}

Status MergeJob::FinishAll() {
  RETURN_IF_ERROR(FinishOutput(slice_.end.has_value() ? &*slice_.end : nullptr));
  RETURN_IF_ERROR(values_.Finish());
  if (!outputs_.empty()) RETURN_IF_ERROR(context_.fs->SyncDir(context_.dir));
  if (!slice_.begin.has_value()) {
    for (const auto& file : plan_.inputs) edit_.DeleteFile(plan_.input_level, file->number());
    for (const auto& file : plan_.output_inputs) edit_.DeleteFile(output_level_, file->number());
  }
  done_ = true;
  return Status::Ok();
}

MergeJobStats MergeJob::stats() const {
  if (input_ == nullptr) return {};
  return {input_->bytes_read() + moved_bytes_, bytes_written_ + values_.bytes_written(),
          input_->entries_dropped(), edit_.added_files.size(), moved_bytes_};
}

std::unique_ptr<MergeJob> NewFlushJob(std::vector<std::shared_ptr<const Memtable>> memtables,
                                      MergeJobContext context) {
  std::vector<std::unique_ptr<InternalIterator>> iterators;
  std::vector<std::shared_ptr<const RangeTombstoneSet>> tombstones;
  for (const auto& memtable : memtables) {
    iterators.push_back(memtable->NewIterator());
    tombstones.push_back(memtable->range_tombstones());
  }
  std::unique_ptr<MergeJob> job(new MergeJob(std::move(context), 0, /*split_outputs=*/false));
  job->memtables_ = std::move(memtables);
  job->input_ = std::make_unique<CompactionIterator>(
      NewMergingIterator(std::move(iterators)), tombstones,
      CompactionFilterOptions{.snapshots = job->context_.snapshots,
                              .now_ms = job->context_.now_ms,
                              .bottom = {},
                              .filter = {}});
  return job;
}

std::unique_ptr<MergeJob> NewCompactionJob(CompactionPlan plan, MergeJobContext context,
                                           KeySlice slice) {
  NOKV_CHECK(!plan.trivial_move);
  // Within level 0 there is one output.
  std::unique_ptr<MergeJob> job(
      new MergeJob(std::move(context), plan.output_level, /*split_outputs=*/plan.output_level > 0));
  job->plan_ = std::move(plan);
  job->slice_ = std::move(slice);
  return job;
}

}  // namespace nokv::lsm
