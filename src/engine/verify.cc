#include "engine/verify.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/macros.h"
#include "engine/batch.h"
#include "engine/directory.h"
#include "lsm/entry.h"
#include "lsm/sst/table.h"
#include "lsm/version/file_handle.h"
#include "manifest/current.h"
#include "manifest/manifest_names.h"
#include "manifest/manifest_reader.h"
#include "vlog/value_file.h"
#include "wal/recover.h"

namespace nokv::engine {

namespace {

constexpr std::string_view kRestore = "restore the file from a backup or checkpoint";

std::string Count(uint64_t number, std::string_view what) {
  return std::to_string(number) + " " + std::string(what);
}

// The key for a message, without its keyspace.
std::string KeyText(std::string_view internal_key) {
  return base::EscapeBytes(keys::InternalPrefixOf(internal_key).substr(1));
}

class Verifier {
 public:
  Verifier(vfs::FileSystem& fs, const std::string& dir)
      : fs_(fs), dir_(dir), values_(fs, dir, vfs::ReadMode::kRead) {}

  Result<VerifyReport> Run() {
    const Status mode = ReadMode(fs_, dir_).status();
    if (!mode.ok()) Damaged(kModeName, mode, "who may open the directory is unknown: nobody can");
    ASSIGN_OR_RETURN(const bool readable, ReadState());
    if (readable) {
      for (size_t level = 0; level < state_.levels.size(); level++) {
        for (const auto& [number, meta] : state_.levels[level]) VerifyTable(level, meta);
      }
      VerifyLog();
    } else {
      RETURN_IF_ERROR(VerifyTablesAlone());
    }
    for (const auto& [name, values] : value_files_) ReportValues(name, values);
    RETURN_IF_ERROR(NoteTheRest());
    for (auto& [name, verdict] : verdicts_) report_.files.push_back(std::move(verdict));
    return std::move(report_);
  }

 private:
  // What tables point to in a file.
  struct Values {
    uint64_t intact = 0;
    uint64_t damaged = 0;
    Status first;     // damage
    std::string key;  // of that
  };

  void Intact(const std::string& file, std::string detail) {
    verdicts_.try_emplace(file, FileVerdict{file, {}, std::move(detail), {}});
  }
  void Damaged(const std::string& file, const Status& problem, std::string meaning) {
    const std::string_view hint = problem.hint().empty() ? kRestore : problem.hint();
    verdicts_[file] = {file, problem, std::move(meaning), std::string(hint)};
  }

  // False if nobody can say what belongs to the database.
  Result<bool> ReadState() {
    const auto current = manifest::ReadCurrent(fs_, dir_);
    if (!current.ok()) {
      Damaged(manifest::kCurrentName, current.status(),
              "which manifest counts is unknown: the database does not open");
      return false;
    }
    if (!current->has_value()) return Status::NotFound("no database in " + dir_);
    Intact(manifest::kCurrentName, "names " + manifest::ManifestName(**current));
    const auto manifest = manifest::ReadManifest(fs_, dir_);
    if (!manifest.ok() || !manifest->has_value()) {
      Damaged(manifest::ManifestName(**current), manifest.status(),
              "which tables make up the database is unknown: it does not open");
      return false;
    }
    state_ = (*manifest)->state;
    const std::string name = manifest::ManifestName((*manifest)->number);
    Intact(name, Count((*manifest)->groups, "groups of edits"));
    if ((*manifest)->torn_tail.has_value()) {
      report_.notes.push_back(name + ": " + Count((*manifest)->torn_tail->bytes, "bytes at") +
                              " its end were never acknowledged; the next open leaves them out");
    }
    return true;
  }

  // True if a live writer has taken the table out of the database since.
  bool GoneMeanwhile(uint64_t number) const {
    const auto now = manifest::ReadManifest(fs_, dir_);
    return now.ok() && now->has_value() &&
           std::none_of((*now)->state.levels.begin(), (*now)->state.levels.end(),
                        [number](const auto& level) { return level.contains(number); });
  }

  void VerifyTable(size_t level, const manifest::FileMetadata& meta) {
    const std::string name = lsm::TableName(meta.number);
    const Status status = CheckTable(meta);
    if (status.ok()) {
      return Intact(name, "level " + std::to_string(level) + ", " + Count(meta.entries, "entries"));
    }
    if (GoneMeanwhile(meta.number)) return;
    Damaged(name, status,
            "keys from " + KeyText(meta.smallest) + " to " + KeyText(meta.largest) + " of level " +
                std::to_string(level) + " cannot all be read; what can be is right");
  }

  Result<std::shared_ptr<const lsm::Table>> OpenTable(uint64_t number) {
    const std::string path = vfs::JoinPath(dir_, lsm::TableName(number));
    auto file = fs_.OpenRandom(path, vfs::ReadMode::kRead);
    if (file.status().IsNotFound()) {
      return Status::Corruption(path + ": the file is missing").WithErrorNumber(1304);
    }
    RETURN_IF_ERROR(file.status());
    return lsm::Table::Open(*std::move(file), path, number, cache_);
  }

  Status CheckTable(const manifest::FileMetadata& meta) {
    ASSIGN_OR_RETURN(const auto table, OpenTable(meta.number));
    RETURN_IF_ERROR(table->Verify());
    if (table->summary().entries != meta.entries) {
      return Status::Corruption(lsm::TableName(meta.number) + ": it has " +
                                Count(table->summary().entries, "entries, the manifest says ") +
                                std::to_string(meta.entries));
    }
    if (meta.points_into.empty()) return Status::Ok();
    const auto entries = table->NewIterator(/*fill_cache=*/false);
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
      lsm::ParsedPayload parsed;
      if (lsm::ParseEntryPayload(entries->value(), &parsed) && parsed.apart()) {
        CheckValue(meta.number, entries->key(), *parsed.pointer);
      }
    }
    return entries->status();
  }

  void CheckValue(uint64_t table, std::string_view internal_key,
                  const vlog::ValuePointer& pointer) {
    Values& values = value_files_[vlog::ValueFileName(pointer.file)];
    std::string scratch;
    std::string_view value;
    const auto file = values_.Use(pointer.file);
    Status status = file.status();
    if (file.ok()) {
      (*file)->ExtendTo(pointer.end());
      status = (*file)->Read(pointer, &scratch, &value);
      held_.insert(*file);
    }
    if (status.ok()) {
      values.intact++;
      return;
    }
    if (GoneMeanwhile(table)) return;
    if (values.damaged++ > 0) return;
    values.first = status;
    values.key = KeyText(internal_key);
  }

  void ReportValues(const std::string& name, const Values& values) {
    if (values.damaged == 0) return Intact(name, Count(values.intact, "values"));
    Damaged(name, values.first,
            Count(values.damaged, "values cannot be read, the first that of key ") + values.key +
                "; " + std::to_string(values.intact) + " can");
  }

  void VerifyLog() {
    std::map<uint64_t, uint64_t> records;
    const auto count = [&](const wal::RecordView& record) {
      records[record.start.segment]++;
      if (record.type != wal::RecordType::kBatch) return Status::Ok();
      BatchReader reader(record.payload);
      BatchEntry entry;
      while (reader.Next(&entry, /*verify_values=*/true)) {
      }
      return reader.status().Prefixed("log record at " + ToString(record.start));
    };
    wal::RecoverOptions options;
    options.replay_from = {state_.log_position.segment, state_.log_position.offset};
    const auto recovered = wal::Recover(fs_, dir_, options, count);
    if (!recovered.ok()) {
      return Damaged(FileNamedIn(recovered.status(), options.replay_from.segment),
                     recovered.status(),
                     "writes that are in no table yet cannot be replayed: the database does not "
                     "open");
    }
    for (const wal::LiveSegment& segment : recovered->segments) {
      Intact(wal::SegmentFileName(segment.number),
             Count(records[segment.number], "records to replay"));
    }
    if (recovered->cut) {
      report_.notes.push_back(wal::SegmentFileName(recovered->end.segment) + ": " +
                              Count(recovered->cut_bytes, "bytes at its end were never ") +
                              "acknowledged as synced; the next open leaves them out");
    }
  }

  // The segment that the message names; otherwise that in which replay begins.
  std::string FileNamedIn(const Status& status, uint64_t otherwise) const {
    const std::string_view message = status.message();
    const size_t end = message.find(".wal");
    if (end != std::string_view::npos) {
      const size_t slash = message.rfind('/', end);
      const size_t blank = message.rfind(' ', end);
      size_t begin = 0;
      if (slash != std::string_view::npos) begin = slash + 1;
      if (blank != std::string_view::npos) begin = std::max(begin, blank + 1);
      return std::string(message.substr(begin, end + 4 - begin));
    }
    return wal::SegmentFileName(otherwise);
  }

  // Without a manifest each table can only speak for itself.
  Status VerifyTablesAlone() {
    ASSIGN_OR_RETURN(const auto names, fs_.List(dir_));
    for (const std::string& name : names) {
      uint64_t number = 0;
      if (!lsm::ParseTableName(name, &number)) continue;
      auto table = OpenTable(number);
      const Status status = table.ok() ? (*table)->Verify() : table.status();
      if (status.ok()) {
        Intact(name, Count((*table)->summary().entries, "entries, if it belongs to the database"));
      } else {
        Damaged(name, status, "not all of it can be read");
      }
    }
    return Status::Ok();
  }

  Status NoteTheRest() {
    ASSIGN_OR_RETURN(const auto names, fs_.List(dir_));
    for (const std::string& name : names) {
      uint64_t number = 0;
      const bool ours = lsm::ParseTableName(name, &number) ||
                        vlog::ParseMovedFileName(name, &number) ||
                        wal::ParseSegmentFileName(name, &number);
      if (ours && !verdicts_.contains(name)) {
        report_.notes.push_back(name + ": not needed any more; it goes when nobody reads it");
      }
    }
    return Status::Ok();
  }

  vfs::FileSystem& fs_;
  const std::string dir_;
  lsm::BlockCache cache_{0};
  vlog::ValueFiles values_;
  std::set<std::shared_ptr<const vlog::ValueFile>> held_;  // open from the first value on
  manifest::DatabaseState state_;
  std::map<std::string, Values> value_files_;
  std::map<std::string, FileVerdict> verdicts_;
  VerifyReport report_;
};

}  // namespace

uint64_t VerifyReport::damaged() const {
  return static_cast<uint64_t>(
      std::count_if(files.begin(), files.end(),
                    [](const FileVerdict& verdict) { return !verdict.problem.ok(); }));
}

Result<VerifyReport> VerifyDirectory(vfs::FileSystem& fs, const std::string& dir) {
  ASSIGN_OR_RETURN(const bool exists, fs.Exists(dir));
  if (!exists) return Status::NotFound("no database in " + dir);
  // A live writer is told that somebody looks.
  ASSIGN_OR_RETURN(const auto lock, LockDirectory(fs, dir, /*read_only=*/true));
  return Verifier(fs, dir).Run();
}

}  // namespace nokv::engine
