// VersionEdit: one change to what a database consists of, and DatabaseState: the sum of all edits.
// docs/formats/manifest.md has the bytes.
//
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nokv/status.h"

namespace nokv::manifest {

inline constexpr int kLevels = 7;

// A file that holds values which tables point to.
struct ValueFileId {
  enum class Kind : uint8_t {
    kSegment = 0,  // of the log: the values stayed where they were first written
    kMoved = 1,    // a value file: compaction moved them
  };
  uint64_t number = 0;
  Kind kind = Kind::kSegment;

  auto operator<=>(const ValueFileId&) const = default;
};
// On disk both are one number, in the same order.
inline uint64_t EncodeValueFileId(ValueFileId id) {
  return id.number << 1 | static_cast<uint64_t>(id.kind);
}
inline ValueFileId DecodeValueFileId(uint64_t code) {
  return {code >> 1, static_cast<ValueFileId::Kind>(code & 1)};
}

// What a table points to in one file.
struct ValueReference {
  ValueFileId file;
  uint64_t bytes = 0;  // what all those values take of it
  uint64_t end = 0;    // where the last of them ends; the file is synced up to there

  bool operator==(const ValueReference&) const = default;
};

// One table. Its level is not part of it: a table may change level without being rewritten.
struct FileMetadata {
  uint64_t number = 0;
  uint64_t file_bytes = 0;
  uint64_t entries = 0;
  uint64_t deletions = 0;  // point tombstones
  uint64_t range_tombstones = 0;
  uint64_t raw_key_bytes = 0;
  uint64_t raw_value_bytes = 0;
  std::string smallest;  // internal keys; range tombstones included
  std::string largest;
  uint64_t smallest_sequence = 0;
  uint64_t largest_sequence = 0;
  uint64_t earliest_expiry_ms = 0;  // 0: nothing expires
  uint64_t created_at_ms = 0;
  std::vector<ValueReference> points_into;  // ascending by file; empty if all values are inside

  bool operator==(const FileMetadata&) const = default;
};

// Where log replay begins: everything before it is in tables.
struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset = 0;

  auto operator<=>(const LogPosition&) const = default;
};

// Absent fields leave the state as it is.
struct VersionEdit {
  std::optional<std::string> comparator;
  std::optional<LogPosition> log_position;
  std::optional<uint64_t> next_file_number;
  std::optional<uint64_t> last_sequence;
  std::optional<uint64_t> open_generation;
  std::vector<std::pair<int, uint64_t>> deleted_files;  // level, number; applied first
  std::vector<std::pair<int, FileMetadata>> added_files;

  void AddFile(int level, FileMetadata file) { added_files.emplace_back(level, std::move(file)); }
  void DeleteFile(int level, uint64_t number) { deleted_files.emplace_back(level, number); }
  bool operator==(const VersionEdit&) const = default;
};

// All edits of a group take effect together or not at all.
using EditGroup = std::vector<VersionEdit>;

void AppendEdit(const VersionEdit& edit, std::string* out);
// kDataLoss for malformed bytes; kUnimplemented, naming the tag, for one that this build does not
// know.
Result<VersionEdit> DecodeEdit(std::string_view bytes);

// What a database consists of.
struct DatabaseState {
  std::string comparator;
  LogPosition log_position;
  uint64_t next_file_number = 1;
  uint64_t last_sequence = 0;
  uint64_t open_generation = 0;  // how many read-write opens there were
  std::array<std::map<uint64_t, FileMetadata>, kLevels> levels;  // by file number

  // Fails, leaving the state unspecified, if the edit does not fit: a file added twice or deleted
  // without being there (kDataLoss), another comparator (kFailedPrecondition).
  Status Apply(const VersionEdit& edit);
  // The edit that makes an empty state equal to this one.
  VersionEdit Snapshot() const;

  bool operator==(const DatabaseState&) const = default;
};

}  // namespace nokv::manifest
