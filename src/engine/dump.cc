#include "engine/dump.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "engine/batch.h"
#include "lsm/entry.h"
#include "lsm/sst/table.h"
#include "lsm/version/file_handle.h"
#include "manifest/current.h"
#include "manifest/manifest_names.h"
#include "manifest/manifest_reader.h"
#include "vlog/format.h"
#include "wal/recover.h"

namespace nokv::engine {

namespace {

constexpr uint64_t kManifestLimitBytes = uint64_t{1} << 30;
// What the visitor's "enough" is on its way through functions that only know errors.
constexpr StatusCode kEnough = StatusCode::kCancelled;

Status Enough() {
  return {kEnough, "enough"};
}
Status UnlessEnough(Status status) {
  return status.code() == kEnough ? Status::Ok() : status;
}

std::string_view KindName(keys::Kind kind) {
  switch (kind) {
    case keys::Kind::kDelete:
      return "delete";
    case keys::Kind::kPut:
      return "put";
    case keys::Kind::kVersionedDelete:
      return "versioned delete";
    case keys::Kind::kLockOnly:
      return "lock only";
    case keys::Kind::kRangeDelete:
      return "range delete";
    case keys::Kind::kMerge:
      return "merge";
  }
  return "unknown kind";
}

// Keyspace and version are seldom other than these.
std::string Unusual(std::string_view engine_key) {
  std::string text;
  if (engine_key[0] != static_cast<char>(keys::Keyspace::kData)) {
    text += " keyspace=" + std::to_string(engine_key[0]);
  }
  if (keys::VersionOf(engine_key) != 0) {
    text += " version=" + std::to_string(keys::VersionOf(engine_key));
  }
  return text;
}

std::string Describe(const lsm::EntryAttributes& attributes) {
  std::string text;
  if (attributes.expiry_ms != 0) text += " expiry_ms=" + std::to_string(attributes.expiry_ms);
  if (attributes.user_meta != 0) text += " user_meta=" + std::to_string(attributes.user_meta);
  if (attributes.origin.has_value()) text += " origin=" + std::to_string(*attributes.origin);
  return text;
}

std::string Trimmed(std::string text) {
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

// A prefix without its keyspace; empty for what is none.
std::string KeyOfPrefix(std::string_view prefix) {
  return std::string(prefix.substr(prefix.empty() ? 0 : 1));
}

Status DumpBatch(const wal::RecordView& record, const std::string& file, const DumpVisitor& visit) {
  BatchReader reader(record.payload);
  keys::SequenceNumber sequence = reader.first_sequence();
  const uint64_t payload = record.payload_position().offset;
  for (BatchEntry entry; reader.Next(&entry, /*verify_values=*/true); sequence++) {
    DumpLine line{.file = file, .what = std::string(KindName(entry.kind)), .sequence = sequence};
    if (entry.kind == keys::Kind::kRangeDelete) {
      line.key = KeyOfPrefix(entry.key);
      line.detail = "to " + KeyOfPrefix(entry.value);
    } else {
      line.key = keys::KeyOf(entry.key);
      line.detail = Trimmed(Unusual(entry.key) + Describe(entry.attributes));
    }
    if (entry.kind == keys::Kind::kPut) {
      line.offset = payload + entry.value_offset;
      line.bytes = entry.value.size();
    }
    if (!visit(line)) return Enough();
  }
  return reader.status().Prefixed("log record at " + ToString(record.start));
}

DumpLine EntryLine(const std::string& file, std::string_view internal_key,
                   const lsm::ParsedPayload& parsed) {
  const std::string_view engine_key = keys::EngineKeyOf(internal_key);
  DumpLine line{.file = file, .what = std::string(KindName(keys::KindOf(internal_key)))};
  line.sequence = keys::SequenceOf(internal_key);
  line.key = keys::KeyOf(engine_key);
  line.bytes = parsed.apart() ? parsed.pointer->length : parsed.value.size();
  std::string detail = Unusual(engine_key) + Describe(parsed.attributes);
  if (parsed.apart()) {
    detail += " in " + vlog::ValueFileName(parsed.pointer->file) + " at " +
              std::to_string(parsed.pointer->offset);
  }
  line.detail = Trimmed(std::move(detail));
  return line;
}

// False if the visitor has seen enough.
bool DumpMetadata(const lsm::Table& table, const std::string& file, const DumpVisitor& visit) {
  for (const auto& [name, value] : table.Properties()) {
    if (!visit({.file = file, .what = "property", .detail = name + "=" + value})) return false;
  }
  for (const lsm::TableBlock& block : table.Blocks()) {
    if (!visit({.file = file,
                .offset = block.offset,
                .what = "block",
                .key = std::string(keys::KeyOf(keys::EngineKeyOf(block.last_key))),
                .bytes = block.stored_bytes,
                .detail = "its last key"})) {
      return false;
    }
  }
  for (const auto& fragment : table.range_tombstones()->fragments()) {
    for (const keys::SequenceNumber sequence : fragment.sequences) {
      if (!visit({.file = file,
                  .what = "range delete",
                  .sequence = sequence,
                  .key = KeyOfPrefix(fragment.start),
                  .detail = "to " + KeyOfPrefix(fragment.end)})) {
        return false;
      }
    }
  }
  return true;
}

// What an edit changes, a line for each.
std::vector<DumpLine> EditLines(const manifest::VersionEdit& edit) {
  std::vector<DumpLine> lines;
  const auto add = [&](std::string what, std::string detail) {
    lines.push_back({.what = std::move(what), .detail = std::move(detail)});
  };
  if (edit.comparator.has_value()) add("order of keys", *edit.comparator);
  if (edit.log_position.has_value()) {
    add("replay from",
        ToString(wal::LogPosition{edit.log_position->segment, edit.log_position->offset}));
  }
  if (edit.next_file_number.has_value()) {
    add("next file number", std::to_string(*edit.next_file_number));
  }
  if (edit.last_sequence.has_value()) add("last sequence", std::to_string(*edit.last_sequence));
  if (edit.open_generation.has_value()) {
    add("open generation", std::to_string(*edit.open_generation));
  }
  for (const auto& [level, number] : edit.deleted_files) {
    add("delete table", lsm::TableName(number) + " level=" + std::to_string(level));
  }
  for (const auto& [level, meta] : edit.added_files) {
    std::string detail = lsm::TableName(meta.number) + " level=" + std::to_string(level) +
                         " entries=" + std::to_string(meta.entries) +
                         " sequences=" + std::to_string(meta.smallest_sequence) + "-" +
                         std::to_string(meta.largest_sequence);
    for (const manifest::ValueReference& reference : meta.points_into) {
      detail += " " + vlog::ValueFileName(reference.file) + "=" + std::to_string(reference.bytes);
    }
    add("add table", std::move(detail));
    lines.back().key = KeyOfPrefix(keys::InternalPrefixOf(meta.smallest));
    lines.back().bytes = meta.file_bytes;
  }
  return lines;
}

// The values of one file, up to what is no whole value.
Status DumpValueFile(const vfs::RandomFile& file, const std::string& name, uint64_t number,
                     const DumpVisitor& visit) {
  std::string scratch(vlog::kHeaderBytes, '\0');
  std::string_view bytes;
  RETURN_IF_ERROR(file.Read(0, scratch.size(), scratch.data(), &bytes));
  RETURN_IF_ERROR(vlog::CheckHeader(bytes, number).Prefixed(name));
  for (uint64_t offset = vlog::kHeaderBytes; offset < file.Size();) {
    Status torn = Status::Corruption(name + ": no whole value at offset " + std::to_string(offset));
    if (file.Size() - offset < vlog::kRecordHeaderBytes) return torn;
    std::array<char, vlog::kRecordHeaderBytes> header{};
    RETURN_IF_ERROR(file.Read(offset, header.size(), header.data(), &bytes));
    const uint32_t crc = base::LoadFixed32(bytes.data());
    const uint32_t length = base::LoadFixed32(bytes.data() + 4);
    offset += vlog::kRecordHeaderBytes;
    if (length > file.Size() - offset) return torn;
    scratch.resize(length);
    RETURN_IF_ERROR(file.Read(offset, length, scratch.data(), &bytes));
    const bool intact = base::MaskCrc(base::Crc32c(bytes)) == crc;
    if (!visit({.file = name,
                .offset = offset,
                .what = "value",
                .bytes = length,
                .detail = intact ? "intact" : "damaged"})) {
      return Enough();
    }
    offset += length;
  }
  return Status::Ok();
}

}  // namespace

Status DumpLog(vfs::FileSystem& fs, const std::string& dir, uint64_t from_segment,
               const DumpVisitor& visit) {
  ASSIGN_OR_RETURN(const auto manifest, manifest::ReadManifest(fs, dir));
  if (!manifest.has_value()) return Status::NotFound("no database in " + dir);
  wal::RecoverOptions options;
  const manifest::LogPosition& position = manifest->state.log_position;
  options.replay_from = {position.segment, position.offset};
  if (from_segment != 0) options.replay_from = {from_segment, 0};
  const auto dump = [&](const wal::RecordView& record) {
    const std::string file = wal::SegmentFileName(record.start.segment);
    const bool more = visit({.file = file,
                             .offset = record.start.offset,
                             .what = "record",
                             .bytes = record.payload.size(),
                             .detail = std::string(wal::RecordTypeName(record.type))});
    if (!more) return Enough();
    return record.type == wal::RecordType::kBatch ? DumpBatch(record, file, visit) : Status::Ok();
  };
  return UnlessEnough(wal::Recover(fs, dir, options, dump).status());
}

Status DumpTable(vfs::FileSystem& fs, const std::string& dir, uint64_t number,
                 const DumpVisitor& visit) {
  const std::string name = lsm::TableName(number);
  const std::string path = vfs::JoinPath(dir, name);
  ASSIGN_OR_RETURN(auto file, fs.OpenRandom(path, vfs::ReadMode::kRead));
  lsm::BlockCache cache(0);
  ASSIGN_OR_RETURN(const auto table, lsm::Table::Open(std::move(file), path, number, cache));
  if (!DumpMetadata(*table, name, visit)) return Status::Ok();
  const auto entries = table->NewIterator(/*fill_cache=*/false);
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    lsm::ParsedPayload parsed;
    if (!lsm::ParseEntryPayload(entries->value(), &parsed)) {
      return Status::Corruption(path + ": an entry's attributes are malformed");
    }
    if (!visit(EntryLine(name, entries->key(), parsed))) return Status::Ok();
  }
  return entries->status();
}

Status DumpManifest(vfs::FileSystem& fs, const std::string& dir, const DumpVisitor& visit) {
  ASSIGN_OR_RETURN(const auto number, manifest::ReadCurrent(fs, dir));
  if (!number.has_value()) return Status::NotFound("no database in " + dir);
  const std::string name = manifest::ManifestName(*number);
  const std::string path = vfs::JoinPath(dir, name);
  ASSIGN_OR_RETURN(const std::string content, fs.ReadFile(path, kManifestLimitBytes));
  ASSIGN_OR_RETURN(const auto parsed, manifest::ParseManifest(content, *number, path));
  for (size_t group = 0; group < parsed.groups.size(); group++) {
    for (const manifest::VersionEdit& edit : parsed.groups[group]) {
      for (DumpLine& line : EditLines(edit)) {
        line.file = name;
        line.offset = parsed.group_offsets[group];
        if (!visit(line)) return Status::Ok();
      }
    }
  }
  return Status::Ok();
}

Status DumpValueFiles(vfs::FileSystem& fs, const std::string& dir, const DumpVisitor& visit) {
  ASSIGN_OR_RETURN(const auto names, fs.List(dir));
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (!vlog::ParseMovedFileName(name, &number)) continue;
    const auto file = fs.OpenRandom(vfs::JoinPath(dir, name), vfs::ReadMode::kRead);
    if (file.status().IsNotFound()) continue;  // it went just now
    RETURN_IF_ERROR(file.status());
    const Status status = DumpValueFile(**file, name, number, visit);
    if (status.code() == kEnough) break;
    RETURN_IF_ERROR(status);
  }
  return Status::Ok();
}

}  // namespace nokv::engine
