#include "manifest/version_edit.h"

#include "base/coding.h"
#include "base/macros.h"
#include "keys/keys.h"
#include "manifest/format.h"

namespace nokv::manifest {

namespace {

// The numbers are on disk. Each tag is followed by its fields.
enum class Tag : uint32_t {
  kComparator = 1,
  kLogPosition = 2,
  kNextFileNumber = 3,
  kLastSequence = 4,
  kOpenGeneration = 5,
  kDeletedFile = 6,
  kAddedFile = 7,
};

void PutTag(Tag tag, std::string* out) {
  base::PutVarint32(out, static_cast<uint32_t>(tag));
}

void PutNumber(Tag tag, const std::optional<uint64_t>& value, std::string* out) {
  if (!value) return;
  PutTag(tag, out);
  base::PutVarint64(out, *value);
}

void AppendFile(const FileMetadata& file, std::string* out) {
  for (const uint64_t number :
       {file.number, file.file_bytes, file.entries, file.deletions, file.range_tombstones,
        file.raw_key_bytes, file.raw_value_bytes, file.smallest_sequence, file.largest_sequence,
        file.earliest_expiry_ms, file.created_at_ms}) {
    base::PutVarint64(out, number);
  }
  base::PutLengthPrefixed(out, file.smallest);
  base::PutLengthPrefixed(out, file.largest);
  base::PutVarint64(out, file.points_into.size());
  for (const ValueReference& reference : file.points_into) {
    base::PutVarint64(out, EncodeValueFileId(reference.file));
    base::PutVarint64(out, reference.bytes);
    base::PutVarint64(out, reference.end);
  }
}

bool GetString(std::string_view* in, std::string* out) {
  std::string_view view;
  if (!base::GetLengthPrefixed(in, &view)) return false;
  out->assign(view);
  return true;
}

// Bounds can be taken apart by keys::CompareInternalKeys. They need not be keys of entries: a range
// tombstone may end at any prefix.
bool AreBounds(const FileMetadata& file) {
  constexpr size_t kShortest = 1 + keys::kSuffixBytes + keys::kTrailerBytes;
  return file.smallest.size() >= kShortest && file.largest.size() >= kShortest &&
         keys::CompareInternalKeys(file.smallest, file.largest) <= 0;
}

bool GetFile(std::string_view* in, FileMetadata* file) {
  for (uint64_t* number :
       {&file->number, &file->file_bytes, &file->entries, &file->deletions, &file->range_tombstones,
        &file->raw_key_bytes, &file->raw_value_bytes, &file->smallest_sequence,
        &file->largest_sequence, &file->earliest_expiry_ms, &file->created_at_ms}) {
    if (!base::GetVarint64(in, number)) return false;
  }
  uint64_t references = 0;
  if (!GetString(in, &file->smallest) || !GetString(in, &file->largest) || !AreBounds(*file) ||
      !base::GetVarint64(in, &references)) {
    return false;
  }
  for (uint64_t i = 0; i < references; i++) {
    ValueReference reference;
    uint64_t code = 0;
    if (!base::GetVarint64(in, &code) || !base::GetVarint64(in, &reference.bytes) ||
        !base::GetVarint64(in, &reference.end)) {
      return false;
    }
    reference.file = DecodeValueFileId(code);
    if (i > 0 && reference.file <= file->points_into.back().file) return false;
    file->points_into.push_back(reference);
  }
  return true;
}

bool GetLevel(std::string_view* in, int* level) {
  uint32_t value = 0;
  if (!base::GetVarint32(in, &value) || value >= static_cast<uint32_t>(kLevels)) return false;
  *level = static_cast<int>(value);
  return true;
}

bool GetNumber(std::string_view* in, std::optional<uint64_t>* out) {
  uint64_t value = 0;
  if (!base::GetVarint64(in, &value)) return false;
  *out = value;
  return true;
}

// Decodes the fields of `tag`; false if they are malformed. `*known` is false for an unknown tag.
bool GetFields(Tag tag, std::string_view* in, VersionEdit* edit, bool* known) {
  switch (tag) {
    case Tag::kComparator:
      return GetString(in, &edit->comparator.emplace());
    case Tag::kLogPosition: {
      LogPosition& position = edit->log_position.emplace();
      return base::GetVarint64(in, &position.segment) && base::GetVarint64(in, &position.offset);
    }
    case Tag::kNextFileNumber:
      return GetNumber(in, &edit->next_file_number);
    case Tag::kLastSequence:
      return GetNumber(in, &edit->last_sequence);
    case Tag::kOpenGeneration:
      return GetNumber(in, &edit->open_generation);
    case Tag::kDeletedFile: {
      auto& [level, number] = edit->deleted_files.emplace_back();
      return GetLevel(in, &level) && base::GetVarint64(in, &number);
    }
    case Tag::kAddedFile: {
      auto& [level, file] = edit->added_files.emplace_back();
      return GetLevel(in, &level) && GetFile(in, &file);
    }
  }
  *known = false;
  return false;
}

}  // namespace

void AppendEdit(const VersionEdit& edit, std::string* out) {
  if (edit.comparator) {
    PutTag(Tag::kComparator, out);
    base::PutLengthPrefixed(out, *edit.comparator);
  }
  if (edit.log_position) {
    PutTag(Tag::kLogPosition, out);
    base::PutVarint64(out, edit.log_position->segment);
    base::PutVarint64(out, edit.log_position->offset);
  }
  PutNumber(Tag::kNextFileNumber, edit.next_file_number, out);
  PutNumber(Tag::kLastSequence, edit.last_sequence, out);
  PutNumber(Tag::kOpenGeneration, edit.open_generation, out);
  for (const auto& [level, number] : edit.deleted_files) {
    PutTag(Tag::kDeletedFile, out);
    base::PutVarint32(out, static_cast<uint32_t>(level));
    base::PutVarint64(out, number);
  }
  for (const auto& [level, file] : edit.added_files) {
    PutTag(Tag::kAddedFile, out);
    base::PutVarint32(out, static_cast<uint32_t>(level));
    AppendFile(file, out);
  }
}

Result<VersionEdit> DecodeEdit(std::string_view bytes) {
  VersionEdit edit;
  const size_t size = bytes.size();
  while (!bytes.empty()) {
    const size_t at = size - bytes.size();
    uint32_t tag = 0;
    bool known = true;
    if (base::GetVarint32(&bytes, &tag) &&
        GetFields(static_cast<Tag>(tag), &bytes, &edit, &known)) {
      continue;
    }
    if (!known) {
      return Status::Unimplemented("the edit has the field " + std::to_string(tag) +
                                   ", which this build does not know")
          .WithHint("open the database with the newer nokv that wrote it")
          .WithErrorNumber(1305);
    }
    return Status::Corruption("the edit is malformed at its byte " + std::to_string(at) +
                              " (field " + std::to_string(tag) + ")");
  }
  return edit;
}

Status DatabaseState::Apply(const VersionEdit& edit) {
  if (edit.comparator) {
    if (*edit.comparator != kComparatorName) {
      return Status::FailedPrecondition("the database orders its keys by \"" + *edit.comparator +
                                        "\", this build by \"" + kComparatorName + "\"")
          .WithHint("open it with the nokv that created it");
    }
    comparator = *edit.comparator;
  }
  if (edit.log_position) log_position = *edit.log_position;
  if (edit.next_file_number) next_file_number = *edit.next_file_number;
  if (edit.last_sequence) last_sequence = *edit.last_sequence;
  if (edit.open_generation) open_generation = *edit.open_generation;
  for (const auto& [level, number] : edit.deleted_files) {
    if (levels[static_cast<size_t>(level)].erase(number) == 0) {
      return Status::Corruption("table " + std::to_string(number) + " is deleted from level " +
                                std::to_string(level) + " but is not there");
    }
  }
  for (const auto& [level, file] : edit.added_files) {
    for (const auto& files : levels) {
      if (!files.contains(file.number)) continue;
      return Status::Corruption("table " + std::to_string(file.number) + " is added to level " +
                                std::to_string(level) + " but is there already");
    }
    levels[static_cast<size_t>(level)].emplace(file.number, file);
  }
  return Status::Ok();
}

VersionEdit DatabaseState::Snapshot() const {
  VersionEdit edit;
  edit.comparator = comparator;
  edit.log_position = log_position;
  edit.next_file_number = next_file_number;
  edit.last_sequence = last_sequence;
  edit.open_generation = open_generation;
  for (int level = 0; level < kLevels; level++) {
    for (const auto& [number, file] : levels[static_cast<size_t>(level)]) {
      edit.AddFile(level, file);
    }
  }
  return edit;
}

}  // namespace nokv::manifest
